// Page tables and memory objects for pictures that tests make by hand.
#pragma once

#include <algorithm>

#include "abi/startup.h"
#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

inline constexpr std::uint64_t table_bits = 0x27; // present, write, user, accessed
inline constexpr std::uint64_t no_execute_bit = std::uint64_t { 1 } << 63;

// Enters a page in the space's tables; those that are missing are made at physical addresses behind its root.
inline void enter_page(SpaceView& space, std::uint64_t address, std::uint64_t entry)
{
    auto& tables = space.page_tables.tables;
    auto& counts = space.page_tables.tables_at_level;
    const auto table_at = [&](std::uint64_t physical, unsigned level) -> PageTableView& {
        const auto place = std::ranges::lower_bound(tables, physical, {}, &PageTableView::physical);
        if (place != tables.end() && place->physical == physical) return *place;
        ++counts[level];
        return *tables.insert(place, { physical, level, {}, true });
    };
    const auto set = [](PageTableView& table, unsigned index, std::uint64_t value) {
        const auto place = std::ranges::lower_bound(table.entries, index, {}, &PageEntryView::index);
        if (place != table.entries.end() && place->index == index) place->value = value;
        else table.entries.insert(place, { index, value });
    };
    auto physical = space.cr3;
    for (unsigned level = 4; level > 1; --level) {
        const auto index = static_cast<unsigned>(address >> (12 + 9 * (level - 1)) & 511);
        auto below = table_at(physical, level).entry(index) & 0x000f'ffff'ffff'f000;
        if (below == 0) {
            below = space.cr3 + tables.size() * abi::page_size;
            set(table_at(physical, level), index, below | table_bits);
        }
        physical = below;
    }
    set(table_at(physical, 1), static_cast<unsigned>(address >> 12 & 511), entry);
}

// A memory object of so many pages, and its place in the picture.
inline MemoryObjectView& add_object(Snapshot& snapshot, std::uint64_t address, std::uint32_t number, std::uint64_t pages)
{
    MemoryObjectView object;
    object.address = address;
    object.number = number;
    object.label = "memory " + std::to_string(number);
    object.size = pages * abi::page_size;
    object.leaves.push_back({ 0, std::vector<ObjectPage>(pages) });
    snapshot.memory_objects.push_back(std::move(object));
    return snapshot.memory_objects.back();
}

} // namespace orrery::inspector
