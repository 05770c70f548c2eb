// The pages of a memory object by their number: a radix tree as high as the object's size asks for, whose nodes come to
// be when a page below them is first needed. So an object costs what is touched of it, however large it is.
#pragma once

#include <cstdint>

#include "abi/memory.h"
#include "kernel/base/error.h"
#include "kernel/memory/account.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

// A frame pointer with abi::PageSlotFlag in its low bits; 0 = untouched: it reads as zero, or its pager has it.
using Slot = std::uintptr_t;
inline constexpr Slot slot_shared = abi::slot_shared;
inline constexpr Slot slot_pinned = abi::slot_pinned;
inline constexpr Slot slot_discarded = abi::slot_discarded; // alone
inline constexpr Slot slot_clean = abi::slot_clean;         // a write makes it unclean again
inline constexpr Slot slot_writing = abi::slot_writing;
inline constexpr Slot slot_flags = alignof(Frame) - 1;
static_assert(slot_flags == abi::slot_flags);
inline Frame* frame_of(Slot slot) { return reinterpret_cast<Frame*>(slot & ~slot_flags); }

// Not locked: the owner orders all calls. Page numbers must be below the table's page count.
class SlotTable {
public:
    static constexpr unsigned bits_per_level = 9;
    static constexpr std::uint64_t slots_per_leaf = std::uint64_t { 1 } << bits_per_level;

    explicit SlotTable(std::uint64_t page_count);
    SlotTable(const SlotTable&) = delete;
    SlotTable& operator=(const SlotTable&) = delete;
    ~SlotTable(); // frees the nodes, not what the slots name

    // Null if nothing near it was ever needed: then the slot is 0.
    Slot* find(std::uint64_t page) const
    {
        void* node = root_;
        for (unsigned level = top_level_; node && level > 0; --level) node = entries_of(node)[index_at(page, level)];
        return node ? static_cast<Slot*>(node) + index_at(page, 0) : nullptr;
    }
    // The slot, made 0 if it is new; nodes that fill a page are added to the charge. out_of_memory, limit_reached.
    Result<Slot*> make(std::uint64_t page, Charge& charge)
    {
        if (Slot* const slot = find(page)) [[likely]]
            return slot;
        return make_new(page, charge);
    }
    // The first page from `page` on that find() knows, or the page count: what a walk goes on with. Its cost follows
    // what exists.
    std::uint64_t next(std::uint64_t page) const;

private:
    static unsigned index_at(std::uint64_t page, unsigned level)
    {
        return static_cast<unsigned>(page >> (bits_per_level * level)) % (1u << bits_per_level);
    }
    static void** entries_of(void* node) { return static_cast<void**>(node); }
    Result<Slot*> make_new(std::uint64_t page, Charge& charge);
    template <typename Entry>
    static Result<Entry*> make_node(std::uint64_t entries, Charge& charge);
    static void free_node(void* node, unsigned level);
    std::uint64_t slots_in_leaf() const { return page_count_ < slots_per_leaf ? page_count_ : slots_per_leaf; }

    const std::uint64_t page_count_;
    unsigned top_level_; // 0: the root is a leaf of slots; n: an array of nodes of level n - 1
    void* root_ = nullptr;
};

} // namespace orrery::kernel
