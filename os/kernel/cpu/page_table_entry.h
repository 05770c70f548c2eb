// An entry of an x86-64 page table (Intel SDM volume 3 section 4.5) and how its tables are found.
#pragma once

#include <cstdint>

#include "kernel/cpu/page_table.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel::page_entry {

inline constexpr std::uint64_t entry_present = 1u << 0;
inline constexpr std::uint64_t entry_write = 1u << 1;
inline constexpr std::uint64_t entry_user = 1u << 2;
inline constexpr std::uint64_t entry_uncached = 1u << 3 | 1u << 4;
inline constexpr std::uint64_t entry_large = 1u << 7;
inline constexpr std::uint64_t entry_global = 1u << 8;
inline constexpr std::uint64_t entry_no_execute = std::uint64_t { 1 } << 63;
inline constexpr std::uint64_t entry_address = 0x000f'ffff'ffff'f000;
inline constexpr unsigned entries_per_table = 512;

inline std::uint64_t* table_at(PhysicalAddress address) { return static_cast<std::uint64_t*>(to_virtual(address)); }

constexpr unsigned index_at(VirtualAddress address, unsigned level) { return address >> (12 + 9 * level) & 511; }

inline std::uint64_t bits(PageRights rights)
{
    return entry_present | (rights.write ? entry_write : 0) | (rights.user ? entry_user : entry_global)
        | (rights.execute ? 0 : entry_no_execute) | (rights.uncached ? entry_uncached : 0);
}

} // namespace orrery::kernel::page_entry
