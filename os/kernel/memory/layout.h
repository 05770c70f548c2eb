// Addresses: the direct map, the user half, and rounding to pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/startup.h"
#include "kernel/cpu/layout.h"

namespace orrery::kernel {

using abi::page_size;

inline void* to_virtual(PhysicalAddress address) { return reinterpret_cast<void*>(direct_map_base + address); }
inline PhysicalAddress to_physical(const void* direct_mapped)
{
    return reinterpret_cast<VirtualAddress>(direct_mapped) - direct_map_base;
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }
constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) { return value / unit * unit; }
constexpr bool is_page_aligned(std::uint64_t value) { return value % page_size == 0; }

// True if [offset, offset + length) are whole pages, at least one, of something that has `size` bytes.
constexpr bool is_page_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size)
{
    return is_page_aligned(offset) && is_page_aligned(length) && length != 0 && offset <= size && length <= size - offset;
}

// True if [address, address + length) lies in the user half; an empty range does too. Safe against overflow.
constexpr bool is_user_range(VirtualAddress address, std::uint64_t length)
{
    return address >= abi::user_begin && address <= abi::user_end && length <= abi::user_end - address;
}

} // namespace orrery::kernel
