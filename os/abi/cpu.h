// What user code may rely on about the x86-64 machine: segment selectors and the flags that a return may not change.
#pragma once

#include <cstdint>

namespace orrery::abi {

// SYSRET (Intel SDM volume 2) wants user data directly below user code in the GDT.
inline constexpr std::uint16_t kernel_code_selector = 0x08;
inline constexpr std::uint16_t kernel_data_selector = 0x10;
inline constexpr std::uint16_t user_data_selector = 0x18 | 3; // 0x1b
inline constexpr std::uint16_t user_code_selector = 0x20 | 3; // 0x23
inline constexpr std::uint16_t task_state_selector = 0x28;

// RFLAGS, Intel SDM volume 1 section 3.4.3.
inline constexpr std::uint64_t rflags_fixed = 1u << 1;
inline constexpr std::uint64_t rflags_trap = 1u << 8;
inline constexpr std::uint64_t rflags_interrupt = 1u << 9;
inline constexpr std::uint64_t rflags_direction = 1u << 10;
inline constexpr std::uint64_t rflags_nested_task = 1u << 14;
inline constexpr std::uint64_t rflags_alignment_check = 1u << 18;

} // namespace orrery::abi
