// Physical memory: a buddy allocator over frames of 4 KiB, and a reference count for each frame.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {

enum class FrameState : std::uint8_t {
    reserved,
    free,
    used,
    hole, // no memory: there may be a device
};

struct alignas(32) Frame { // so that a pointer has five bits to spare (memory/slot_table.h)
    std::atomic<std::uint32_t> references { 0 };
    FrameState state = FrameState::reserved;
    std::uint8_t order = 0; // of the block that starts here
    std::uint8_t heap_free = 0; // the heap's, if it has the frame (memory/heap.cpp): first free block,
    std::uint8_t heap_used = 0; // and how many are in use
    ListLink<Frame> link;       // on a free list; the heap's frames on one of its own
};
static_assert(sizeof(Frame) == 32);

class FrameAllocator {
public:
    static constexpr unsigned max_order = 10; // 4 MiB

    // Boot only: `frames` is room for `count` Frame structures, one for each 4 KiB from physical 0.
    void initialize(Frame* frames, std::size_t count);
    // Boot only: gives [begin, end) to the allocator.
    void add_range(PhysicalAddress begin, PhysicalAddress end) EXCLUDES(lock_);

    // Boot only: no memory is in [begin, end), although there is some above.
    void exclude(PhysicalAddress begin, PhysicalAddress end) EXCLUDES(lock_);

    // A block of 2^order frames that ends at or under `below`, with reference count 1, or nullptr. Contents are
    // whatever was there. Each frame of a larger block is released on its own after split_block.
    Frame* allocate(unsigned order = 0, PhysicalAddress below = ~PhysicalAddress { 0 }) EXCLUDES(lock_);
    Frame* allocate_zeroed();
    void reference(Frame* frame) { frame->references.fetch_add(1, std::memory_order_relaxed); }
    // Makes 2^order single frames of a block, each with reference count 1.
    void split_block(Frame* block) EXCLUDES(lock_);
    // Drops a reference; the last one frees the block (reserved frames are only counted).
    void release(Frame* frame) EXCLUDES(lock_);

    PhysicalAddress address_of(const Frame* frame) const
    {
        return static_cast<PhysicalAddress>(frame - frames_) * page_size;
    }
    void* memory_of(const Frame* frame) const { return to_virtual(address_of(frame)); }
    Frame* frame_at(PhysicalAddress address) const
    {
        return address / page_size < count_ ? frames_ + address / page_size : nullptr;
    }
    bool is_memory(PhysicalAddress address) const
    {
        const Frame* const frame = frame_at(address);
        return frame && frame->state != FrameState::hole;
    }
    std::size_t free_frames() const { return free_frames_.load(std::memory_order_relaxed); }
    std::size_t total_frames() const { return total_frames_; }

private:
    using BlockList = List<Frame, &Frame::link>;

    void free_block(std::size_t index, unsigned order) REQUIRES(lock_);
    Frame* find_block(unsigned order, PhysicalAddress below) REQUIRES(lock_);
    void list(Frame* block, unsigned order) REQUIRES(lock_);
    void unlist(Frame* block, unsigned order) REQUIRES(lock_);

    Spinlock lock_ { LockRank::frames };
    Frame* frames_ = nullptr;
    std::size_t count_ = 0;
    std::size_t total_frames_ = 0;
    std::atomic<std::size_t> free_frames_ { 0 };
    BlockList free_[max_order + 1] GUARDED_BY(lock_);
    std::uint32_t free_orders_ GUARDED_BY(lock_) = 0; // bit per list that is not empty
};

extern FrameAllocator frame_allocator;

inline void copy_page(const Frame* to, const Frame* from)
{
    std::memcpy(frame_allocator.memory_of(to), frame_allocator.memory_of(from), page_size);
}

} // namespace orrery::kernel
