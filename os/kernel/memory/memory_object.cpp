// Memory objects: a two-level table of frames, filled on demand.
#include "kernel/memory/memory_object.h"

#include <algorithm>
#include <new>

namespace orrery::kernel {
namespace {
    std::atomic<std::uint32_t> next_number { 1 };
}

MemoryObject::MemoryObject(std::uint64_t size, Frame*** leaves)
    : Object(object_kind, next_number.fetch_add(1, std::memory_order_relaxed)), size_(size), leaves_(leaves)
{
}

Result<Ref<MemoryObject>> MemoryObject::create(std::uint64_t size)
{
    if (size == 0 || size > max_size) return fail(Error::invalid_argument);
    size = round_up(size, page_size);
    const std::uint64_t leaf_count = round_up(size, leaf_span) / leaf_span;
    auto** leaves = new (std::nothrow) Frame**[leaf_count];
    if (!leaves) return fail(Error::out_of_memory);
    std::fill_n(leaves, leaf_count, nullptr);
    auto* object = new (std::nothrow) MemoryObject(size, leaves);
    if (!object) {
        delete[] leaves;
        return fail(Error::out_of_memory);
    }
    return Ref<MemoryObject>::adopt(object);
}

Result<Ref<MemoryObject>> MemoryObject::create_at(PhysicalAddress begin, std::uint64_t size)
{
    if (!is_page_aligned(begin)) return fail(Error::invalid_argument);
    TRY(object, create(size));
    Guard guard(object->lock_);
    for (std::uint64_t offset = 0; offset < object->size_; offset += page_size) {
        Frame* frame = frame_allocator.frame_at(begin + offset);
        if (!frame || frame->state != FrameState::reserved) return fail(Error::invalid_argument);
        Frame**& leaf = object->leaves_[offset / leaf_span];
        if (!leaf) {
            leaf = new (std::nothrow) Frame*[pages_per_leaf];
            if (!leaf) return fail(Error::out_of_memory);
            std::fill_n(leaf, pages_per_leaf, nullptr);
        }
        frame_allocator.reference(frame);
        leaf[offset % leaf_span / page_size] = frame;
        ++object->resident_;
    }
    return object;
}

MemoryObject::~MemoryObject()
{
    Guard guard(lock_);
    const std::uint64_t leaf_count = round_up(size_, leaf_span) / leaf_span;
    for (std::uint64_t index = 0; index < leaf_count; ++index) {
        Frame** leaf = leaves_[index];
        if (!leaf) continue;
        for (std::uint64_t page = 0; page < pages_per_leaf; ++page)
            if (leaf[page]) frame_allocator.release(leaf[page]);
        delete[] leaf;
    }
    delete[] leaves_;
}

Result<Frame*> MemoryObject::page(std::uint64_t offset)
{
    if (offset >= size_) return fail(Error::invalid_argument);
    Guard guard(lock_);
    Frame**& leaf = leaves_[offset / leaf_span];
    if (!leaf) {
        leaf = new (std::nothrow) Frame*[pages_per_leaf];
        if (!leaf) return fail(Error::out_of_memory);
        std::fill_n(leaf, pages_per_leaf, nullptr);
    }
    Frame*& frame = leaf[offset % leaf_span / page_size];
    if (!frame) {
        frame = frame_allocator.allocate_zeroed();
        if (!frame) return fail(Error::out_of_memory);
        ++resident_;
    }
    return frame;
}

} // namespace orrery::kernel
