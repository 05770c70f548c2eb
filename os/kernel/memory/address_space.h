// An address space: mappings, page tables, handles, and the threads that live and end together in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "abi/scheduling.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/cpu/page_table.h"
#include "kernel/handle/handle_table.h"
#include "kernel/handle/object.h"
#include "kernel/memory/account.h"
#include "kernel/memory/memory_object.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {

// [begin, end) shows `object` from `offset` on. Page-aligned throughout.
struct Mapping {
    VirtualAddress begin = 0;
    VirtualAddress end = 0;
    std::uint64_t offset = 0;
    std::uint32_t protection = 0;
    std::uint32_t allowed = 0; // the most that protect() may give: what the handle permitted at mapping
    MemoryObject* object = nullptr; // owned reference
};

enum class SpaceState : std::uint32_t { alive, ending, ended };

class AddressSpace final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::space;
    static constexpr std::size_t max_mappings = 16384; // a thread of the runtime has five
    static constexpr std::size_t max_threads = 4096;
    static constexpr std::size_t name_size = 32;
    static constexpr std::uint32_t all_protections
        = abi::protection_read | abi::protection_write | abi::protection_execute;

    // With the limits of `maker`, or the widest there are. A space that has never had a thread ends with its maker: its
    // own handles could keep it, and others like it, for ever.
    static Result<Ref<AddressSpace>> create(std::span<const char> name, const AddressSpace* maker = nullptr);
    // Limits only shrink: invalid_argument for more than there was. What exists already stays. limit_reached for one of
    // memory that lies within too many others.
    Status shrink_limit(abi::SpaceLimit which, std::uint64_t value) EXCLUDES(lock_);
    ~AddressSpace() override;

    // Maps `length` bytes (rounded up) of `object` from `offset` at `address`, or where there is room if it is 0.
    // invalid_argument (misaligned, outside the user half or the object, writable and executable), already_exists
    // (overlap), limit_reached, out_of_memory. Nothing is touched yet: pages come by faults.
    // No later call gives the mapping a protection beyond `allowed`; access_denied here if `protection` is beyond it.
    Result<VirtualAddress> map(Ref<MemoryObject> object, std::uint64_t offset, VirtualAddress address,
        std::uint64_t length, std::uint32_t protection, std::uint32_t allowed = all_protections) EXCLUDES(lock_);
    // Parts of mappings may be removed or changed; bad_address if the range is not mapped throughout,
    // access_denied if a mapping does not allow the protection; then nothing is changed.
    // Unmapping also gives back the page tables that nothing needs any more; interrupted if the thread is to end
    // meanwhile.
    Status unmap(VirtualAddress address, std::uint64_t length) EXCLUDES(lock_);
    Status protect(VirtualAddress address, std::uint64_t length, std::uint32_t protection) EXCLUDES(lock_);
    // Moves the mappings of a whole range to a free place; nothing is touched or copied. Errors as of map and unmap.
    Result<VirtualAddress> move(VirtualAddress from, std::uint64_t length, VirtualAddress to) EXCLUDES(lock_);
    Status advise(VirtualAddress address, std::uint64_t length, abi::Advice advice) EXCLUDES(lock_);
    // Makes the page present if the mapping allows `access` (one abi::Protection bit); bad_address, access_denied
    // (mapped, but not for that), not_found (the page was discarded), not_present (fetch it), out_of_memory,
    // limit_reached; would_block if the caller holds a lock and the page has to be copied first: make_present does it.
    Status resolve_fault(VirtualAddress address, std::uint32_t access) EXCLUDES(lock_);
    // The same for every page of the range, brought by its pager if need be: sleeps, and lets others run in a
    // long range, so no lock may be held.
    // interrupted if the thread is to end.
    Status make_present(VirtualAddress address, std::uint64_t length, std::uint32_t access) EXCLUDES(lock_);
    // What lies behind a user address: the object (referenced) and the offset in it. bad_address.
    struct Place {
        Ref<MemoryObject> object;
        std::uint64_t offset;
    };
    Result<Place> locate(VirtualAddress address, std::uint32_t access) EXCLUDES(lock_);
    // Called by a memory object whose slots have changed: forgets the pages, or only the right to write to them.
    void object_changed(const MemoryObject& object, std::uint64_t offset, std::uint64_t length, bool protect_only)
        EXCLUDES(lock_);

    // Ends the space: every thread ends on its way to user mode. The first caller's status counts.
    void end(abi::ExitStatus status) EXCLUDES(membership_lock);
    // SIGSTOP and SIGCONT: threads park on their way to user mode until the space may proceed.
    void stop() EXCLUDES(membership_lock);
    void proceed() EXCLUDES(membership_lock);
    // A job control signal is about to be raised: what contradicts it is pending no more, here and at every thread.
    void discard_for(int number) EXCLUDES(membership_lock);
    // The default action of a stop signal that was claimed when `continued` had the given value: void if the space was
    // told to proceed since.
    void stop_unless_continued(std::uint32_t seen) EXCLUDES(membership_lock);
    void park_while_stopped() NO_THREAD_SAFETY_ANALYSIS;
    // Called by a thread of the space that is going.
    void thread_left(Thread& thread) EXCLUDES(membership_lock);
    Status join(Thread& thread) EXCLUDES(membership_lock); // terminated, limit_reached
    Result<abi::ExitStatus> wait_for_end(std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS;

    PhysicalAddress page_table_root() const { return page_table_.root(); }

    AddressSpace* all_next = nullptr; // list of all spaces
    AddressSpace* all_previous = nullptr;
    std::uint32_t maker = 0;          // number of the space that made it; 0 = the kernel
    std::atomic<bool> started { false }; // it has, or had, a thread
    char name[name_size] = {};
    std::atomic<std::uint32_t> loaded_on { 0 }; // bit per CPU whose CR3 names this space
    HandleTable handles;

    std::atomic<std::uint32_t> limits[static_cast<unsigned>(abi::SpaceLimit::count)]; // by abi::SpaceLimit
    std::uint32_t limit(abi::SpaceLimit which) const
    {
        return limits[static_cast<unsigned>(which)].load(std::memory_order_relaxed);
    }
    const Ref<MemoryAccount> account;
    std::uint32_t pressure_episode = 0; // the last one that this space was told of (memory/pressure.cpp)
    std::atomic<std::uint32_t> runnable_threads { 0 }; // running or ready: they share one time slice

    Spinlock membership_lock { LockRank::membership };
    List<Thread, &Thread::space_link> threads GUARDED_BY(membership_lock);
    // Change under membership_lock, only forwards; exit_status is written before state. Anyone may look.
    std::atomic<SpaceState> state { SpaceState::alive };
    std::atomic<std::uint64_t> exit_status { 0 }; // abi::ExitStatus word
    std::atomic<bool> stopped { false };
    std::uint32_t continued GUARDED_BY(membership_lock) = 0; // calls of proceed(); ProcessControl has a copy

    // Process-directed signals.
    Spinlock signal_lock { LockRank::signal };
    std::uint64_t early_pending GUARDED_BY(signal_lock) = 0; // raised before there was a page; bit number - 1
    Frame* process_frame = nullptr; // set once by the first signal_register; referenced
    std::atomic<abi::ProcessControl*> process_page { nullptr }; // kernel address of that page
    std::uint64_t process_control_address = 0;                  // user address of that page

private:
    AddressSpace(std::uint32_t number, PageTable table, Ref<MemoryAccount> account);

    static PageRights rights_of(std::uint32_t protection)
    {
        return { .write = (protection & abi::protection_write) != 0,
            .execute = (protection & abi::protection_execute) != 0,
            .user = true };
    }
    Mapping* find(VirtualAddress address) REQUIRES(lock_)
    {
        // Faults come in runs: mostly it is where the last one was.
        if (last_found_ < mapping_count_ && mappings_[last_found_].begin <= address
            && address < mappings_[last_found_].end)
            return &mappings_[last_found_];
        return search(address);
    }
    Mapping* search(VirtualAddress address) REQUIRES(lock_);
    std::size_t lower_bound(VirtualAddress address) const REQUIRES(lock_);
    VirtualAddress find_room(VirtualAddress begin, std::uint64_t length) const REQUIRES(lock_);
    // `address`: 0 = anywhere, and then where it is. Takes the reference over if it succeeds.
    Status map_locked(Ref<MemoryObject>& object, std::uint64_t offset, VirtualAddress& address, std::uint64_t length,
        std::uint32_t protection, std::uint32_t allowed) REQUIRES(lock_);
    Status insert_at(std::size_t index, const Mapping& mapping) REQUIRES(lock_);
    // Mappings that are in the array no more, on their way out: under one lock, with one shootdown for all.
    struct Removed {
        static constexpr std::size_t most = 16;
        Mapping mappings[most];
        std::size_t count = 0;
        DetachedTables tables;

        VirtualAddress begin() const { return mappings[0].begin; }
        VirtualAddress end() const { return mappings[count - 1].end; }
    };
    void remove(std::size_t first, std::size_t count, Removed& removed) REQUIRES(lock_);
    void forget(Removed& removed) EXCLUDES(lock_);
    // The shootdown after ++leaving_.
    void shoot_down_leaving(VirtualAddress begin, VirtualAddress end) EXCLUDES(lock_);
    DetachedTables detach_tables(VirtualAddress begin, VirtualAddress end) REQUIRES(lock_);
    Status split(VirtualAddress address) REQUIRES(lock_);
    Result<std::size_t> isolate(VirtualAddress begin, VirtualAddress end) REQUIRES(lock_);
    void finish_end() EXCLUDES(lock_);
    void stop_threads() REQUIRES(membership_lock);
    void discard_pending(std::uint32_t bits) REQUIRES(membership_lock);

    Spinlock lock_ { LockRank::space };
    PageTable page_table_; // its root never changes; its entries change under lock_
    // Sorted by address. The Inspector reads mappings_[0 .. mapping_count_).
    Mapping* mappings_ GUARDED_BY(lock_) = nullptr;
    std::size_t mapping_count_ GUARDED_BY(lock_) = 0;
    std::size_t mapping_capacity_ GUARDED_BY(lock_) = 0;
    Charge mappings_charge_ GUARDED_BY(lock_);
    std::size_t last_found_ GUARDED_BY(lock_) = 0; // where find() begins to look; any number is right
    VirtualAddress search_from_ GUARDED_BY(lock_) = 0;
    // Ranges that are in the array no more, or at another address, while other CPUs may still reach their old pages: who
    // takes pages out of an object does not find them there, and has to have everything forgotten.
    std::uint32_t leaving_ GUARDED_BY(lock_) = 0;

    Spinlock waiters_lock_ { LockRank::waiters };
    struct Waiter {
        Thread* thread;
        ListLink<Waiter> link;
    };
    List<Waiter, &Waiter::link> waiters_ GUARDED_BY(waiters_lock_);
};

// Makes the calling CPU use the space's page tables.
void load_address_space(AddressSpace& space);
// Makes every CPU that uses the space forget [begin, end); the caller's page-table change comes first.
void shoot_down(AddressSpace& space, VirtualAddress begin, VirtualAddress end);

} // namespace orrery::kernel
