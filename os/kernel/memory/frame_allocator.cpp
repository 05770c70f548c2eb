// Buddy allocation: a block of order n is aligned to its size, and its buddy differs from it in exactly that bit.
#include "kernel/memory/frame_allocator.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace orrery::kernel {

FrameAllocator frame_allocator;

void FrameAllocator::initialize(Frame* frames, std::size_t count)
{
    frames_ = frames;
    count_ = count;
    for (std::size_t index = 0; index < count; ++index) new (&frames[index]) Frame;
}

void FrameAllocator::add_range(PhysicalAddress begin, PhysicalAddress end)
{
    Guard guard(lock_);
    std::size_t index = round_up(begin, page_size) / page_size;
    const std::size_t last = std::min<std::size_t>(end / page_size, count_);
    // The inside of a block counts as used: `reserved` says that the allocator has nothing to do with a frame.
    for (std::size_t inside = index; inside < last; ++inside) frames_[inside].state = FrameState::used;
    while (index < last) {
        unsigned order = max_order;
        while (order > 0 && (index % (std::size_t { 1 } << order) != 0 || index + (std::size_t { 1 } << order) > last))
            --order;
        total_frames_ += std::size_t { 1 } << order;
        free_block(index, order);
        index += std::size_t { 1 } << order;
    }
}

void FrameAllocator::exclude(PhysicalAddress begin, PhysicalAddress end)
{
    Guard guard(lock_);
    const std::size_t last = std::min<std::size_t>(end / page_size, count_);
    for (std::size_t index = round_up(begin, page_size) / page_size; index < last; ++index)
        frames_[index].state = FrameState::hole;
}

void FrameAllocator::free_block(std::size_t index, unsigned order)
{
    free_frames_.fetch_add(std::size_t { 1 } << order, std::memory_order_relaxed);
    while (order < max_order) {
        const std::size_t buddy = index ^ (std::size_t { 1 } << order);
        if (buddy >= count_ || frames_[buddy].state != FrameState::free || frames_[buddy].order != order) break;
        if (!List<Frame, &Frame::link>::contains_link(&frames_[buddy])) break;
        unlist(&frames_[buddy], order);
        frames_[buddy].state = FrameState::used; // now the inside of a larger block
        index = std::min(index, buddy);
        ++order;
    }
    list(&frames_[index], order);
}

// The first block of the smallest order that fits, or null.
Frame* FrameAllocator::find_block(unsigned order, PhysicalAddress below)
{
    const std::uint32_t large_enough = free_orders_ >> order << order;
    if (below == ~PhysicalAddress { 0 })
        return large_enough != 0 ? free_[std::countr_zero(large_enough)].first() : nullptr;
    const std::size_t limit = below / page_size; // first frame number that is too high
    for (std::uint32_t left = large_enough; left != 0; left &= left - 1) {
        const BlockList& list = free_[std::countr_zero(left)];
        for (Frame* frame = list.first(); frame; frame = list.next(frame))
            if (static_cast<std::size_t>(frame - frames_) + (std::size_t { 1 } << order) <= limit) return frame;
    }
    return nullptr;
}

void FrameAllocator::list(Frame* block, unsigned order)
{
    block->state = FrameState::free;
    block->order = static_cast<std::uint8_t>(order);
    free_[order].push_front(block);
    free_orders_ |= 1u << order;
}

void FrameAllocator::unlist(Frame* block, unsigned order)
{
    free_[order].remove(block);
    if (free_[order].empty()) free_orders_ &= ~(1u << order);
}

Frame* FrameAllocator::allocate(unsigned order, PhysicalAddress below)
{
    Guard guard(lock_);
    Frame* const frame = find_block(order, below);
    if (!frame) return nullptr;
    unsigned found = frame->order;
    unlist(frame, found);
    while (found > order) { // give the upper halves back
        --found;
        list(frame + (std::size_t { 1 } << found), found);
    }
    frame->state = FrameState::used;
    frame->order = static_cast<std::uint8_t>(order);
    frame->references.store(1, std::memory_order_relaxed);
    free_frames_.fetch_sub(std::size_t { 1 } << order, std::memory_order_relaxed);
    return frame;
}

Frame* FrameAllocator::allocate_zeroed()
{
    Frame* frame = allocate();
    if (frame) std::memset(memory_of(frame), 0, page_size);
    return frame;
}

void FrameAllocator::split_block(Frame* block)
{
    Guard guard(lock_);
    const std::size_t count = std::size_t { 1 } << block->order;
    for (std::size_t index = 0; index < count; ++index) {
        block[index].state = FrameState::used;
        block[index].order = 0;
        block[index].references.store(1, std::memory_order_relaxed);
    }
}

void FrameAllocator::release(Frame* frame)
{
    if (frame->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (frame->state == FrameState::reserved) return;
    Guard guard(lock_);
    free_block(static_cast<std::size_t>(frame - frames_), frame->order);
}

} // namespace orrery::kernel
