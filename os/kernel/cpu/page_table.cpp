// Page tables: walking, making and freeing them.
#include "kernel/cpu/page_table.h"

#include <cstring>

#include "kernel/cpu/page_table_entry.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

using namespace page_entry;

namespace {

    void free_table(PhysicalAddress address) { frame_allocator.release(frame_allocator.frame_at(address)); }

    // level: of the table whose entries are walked; 0 = the last.
    void free_tables(PhysicalAddress table, unsigned level, unsigned first, unsigned last)
    {
        for (unsigned index = first; level > 0 && index < last; ++index) {
            const std::uint64_t entry = table_at(table)[index];
            if (!(entry & entry_present) || (entry & entry_large)) continue;
            free_tables(entry & entry_address, level - 1, 0, entries_per_table);
            free_table(entry & entry_address);
            table_at(table)[index] = 0;
        }
    }

} // namespace

std::uint64_t* PageTable::make_entry(VirtualAddress address)
{
    std::uint64_t* table = table_at(root_);
    for (unsigned level = 3; level > 0; --level) {
        std::uint64_t& slot = table[index_at(address, level)];
        if (!(slot & entry_present)) {
            Frame* frame = frame_allocator.allocate_zeroed();
            if (!frame) return nullptr;
            // The last level decides: the tables above grant everything but user access to the kernel half.
            slot = frame_allocator.address_of(frame) | entry_present | entry_write
                | (address < direct_map_base ? entry_user : 0);
        }
        table = table_at(slot & entry_address);
    }
    return &table[index_at(address, 0)];
}

Result<PageTable> PageTable::create()
{
    Frame* frame = frame_allocator.allocate_zeroed();
    if (!frame) return fail(Error::out_of_memory);
    PageTable table(frame_allocator.address_of(frame));
    std::memcpy(table_at(table.root_) + 256, table_at(kernel_page_table_root()) + 256, 256 * sizeof(std::uint64_t));
    return table;
}

Status PageTable::map(VirtualAddress address, PhysicalAddress target, PageRights rights)
{
    std::uint64_t* slot = make_entry(address);
    if (!slot) return fail(Error::out_of_memory);
    *slot = target | bits(rights);
    return {};
}

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
            const std::uint64_t span = std::uint64_t { page_size } << (9 * level);
            address = round_down(address, span) + span;
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

void PageTable::destroy_user_half() { free_tables(root_, 3, 0, 256); }

void PageTable::destroy()
{
    destroy_user_half();
    free_table(root_);
    root_ = 0;
}

} // namespace orrery::kernel
