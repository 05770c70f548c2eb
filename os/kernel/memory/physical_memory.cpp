// Memory objects at physical places: what the firmware left in memory, and memory that devices can be told of.
#include <algorithm>
#include <cstring>
#include <new>

#include "kernel/memory/memory_object.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

Result<Ref<MemoryObject>> MemoryObject::create_at(PhysicalAddress begin, std::uint64_t size)
{
    if (!is_page_aligned(begin)) return fail(Error::invalid_argument);
    TRY(object, create_raw(size, 0, nullptr));
    object->of_machine_ = true;
    Guard guard(object->lock_);
    for (std::uint64_t offset = 0; offset < object->size_; offset += page_size) {
        Frame* frame = frame_allocator.frame_at(begin + offset);
        if (!frame || frame->state != FrameState::reserved) return fail(Error::invalid_argument);
        TRY(slot, object->make_slot(offset));
        frame_allocator.reference(frame);
        *slot = reinterpret_cast<Slot>(frame) | slot_pinned;
        TRY_STATUS(object->count_page());
    }
    return object;
}

// Takes the largest blocks that fit what is still missing, and smaller ones when those are gone, or page by page what
// is free in the smallest blocks: a long request becomes a scatter-gather list instead of failing.
Result<Ref<MemoryObject>> MemoryObject::create_physical(
    std::uint64_t minimum, std::uint64_t maximum, std::uint32_t flags, MemoryAccount* payer)
{
    if (minimum == 0 || maximum < minimum || maximum > max_size
        || (flags & ~(abi::physical_contiguous | abi::physical_below_4g | abi::physical_smallest_first)) != 0)
        return fail(Error::invalid_argument);
    minimum = round_up(minimum, page_size);
    maximum = round_up(maximum, page_size);
    const PhysicalAddress below = flags & abi::physical_below_4g ? std::uint64_t { 4 } << 30 : ~PhysicalAddress { 0 };
    const bool contiguous = (flags & abi::physical_contiguous) != 0;
    const bool smallest_first = (flags & abi::physical_smallest_first) != 0;
    if (contiguous && smallest_first) return fail(Error::invalid_argument);

    struct Block {
        Frame* first;
        std::uint64_t pages;
    };
    constexpr std::size_t max_blocks = 512;
    constexpr std::uint64_t pages_at_once = 64;
    auto* blocks = new (std::nothrow) Block[max_blocks];
    if (!blocks) return fail(Error::out_of_memory);
    std::size_t block_count = 0;
    std::uint64_t pages = 0;
    const std::uint64_t wanted = maximum / page_size;
    unsigned order = smallest_first ? 0 : FrameAllocator::max_order;
    // "As much as there is" leaves the rest of the system something to live on, page tables and the object included.
    constexpr std::size_t spared_frames = 512;
    while (pages < wanted && block_count < max_blocks && !(contiguous && block_count == 1)) {
        // Contiguous memory rounds up to a block and gives the rest back; a list takes only what it needs.
        while (order > 0 && (std::uint64_t { 1 } << (contiguous ? order - 1 : order)) > (contiguous ? wanted - 1 : wanted - pages))
            --order;
        const bool enough = frame_allocator.free_frames() > (std::size_t { 1 } << order) + spared_frames;
        Frame* block = enough ? frame_allocator.allocate(order, below) : nullptr;
        if (!block) {
            if (order == 0) break;
            --order;
            continue;
        }
        frame_allocator.split_block(block);
        std::uint64_t count = std::uint64_t { 1 } << order;
        for (; count > wanted - pages; --count) frame_allocator.release(block + count - 1);
        pages += count;
        if (block_count != 0 && blocks[block_count - 1].first + blocks[block_count - 1].pages == block)
            blocks[block_count - 1].pages += count;
        else blocks[block_count++] = { block, count };
    }

    Result<Ref<MemoryObject>> object = pages * page_size < minimum ? fail(Error::out_of_memory)
                                                                   : create_raw(pages * page_size, 0, payer);
    std::uint64_t offset = 0;
    for (std::size_t index = 0; index < block_count; ++index) {
        for (std::uint64_t page = 0; page < blocks[index].pages; ++page, offset += page_size) {
            Frame* frame = blocks[index].first + page;
            if (page % pages_at_once == 0) (void)preemption_point(); // what is taken has to be placed or given back
            std::memset(frame_allocator.memory_of(frame), 0, page_size);
            Status placed = fail(Error::out_of_memory);
            if (object) placed = (*object)->place_pinned(offset, frame);
            if (placed) continue;
            frame_allocator.release(frame);
            if (object) object = fail(placed.error());
        }
    }
    delete[] blocks;
    return object;
}

Status MemoryObject::place_pinned(std::uint64_t offset, Frame* frame)
{
    Guard guard(lock_);
    TRY(slot, make_slot(offset));
    TRY_STATUS(count_page());
    *slot = reinterpret_cast<Slot>(frame) | slot_pinned;
    return {};
}

Result<Ref<MemoryObject>> MemoryObject::create_registers(
    PhysicalAddress begin, std::uint64_t size, std::span<const RegisterHole, 2> holes)
{
    if (!is_page_aligned(begin) || begin == 0) return fail(Error::invalid_argument);
    TRY(object, create_raw(size, 0, nullptr));
    object->of_machine_ = true;
    // Never what is RAM, whatever a device's configuration says.
    for (std::uint64_t offset = 0; offset < object->size_; offset += page_size)
        if (frame_allocator.is_memory(begin + offset)) return fail(Error::access_denied);
    object->registers_ = begin;
    std::ranges::copy(holes, object->holes_);
    return object;
}

Result<PhysicalAddress> MemoryObject::register_page(std::uint64_t offset) const
{
    for (const RegisterHole& hole : holes_)
        if (offset >= hole.begin && offset < hole.end) return fail(Error::access_denied);
    if (offset >= size_) return fail(Error::invalid_argument);
    if (withdrawn_.load(std::memory_order_acquire)) return fail(Error::peer_closed);
    return registers_ + round_down(offset, page_size);
}

// As with a changed slot (memory_object.cpp, 1): first nobody is told the place any more, and then whoever has it loses
// it.
void MemoryObject::withdraw_registers()
{
    withdrawn_.store(true, std::memory_order_release);
    unmap_everywhere(0, size_);
}

Result<PhysicalAddress> MemoryObject::physical_address(std::uint64_t offset)
{
    Guard guard(lock_);
    if (offset >= size_) return fail(Error::invalid_argument);
    Slot* slot = find_slot(offset);
    if (!slot || !(*slot & slot_pinned)) return fail(Error::access_denied);
    return frame_allocator.address_of(frame_of(*slot)) + offset % page_size;
}

} // namespace orrery::kernel
