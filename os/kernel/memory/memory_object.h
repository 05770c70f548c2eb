// A memory object: a range of pages that can be mapped in several places. Pages come to be when first touched, are
// shared copy-on-write with clones, and can be replaced or dropped under running threads.
#pragma once

#include <cstdint>

#include "abi/memory.h"
#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/account.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

class AddressSpace;

class MemoryObject final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::memory;
    static constexpr std::uint64_t max_size = std::uint64_t { 64 } << 30;

    // Anonymous zeroed memory; size is rounded up to pages, 0 and more than max_size are refused. Flags:
    // abi::MemoryFlag.
    static Result<Ref<MemoryObject>> create(std::uint64_t size, std::uint32_t flags = 0);
    // Memory that lies at a fixed place (the initrd); its frames are only referenced, never freed.
    static Result<Ref<MemoryObject>> create_at(PhysicalAddress begin, std::uint64_t size);
    // Physical memory for a driver: between `minimum` and `maximum` bytes, as much as there is, made present at once.
    // Flags: abi::PhysicalFlag. Its pages never move, are never shared copy-on-write and never dropped.
    static Result<Ref<MemoryObject>> create_physical(
        std::uint64_t minimum, std::uint64_t maximum, std::uint32_t flags);
    ~MemoryObject() override;

    std::uint64_t size() const { return size_; }
    std::uint64_t resident_pages() const { return resident_.load(std::memory_order_relaxed); }

    // The frame of the page at `offset`, made if it does not exist yet and writable; not referenced for the caller: the
    // object keeps it as long as the caller keeps the object and nobody replaces it. invalid_argument, out_of_memory,
    // not_found (the page was discarded).
    Result<Frame*> page(std::uint64_t offset) EXCLUDES(lock_);

    // The same for who has no mapping of it (a copy into another space's memory), to read or to write; the frame is
    // referenced for the caller, so it stays even if the object loses it.
    Result<Frame*> borrow(std::uint64_t offset, bool write) EXCLUDES(lock_);

    // What a fault handler needs: the frame, and whether it may be mapped writable. If `write` is wanted and the page is
    // shared with a clone, `must_copy` is set and make_writable has to be called without any lock.
    struct Access {
        Frame* frame = nullptr;
        bool writable = false;
        bool must_copy = false;
    };
    Result<Access> access(std::uint64_t offset, bool write) EXCLUDES(lock_);
    // Gives the object its own copy of a shared page, and takes the old one out of every page table.
    Status make_writable(std::uint64_t offset) EXCLUDES(lock_);
    // Keeps the page at its frame for ever (the kernel has a pointer to it); the frame is referenced for the caller.
    Result<Frame*> pin(std::uint64_t offset) EXCLUDES(lock_);

    // A new object with the contents of [offset, offset + length) at this moment; pages are shared until written.
    Result<Ref<MemoryObject>> clone(std::uint64_t offset, std::uint64_t length) EXCLUDES(lock_);
    // Moves the page at `source_offset` of `source` (which becomes untouched memory) to `offset`, atomically for all
    // threads: each access sees the old page or the new one. already_exists if either page is pinned.
    Status replace(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset) EXCLUDES(lock_);
    // abi::Advice for a range of whole pages. interrupted if the thread is to end meanwhile.
    Status advise(std::uint64_t offset, std::uint64_t length, abi::Advice advice) EXCLUDES(lock_);
    // Drops up to `count` clean pages of a discardable object; returns how many.
    std::uint64_t drop_clean(std::uint64_t count) EXCLUDES(lock_);
    // Physical address of a page of physical memory, for a device; access_denied for memory whose pages may move.
    Result<PhysicalAddress> physical_address(std::uint64_t offset) EXCLUDES(lock_);

    // Which spaces map the object, so that a changed page can be taken out of their tables. Called with the space's
    // lock held; counted, because a space may map an object several times.
    Status attach(AddressSpace& space) EXCLUDES(lock_);
    void detach(AddressSpace& space) EXCLUDES(lock_);

    std::uint32_t ring_number = 0; // of the ring whose memory this is, or 0; for the Inspector

private:
    // A frame pointer with flags in its low bits; 0 = untouched memory, which reads as zero.
    using Slot = std::uintptr_t;
    static constexpr Slot slot_shared = 1;    // copy-on-write: another object may have the frame too
    static constexpr Slot slot_pinned = 2;    // the kernel points at the frame
    static constexpr Slot slot_discarded = 4; // (alone) dropped under pressure: an access faults
    static constexpr Slot slot_clean = 8;     // may be dropped; a write makes it unclean again
    static constexpr Slot slot_flags = 15;
    static Frame* frame_of(Slot slot) { return reinterpret_cast<Frame*>(slot & ~slot_flags); }

    static constexpr std::uint64_t pages_per_leaf = page_size / sizeof(Slot);
    static constexpr std::uint64_t leaf_span = pages_per_leaf * page_size;

    struct Mapper {
        AddressSpace* space;
        std::uint32_t count;
    };

    MemoryObject(std::uint64_t size, std::uint32_t flags, Slot** leaves);
    static Result<Ref<MemoryObject>> create_raw(std::uint64_t size, std::uint32_t flags);
    Slot* find_slot(std::uint64_t offset) REQUIRES(lock_);
    Result<Slot*> make_slot(std::uint64_t offset) REQUIRES(lock_);
    Result<Slot*> populate(std::uint64_t offset) REQUIRES(lock_);
    class FrameHolder;
    template <typename Visit>
    Status for_slots(std::uint64_t offset, std::uint64_t end, std::uint64_t most, bool interruptible, Visit visit)
        EXCLUDES(lock_);
    Status place(std::uint64_t offset, Slot page, FrameHolder& old) EXCLUDES(lock_);
    void count_resident(int change) REQUIRES(lock_)
    {
        resident_.fetch_add(static_cast<std::uint64_t>(change), std::memory_order_relaxed);
        if (account_) account_->pages.fetch_add(static_cast<std::uint64_t>(change), std::memory_order_relaxed);
    }
    void charge(MemoryAccount* account) REQUIRES(lock_); // null: nobody
    void unmap_everywhere(std::uint64_t offset, std::uint64_t length) EXCLUDES(lock_);
    void write_protect_everywhere(std::uint64_t offset, std::uint64_t length) EXCLUDES(lock_);
    template <typename Visit>
    void for_each_space(Visit visit) EXCLUDES(lock_);

    Spinlock lock_ { LockRank::object };
    const std::uint64_t size_;
    const std::uint32_t flags_;
    Slot** leaves_ GUARDED_BY(lock_); // [size / leaf_span], each null or a page of slots
    std::atomic<std::uint64_t> resident_ { 0 }; // changes under lock_
    Ref<MemoryAccount> account_ GUARDED_BY(lock_); // of a space that maps the object: the first one
    Mapper* mappers_ GUARDED_BY(lock_) = nullptr; // [0 .. mapper_count_), no order
    std::uint32_t mapper_count_ GUARDED_BY(lock_) = 0;
    std::uint32_t mapper_capacity_ GUARDED_BY(lock_) = 0;
    // A clone shares pages first and takes the write permission away second; in between nobody may copy a shared page,
    // or a CPU with an old translation would go on writing to the wrong one.
    std::uint32_t clones_under_way_ GUARDED_BY(lock_) = 0;

public:
    ListLink<MemoryObject> discardable_link; // memory/reclaim.cpp
};

} // namespace orrery::kernel
