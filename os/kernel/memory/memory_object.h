// A memory object: a range of pages that can be mapped in several places. Pages come to be when first touched, are
// shared copy-on-write with clones, and can be replaced or dropped under running threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "abi/memory.h"
#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/account.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/memory/layout.h"
#include "kernel/memory/pager.h"
#include "kernel/memory/slot_table.h"

namespace orrery::kernel {

class AddressSpace;
class Thread;

class MemoryObject final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::memory;
    static constexpr std::uint64_t max_size = std::uint64_t { 64 } << 40; // half of what a program can address

    // Anonymous zeroed memory; size is rounded up to pages, 0 and more than max_size are refused. Flags:
    // abi::MemoryFlag.
    // What the object holds is charged to `payer`; to nobody, if that is null, until a space maps it (attach).
    // limit_reached of all calls below means that the payer's limit of memory is.
    static Result<Ref<MemoryObject>> create(std::uint64_t size, std::uint32_t flags = 0, MemoryAccount* payer = nullptr);
    // Memory that lies at a fixed place (the initrd); its frames are only referenced, never freed.
    static Result<Ref<MemoryObject>> create_at(PhysicalAddress begin, std::uint64_t size);
    // Physical memory for a driver: between `minimum` and `maximum` bytes, as much as there is, made present at once.
    // Flags: abi::PhysicalFlag. Its pages never move, are never shared copy-on-write and never dropped.
    static Result<Ref<MemoryObject>> create_physical(
        std::uint64_t minimum, std::uint64_t maximum, std::uint32_t flags, MemoryAccount* payer = nullptr);
    // A device's registers, which are no memory at all: they can only be mapped, uncached, and not where a hole is.
    // Page- aligned throughout.
    struct RegisterHole {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    static Result<Ref<MemoryObject>> create_registers(
        PhysicalAddress begin, std::uint64_t size, std::span<const RegisterHole, 2> holes);
    // Memory whose pages the pager brings when they are first touched, and again when they were dropped meanwhile.
    // out_of_memory (also if the pager is null), invalid_argument.
    static Result<Ref<MemoryObject>> create_paged(
        std::uint64_t size, std::unique_ptr<Pager> pager, MemoryAccount* payer = nullptr);
    ~MemoryObject() override;

    std::uint64_t size() const { return size_; }
    std::uint64_t resident_pages() const { return resident_.load(std::memory_order_relaxed); }

    // The frame of the page at `offset`, made if it does not exist yet and writable; not referenced for the caller: the
    // object keeps it as long as the caller keeps the object and nobody replaces it. invalid_argument, out_of_memory,
    // not_found (the page was discarded), not_present (its pager has it: call fetch, without any lock, and try again).
    // All that makes pages present can answer so.
    Result<Frame*> page(std::uint64_t offset) EXCLUDES(lock_);

    // The same for who has no mapping of it (a copy into another space's memory), to read or to write; the frame is
    // referenced for the caller, so it stays even if the object loses it.
    Result<Frame*> borrow(std::uint64_t offset, bool write) EXCLUDES(lock_);
    // The same for who holds a lock: would_block if it is to write and the page is shared with a clone. Then
    // make_writable has to be called without any lock.
    Result<Frame*> try_borrow(std::uint64_t offset, bool write) EXCLUDES(lock_);

    // What a fault handler needs: the frame, and whether it may be mapped writable. If `write` is wanted and the page
    // is shared with a clone, `must_copy` is set and make_writable has to be called without any lock.
    struct Access {
        Frame* frame = nullptr;
        bool writable = false;
        bool must_copy = false;
    };
    Result<Access> access(std::uint64_t offset, bool write) EXCLUDES(lock_);
    // Registers have no frame: where the page at `offset` is instead; access_denied in a hole, peer_closed after
    // withdraw_registers, by which nobody reaches them any more. That visits spaces: no lock may be held.
    bool has_registers() const { return registers_ != 0; }
    Result<PhysicalAddress> register_page(std::uint64_t offset) const;
    void withdraw_registers() EXCLUDES(lock_);
    // Gives the object its own copy of a shared page, and takes the old one out of every page table. No lock may be
    // held: a space that has mapped the page may be kept by nothing but this call at its end.
    Status make_writable(std::uint64_t offset) EXCLUDES(lock_);
    // Brings a page that is not_present, or waits for another thread that does; then the access may be tried again.
    // Sleeps, and no signal but the thread's end ends that. not_found (no page is to be had), peer_closed, interrupted.
    Status fetch(std::uint64_t offset, bool write) EXCLUDES(lock_);
    // The same until the page is there, and the object's own if it is to be written: for system calls that need it.
    Status bring(std::uint64_t offset, bool write) EXCLUDES(lock_);
    bool is_paged() const { return pager_ || origin_; }
    bool has_pager() const { return pager_ != nullptr; } // which gets changed pages back, unlike that of an origin

