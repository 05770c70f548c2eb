// Size classes 32..2048: each frame of a class is cut into equal blocks. A block's class is found through the frame
// that it lies in, so blocks carry no header and stay naturally aligned.
#include "kernel/memory/heap.h"

#include <bit>
#include <cstdint>
#include <new>

#include "kernel/boot/panic.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {
namespace {

    constexpr unsigned smallest_shift = 5;
    constexpr unsigned largest_shift = 11;

    struct FreeBlock {
        FreeBlock* next;
    };

    struct SizeClass {
        Spinlock lock { LockRank::heap };
        FreeBlock* first GUARDED_BY(lock) = nullptr;
    };

    SizeClass size_classes[largest_shift + 1];

    // Frame::order doubles as the mark: orders above this are heap size classes.
    constexpr std::uint8_t class_mark = 0x80;

    bool refill(SizeClass& size_class, unsigned shift) REQUIRES(size_class.lock)
    {
        Frame* frame = frame_allocator.allocate();
        if (!frame) return false;
        frame->order = static_cast<std::uint8_t>(class_mark | shift);
        auto* bytes = static_cast<std::byte*>(frame_allocator.memory_of(frame));
        for (std::size_t offset = 0; offset < page_size; offset += std::size_t { 1 } << shift) {
            auto* block = reinterpret_cast<FreeBlock*>(bytes + offset);
            block->next = size_class.first;
            size_class.first = block;
        }
        return true;
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
    if (!size_class.first && !refill(size_class, used)) return nullptr;
    FreeBlock* block = size_class.first;
    size_class.first = block->next;
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
    SizeClass& size_class = size_classes[frame->order & ~class_mark];
    Guard guard(size_class.lock);
    auto* block = static_cast<FreeBlock*>(memory);
    block->next = size_class.first;
    size_class.first = block;
}

} // namespace orrery::kernel
