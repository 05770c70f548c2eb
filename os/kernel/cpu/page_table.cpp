// Page tables: walking, making and freeing them.
#include "kernel/cpu/page_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/cpu/page_table_entry.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

using namespace page_entry;

namespace {

    constexpr std::uint64_t span_of(unsigned level) { return std::uint64_t { page_size } << (9 * level); } // of an entry

} // namespace

void PageTable::free_table(PhysicalAddress table)
{
    frame_allocator.release(frame_allocator.frame_at(table));
    if (account_) account_->give_back(1);
}

// level: of the table whose first `count` entries are walked; 0 = the last.
void PageTable::free_tables(PhysicalAddress table, unsigned level, unsigned count)
{
    for (unsigned index = 0; level > 0 && index < count; ++index) {
        const std::uint64_t entry = table_at(table)[index];
        if (!(entry & entry_present) || (entry & entry_large)) continue;
        free_tables(entry & entry_address, level - 1, entries_per_table);
        free_table(entry & entry_address);
        table_at(table)[index] = 0;
    }
}

Result<std::uint64_t*> PageTable::make_entry(VirtualAddress address)
{
    std::uint64_t* table = table_at(root_);
    for (unsigned level = 3; level > 0; --level) {
        std::uint64_t& slot = table[index_at(address, level)];
        if (!(slot & entry_present)) {
            if (account_) TRY_STATUS(account_->charge(1));
            Frame* frame = frame_allocator.allocate_zeroed();
            if (!frame) {
                if (account_) account_->give_back(1);
                return fail(Error::out_of_memory);
            }
            // The last level decides: the tables above grant everything but user access to the kernel half.
            slot = frame_allocator.address_of(frame) | entry_present | entry_write
                | (address < direct_map_base ? entry_user : 0);
        }
        table = table_at(slot & entry_address);
    }
    return &table[index_at(address, 0)];
}

Result<PageTable> PageTable::create(MemoryAccount* account)
{
    if (account) TRY_STATUS(account->charge(1));
    Frame* frame = frame_allocator.allocate_zeroed();
    if (!frame) {
        if (account) account->give_back(1);
        return fail(Error::out_of_memory);
    }
    PageTable table(frame_allocator.address_of(frame), account);
    std::memcpy(table_at(table.root_) + 256, table_at(kernel_page_table_root()) + 256, 256 * sizeof(std::uint64_t));
    return table;
}

Status PageTable::map(VirtualAddress address, PhysicalAddress target, PageRights rights)
{
    TRY(slot, make_entry(address));
    *slot = target | bits(rights);
    return {};
}

PhysicalAddress PageTable::remove(VirtualAddress address)
{
    const auto slot = make_entry(address); // nothing is made: it is mapped
    return std::exchange(**slot, 0) & entry_address;
}

Status PageTable::set_note(VirtualAddress address, std::uint64_t note)
{
    TRY(slot, make_entry(address));
    *slot = note & ~entry_present;
    return {};
}

std::uint64_t PageTable::note(VirtualAddress address) { return **make_entry(address); }

template <typename Visit>
void PageTable::for_each_present(VirtualAddress begin, VirtualAddress end, Visit visit)
{
    for (VirtualAddress address = begin; address < end;) {
        std::uint64_t* table = table_at(root_);
        unsigned level = 3;
        while (level > 0 && (table[index_at(address, level)] & entry_present)) {
            table = table_at(table[index_at(address, level)] & entry_address);
            --level;
        }
        if (level > 0) { // nothing below this entry: go to the next one
            address = round_down(address, span_of(level)) + span_of(level);
            continue;
        }
        std::uint64_t& slot = table[index_at(address, 0)];
        if (slot & entry_present) visit(slot);
        address += page_size;
    }
}

void PageTable::unmap(VirtualAddress begin, VirtualAddress end)
{
    for_each_present(begin, end, [](std::uint64_t& slot) { slot = 0; });
}

void PageTable::restrict(VirtualAddress begin, VirtualAddress end, PageRights rights)
{
    const std::uint64_t take = rights.write ? 0 : entry_write;
    const std::uint64_t add = rights.execute ? 0 : entry_no_execute;
    for_each_present(begin, end, [&](std::uint64_t& slot) { slot = (slot & ~take) | add; });
}

// `base` is what the table's first entry stands for. Tables below come before those above them, which are empty then:
// nothing is mapped in the hole, and no table reaches into it that does not overlap the range (address_space.cpp keeps
// it so).
void PageTable::detach_below(PhysicalAddress table, unsigned level, VirtualAddress base, const Range& range, const Range& hole,
    DetachedTables& tables)
{
    const std::uint64_t span = span_of(level);
    const std::uint64_t last = std::min<std::uint64_t>((range.end - 1 - base) / span, entries_per_table - 1);
    for (std::uint64_t index = range.begin > base ? (range.begin - base) / span : 0; index <= last; ++index) {
        std::uint64_t& entry = table_at(table)[index];
        if (!(entry & entry_present)) continue;
        const PhysicalAddress below = entry & entry_address;
        const VirtualAddress begin = base + index * span;
        if (level > 1) detach_below(below, level - 1, begin, range, hole, tables);
        if (begin < hole.begin || begin + span > hole.end) continue;
        entry = 0;
        table_at(below)[0] = tables.first;
        tables.first = below;
    }
}

DetachedTables PageTable::detach(VirtualAddress begin, VirtualAddress end, VirtualAddress floor, VirtualAddress ceiling)
{
    DetachedTables tables;
    // Mostly neighbours share the table: then there is nothing to look for.
    VirtualAddress lowest = round_down(begin, span_of(1));
    if (lowest < floor) lowest += span_of(1);
    if (lowest >= end || lowest + span_of(1) > ceiling) return tables;
    detach_below(root_, 3, 0, { begin, end }, { floor, ceiling }, tables);
    return tables;
}

void PageTable::free(DetachedTables tables)
{
    for (PhysicalAddress table = tables.first; table != 0;) {
        const PhysicalAddress next = table_at(table)[0];
        free_table(table);
        table = next;
    }
}

void PageTable::destroy()
{
    free_tables(root_, 3, entries_per_table / 2); // the upper half is the kernel's
    free_table(root_);
    root_ = 0;
}

} // namespace orrery::kernel
