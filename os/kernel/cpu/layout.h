// The kernel's half of every address space on x86-64. The Inspector relies on the direct map through the descriptor.
#pragma once

#include <cstdint>

namespace orrery::kernel {

using PhysicalAddress = std::uint64_t;
using VirtualAddress = std::uint64_t;

inline constexpr VirtualAddress direct_map_base = 0xffff'8000'0000'0000; // all RAM, writable, never executable
inline constexpr VirtualAddress kernel_stack_area = 0xffff'c000'0000'0000; // stacks with a guard page below each
inline constexpr VirtualAddress device_area = 0xffff'd000'0000'0000; // uncached device registers
inline constexpr VirtualAddress kernel_image_base = 0xffff'ffff'8000'0000; // virtual minus physical of the kernel image

} // namespace orrery::kernel
