// The host's place for what is physical memory in the guest: an arena that machine.cpp maps at this address.
#pragma once

#include <cstdint>

namespace orrery::kernel {

using PhysicalAddress = std::uint64_t;
using VirtualAddress = std::uint64_t;

// AddressSanitizer and ThreadSanitizer both leave this part of the address space to programs.
inline constexpr VirtualAddress direct_map_base = 0x7e90'0000'0000;

} // namespace orrery::kernel
