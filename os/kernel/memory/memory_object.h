// A memory object: a range of pages that can be mapped in several places. Pages come to be when first touched.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

class MemoryObject final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::memory;
    static constexpr std::uint64_t max_size = std::uint64_t { 64 } << 30;

    // Anonymous zeroed memory; size is rounded up to pages, 0 and more than max_size are refused.
    static Result<Ref<MemoryObject>> create(std::uint64_t size);
    // Memory that lies at a fixed place (the initrd); its frames are only referenced, never freed.
    static Result<Ref<MemoryObject>> create_at(PhysicalAddress begin, std::uint64_t size);
    ~MemoryObject() override;

    std::uint64_t size() const { return size_; }
    // The frame of the page at `offset`, made if it does not exist yet; not referenced for the caller: the object
    // keeps it as long as the caller keeps the object.
    Result<Frame*> page(std::uint64_t offset) EXCLUDES(lock_);
    std::uint64_t resident_pages() const { return resident_; }

    std::uint32_t ring_number = 0; // of the ring whose memory this is, or 0; for the Inspector

private:
    static constexpr std::uint64_t pages_per_leaf = page_size / sizeof(Frame*);
    static constexpr std::uint64_t leaf_span = pages_per_leaf * page_size;

    MemoryObject(std::uint64_t size, Frame*** leaves);

    Spinlock lock_ { LockRank::object };
    const std::uint64_t size_;
    Frame*** leaves_ GUARDED_BY(lock_); // [size / leaf_span], each null or a page of Frame pointers
    std::uint64_t resident_ = 0;
};

} // namespace orrery::kernel