    // For the pager. Puts a page of `source` where none is yet: clean, so it may be dropped and asked for again.
    // already_exists if there is a page: it may have been changed. invalid_argument, not_present (of the source).
    Status supply(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset) EXCLUDES(lock_);
    // Finds changed pages from `offset` on, up to as many as there is room for, and begins to write them back: what is
    // written to them from now on is another change. They stay until settle says that they are `written`.
    Result<std::uint64_t> collect_changed(std::uint64_t offset, std::span<std::uint64_t> offsets) EXCLUDES(lock_);
    void mark_changed(std::uint64_t offset) EXCLUDES(lock_); // as if it had not been collected
    // After a write to a borrowed page, which may have been collected, and read by its pager, before the write: it has
    // changed once more. False if the object has dropped the page meanwhile, so the write is lost.
    bool mark_written(std::uint64_t offset, const Frame& frame) EXCLUDES(lock_);
    Status settle(std::uint64_t offset, std::uint64_t length, abi::Settlement settlement) EXCLUDES(lock_);

    // Keeps the page at its frame for ever (the kernel has a pointer to it); the frame is referenced for the caller.
    Result<Frame*> pin(std::uint64_t offset) EXCLUDES(lock_);
    // The same for who holds a lock: to make a page writable that is shared with a clone visits the spaces that map it,
    // and may end one. Such a page is not_present, too, and bring for writing is what helps.
    Result<Frame*> pin_under_lock(std::uint64_t offset) EXCLUDES(lock_);

    // A new object with the contents of [offset, offset + length) at this moment; pages are shared until written. Pages
    // that a pager has yet to bring are taken from this object when they are first touched.
    // A shared page is charged to the payers of both: each can come to be the only one that keeps it.
    Result<Ref<MemoryObject>> clone(std::uint64_t offset, std::uint64_t length, MemoryAccount* payer = nullptr)
        EXCLUDES(lock_);
    // Moves the page at `source_offset` of `source` (which becomes untouched memory) to `offset`, atomically for all
    // threads: each access sees the old page or the new one. already_exists if either page is pinned, invalid_argument
    // if the source has a pager.
    Status replace(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset) EXCLUDES(lock_);
    // abi::Advice for a range of whole pages. interrupted if the thread is to end meanwhile.
    Status advise(std::uint64_t offset, std::uint64_t length, abi::Advice advice) EXCLUDES(lock_);
    // Drops up to `count` clean pages of a discardable object; returns how many.
    std::uint64_t drop_clean(std::uint64_t count) EXCLUDES(lock_);
    // Physical address of a page of physical memory, for a device; access_denied for memory whose pages may move.
    Result<PhysicalAddress> physical_address(std::uint64_t offset) EXCLUDES(lock_);

    // Which spaces map the object, so that a changed page can be taken out of their tables. Called with the space's
    // lock held; counted, because a space may map an object several times. Whoever maps what nobody else maps pays for
    // it (limit_reached); if that one lets go, another that maps it does, or nothing changes: handles keep it.
    Status attach(AddressSpace& space) EXCLUDES(lock_);
    void detach(AddressSpace& space) EXCLUDES(lock_);

    std::uint32_t ring_number = 0; // of the ring whose memory this is, or 0; for the Inspector

private:
    struct Mapper {
        AddressSpace* space;
        std::uint32_t number; // of the space
        std::uint32_t count;
    };

