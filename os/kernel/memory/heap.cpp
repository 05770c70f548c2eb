// Size classes 32..2048: each frame of a class is cut into equal blocks. A block's class is found through the frame
// that it lies in, so blocks carry no header and stay naturally aligned. A frame without a block in use is given back,
// but for one a class: or a program that makes and drops an object at a border would pay for a frame each time.
#include "kernel/memory/heap.h"

#include <bit>
#include <cstdint>
#include <new>

#include "kernel/base/list.h"
#include "kernel/boot/panic.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {
namespace {

    constexpr unsigned smallest_shift = 5;
    constexpr unsigned largest_shift = 11;

    struct FreeBlock {
        std::uint8_t next; // number of the next free block of the frame
    };
    constexpr std::uint8_t no_block = 0xff;
    static_assert(page_size >> smallest_shift < no_block);

    struct SizeClass {
        Spinlock lock { LockRank::heap };
        List<Frame, &Frame::link> partly_free GUARDED_BY(lock); // frames that have a free block
    };

    SizeClass size_classes[largest_shift + 1];

    // Frame::order doubles as the mark: orders above this are heap size classes.
    constexpr std::uint8_t class_mark = 0x80;

    FreeBlock* block_at(const Frame* frame, unsigned number, unsigned shift)
    {
        auto* bytes = static_cast<std::byte*>(frame_allocator.memory_of(frame));
        return reinterpret_cast<FreeBlock*>(bytes + (std::size_t { number } << shift));
    }

    Frame* add_frame(SizeClass& size_class, unsigned shift) REQUIRES(size_class.lock)
    {
        Frame* frame = frame_allocator.allocate();
        if (!frame) return nullptr;
        frame->order = static_cast<std::uint8_t>(class_mark | shift);
        frame->heap_used = 0;
        frame->heap_free = no_block;
        for (unsigned number = page_size >> shift; number-- > 0;) {
            block_at(frame, number, shift)->next = frame->heap_free;
            frame->heap_free = static_cast<std::uint8_t>(number);
        }
        size_class.partly_free.push_front(frame);
        return frame;
    }

} // namespace

void* heap_allocate(std::size_t size)
{
    const auto shift = static_cast<unsigned>(std::bit_width(size > 1 ? size - 1 : 1));
    if (shift > largest_shift) {
        const unsigned order = shift > 12 ? shift - 12 : 0;
        if (order > FrameAllocator::max_order) return nullptr;
        Frame* frame = frame_allocator.allocate(order);
        return frame ? frame_allocator.memory_of(frame) : nullptr;
    }
    const unsigned used = shift < smallest_shift ? smallest_shift : shift;
    SizeClass& size_class = size_classes[used];
    Guard guard(size_class.lock);
    Frame* frame = size_class.partly_free.first();
    if (!frame) frame = add_frame(size_class, used);
    if (!frame) return nullptr;
    FreeBlock* const block = block_at(frame, frame->heap_free, used);
    frame->heap_free = block->next;
    ++frame->heap_used;
    if (frame->heap_free == no_block) size_class.partly_free.remove(frame);
    return block;
}

void heap_free(void* memory)
{
    if (!memory) return;
    Frame* frame = frame_allocator.frame_at(to_physical(memory));
    if (!frame) panic("heap_free of an address outside RAM");
    if (!(frame->order & class_mark)) {
        frame_allocator.release(frame);
        return;
    }
    const unsigned shift = frame->order & ~class_mark;
    SizeClass& size_class = size_classes[shift];
    Guard guard(size_class.lock);
    static_cast<FreeBlock*>(memory)->next = frame->heap_free;
    if (frame->heap_free == no_block) size_class.partly_free.push_front(frame);
    frame->heap_free = static_cast<std::uint8_t>(to_physical(memory) % page_size >> shift);
    if (--frame->heap_used != 0 || size_class.partly_free.size() == 1) return;
    size_class.partly_free.remove(frame);
    frame->order = 0;
    frame_allocator.release(frame);
}

} // namespace orrery::kernel
