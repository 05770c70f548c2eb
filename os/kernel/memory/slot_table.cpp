// The slot tree: nodes are arrays of 512 pointers, leaves arrays of 512 slots, or fewer in an object that has fewer
// pages.
#include "kernel/memory/slot_table.h"

#include <algorithm>
#include <new>

#include "kernel/memory/heap.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {
namespace {

    constexpr unsigned node_entries = 1u << SlotTable::bits_per_level;

    constexpr std::uint64_t pages_below(unsigned level) // of an entry of that level
    {
        return std::uint64_t { 1 } << (SlotTable::bits_per_level * level);
    }

} // namespace

SlotTable::SlotTable(std::uint64_t page_count) : page_count_(page_count), top_level_(0)
{
    while (pages_below(top_level_ + 1) < page_count) ++top_level_;
}

SlotTable::~SlotTable()
{
    if (root_) free_node(root_, top_level_);
}

// As deep as the tree is high, which is five at most.
void SlotTable::free_node(void* node, unsigned level)
{
    if (level == 0) {
        delete[] static_cast<Slot*>(node);
        return;
    }
    for (unsigned index = 0; index < node_entries; ++index)
        if (void* below = entries_of(node)[index]) free_node(below, level - 1);
    delete[] entries_of(node);
}

template <typename Entry>
Result<Entry*> SlotTable::make_node(std::uint64_t entries, Charge& charge)
{
    const std::uint64_t pages = heap_pages(entries * sizeof(Entry));
    TRY_STATUS(charge.add(pages));
    auto* node = new (std::nothrow) Entry[entries] {};
    if (node) return node;
    charge.drop(pages);
    return fail(Error::out_of_memory);
}

Result<Slot*> SlotTable::make_new(std::uint64_t page, Charge& charge)
{
    void** place = &root_;
    for (unsigned level = top_level_; level > 0; --level) {
        if (!*place) {
            TRY(node, make_node<void*>(node_entries, charge));
            *place = node;
        }
        place = &entries_of(*place)[index_at(page, level)];
    }
    if (!*place) {
        TRY(leaf, make_node<Slot>(slots_in_leaf(), charge));
        *place = leaf;
    }
    return static_cast<Slot*>(*place) + index_at(page, 0);
}

std::uint64_t SlotTable::next(std::uint64_t page) const
{
    while (page < page_count_) {
        void* node = root_;
        unsigned level = top_level_;
        for (; node && level > 0; --level) {
            void* const below = entries_of(node)[index_at(page, level)];
            if (!below) break;
            node = below;
        }
        if (node && level == 0) return page;
        if (!node) return page_count_;
        page = round_down(page, pages_below(level)) + pages_below(level); // nothing below this entry
    }
    return page_count_;
}

} // namespace orrery::kernel