    MemoryObject(std::uint64_t size, std::uint32_t flags);
    static Result<Ref<MemoryObject>> create_raw(std::uint64_t size, std::uint32_t flags, MemoryAccount* payer);
    Slot* find_slot(std::uint64_t offset) REQUIRES(lock_) { return slots_.find(offset / page_size); }
    Result<Slot*> make_slot(std::uint64_t offset) REQUIRES(lock_) { return slots_.make(offset / page_size, charge_); }
    // The first offset from a page-aligned one on whose slot exists, or the end of the object.
    std::uint64_t next_slot(std::uint64_t offset) REQUIRES(lock_) { return slots_.next(offset / page_size) * page_size; }
    Result<Slot*> populate(std::uint64_t offset) REQUIRES(lock_);
    class FrameHolder;
    template <typename Visit>
    Status for_slots(std::uint64_t offset, std::uint64_t end, std::uint64_t most, Visit visit)
        EXCLUDES(lock_);
    Status place(std::uint64_t offset, Slot page, FrameHolder& old) EXCLUDES(lock_);
    Status place_pinned(std::uint64_t offset, Frame* frame) EXCLUDES(lock_);
    Result<Frame*> pin_own(std::uint64_t offset) EXCLUDES(lock_); // null: the page is shared with a clone
    Result<Frame*> take_page(std::uint64_t offset) EXCLUDES(lock_);
    Status clone_some(std::uint64_t offset, std::uint64_t length, MemoryObject& copy, std::uint64_t& done) EXCLUDES(lock_);
    void let_copiers_go_first() EXCLUDES(lock_);
    Status try_bring(std::uint64_t offset, bool write) EXCLUDES(lock_);
    Status fetch_from_origin(std::uint64_t offset) EXCLUDES(lock_);
    Status forget(std::uint64_t offset, std::uint64_t end) EXCLUDES(lock_);
    // A page comes or goes. The first fails with limit_reached, and before anything is done.
    Status count_page() REQUIRES(lock_)
    {
        TRY_STATUS(charge_.add(1));
        note_page();
        return {};
    }
    void note_page() REQUIRES(lock_) // that is charged
    {
        resident_.fetch_add(1, std::memory_order_relaxed);
        if (MemoryAccount* const payer = charge_.account()) payer->pages.fetch_add(1, std::memory_order_relaxed);
    }
    void count_page_beyond_limits() REQUIRES(lock_);
    void uncount_page() REQUIRES(lock_);
    Mapper* mapper_from(std::uint32_t number) REQUIRES(lock_);
    Status charge_to(MemoryAccount* payer) REQUIRES(lock_); // who pays from now on
    void unmap_everywhere(std::uint64_t offset, std::uint64_t length) EXCLUDES(lock_);
    void write_protect_everywhere(std::uint64_t offset, std::uint64_t length) EXCLUDES(lock_);
    template <typename Visit>
    void for_each_space(Visit visit) EXCLUDES(lock_);

    Spinlock lock_ { LockRank::object };
    const std::uint64_t size_;
    const std::uint32_t flags_;
    SlotTable slots_ GUARDED_BY(lock_);
    std::atomic<std::uint64_t> resident_ { 0 }; // changes under lock_
    Charge charge_ GUARDED_BY(lock_); // resident pages, and nodes of slots_
    bool of_machine_ = false; // there with or without the object, so nobody is charged for it
    Mapper* mappers_ GUARDED_BY(lock_) = nullptr; // [0 .. mapper_count_), by the spaces' numbers
    std::uint32_t mapper_count_ GUARDED_BY(lock_) = 0;
    std::uint32_t mapper_capacity_ GUARDED_BY(lock_) = 0;
    // A clone shares pages first and takes the write permission away second; in between nobody may copy a shared page,
    // or a CPU with an old translation would go on writing to the wrong one.
    std::uint32_t clones_under_way_ GUARDED_BY(lock_) = 0;
    bool copier_turned_away_ GUARDED_BY(lock_) = false; // somebody who wanted to, and goes before the next part of a clone

    PhysicalAddress registers_ = 0; // of a device; 0 = this is memory
    RegisterHole holes_[2];
    std::atomic<bool> withdrawn_ { false }; // the registers

    // Paging (memory/paging.cpp). At most one of the two is there, from the object's making on.
    std::unique_ptr<Pager> pager_;
    Ref<MemoryObject> origin_; // paged; this is a clone of part of it
    std::uint64_t origin_offset_ = 0;
    struct Fetcher { // on the stack of a thread that misses a page
        Thread* thread;
        std::uint64_t offset;
        ListLink<Fetcher> link;
    };
    List<Fetcher, &Fetcher::link> fetchers_ GUARDED_BY(lock_);         // each asks the pager for another page
    List<Fetcher, &Fetcher::link> waiting_fetchers_ GUARDED_BY(lock_); // wait for one of those

public:
    ListLink<MemoryObject> discardable_link; // memory/reclaim.cpp
};

} // namespace orrery::kernel
