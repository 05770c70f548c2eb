// Levels, episodes, and whose turn it is.
//
// A herd that wakes at once and frees at once would fault everything in again at once. So one space is told and given
// time; the next is told when that one comes back, or has not come back for `patience`, and memory is still short.
#include "kernel/memory/pressure.h"

#include "kernel/base/list.h"
#include "kernel/cpu/clock.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    using abi::MemoryPressure;

    constexpr std::uint64_t patience = 100'000'000; // ns

    struct PressureWaiter { // on the waiting thread's stack
        Thread* thread;
        MemoryPressure level;
        MemoryPressure told = MemoryPressure::none;
        ListLink<PressureWaiter> link;
    };

    Spinlock pressure_lock { LockRank::waiters };
    List<PressureWaiter, &PressureWaiter::link> waiters GUARDED_BY(pressure_lock);
    std::atomic<std::uint32_t> present { 0 };                    // MemoryPressure
    std::uint32_t episode GUARDED_BY(pressure_lock) = 0;         // counts up whenever the level gets worse
    std::uint32_t busy_space GUARDED_BY(pressure_lock) = 0;      // number of who was told and has not come back
    std::uint64_t told_at GUARDED_BY(pressure_lock) = 0;         // ns
    bool all_told GUARDED_BY(pressure_lock) = false;             // nobody is left in this episode
    std::atomic<std::uint64_t> look_again { abi::no_deadline };  // ns

    // Pages that are free below which the level is reached.
    std::size_t mark_of(MemoryPressure level)
    {
        const std::size_t total = frame_allocator.total_frames();
        switch (level) {
        case MemoryPressure::none: return ~std::size_t { 0 };
        case MemoryPressure::low: return total / 4;
        case MemoryPressure::medium: return total / 8;
        case MemoryPressure::critical: return total / 32;
        }
        return 0;
    }

    MemoryPressure level_now(MemoryPressure before)
    {
        const std::size_t free = frame_allocator.free_frames();
        const std::size_t slack = frame_allocator.total_frames() / 64; // to leave a level takes more than to enter it
        MemoryPressure level = MemoryPressure::none;
        for (const auto next : { MemoryPressure::low, MemoryPressure::medium, MemoryPressure::critical })
            if (free < mark_of(next) + (next <= before ? slack : 0)) level = next;
        return level;
    }

    // The largest that asked for this level and has not been told in this episode.
    PressureWaiter* next_to_tell(MemoryPressure level) REQUIRES(pressure_lock)
    {
        PressureWaiter* largest = nullptr;
        for (PressureWaiter* waiter = waiters.first(); waiter; waiter = waiters.next(waiter)) {
            const AddressSpace& space = *waiter->thread->space;
            if (waiter->level > level || space.pressure_episode == episode) continue;
            if (!largest || space.account->pages > largest->thread->space->account->pages) largest = waiter;
        }
        return largest;
    }

    void consider_locked() REQUIRES(pressure_lock)
    {
        const auto before = static_cast<MemoryPressure>(present.load(std::memory_order_relaxed));
        const MemoryPressure level = level_now(before);
        present.store(static_cast<std::uint32_t>(level), std::memory_order_relaxed);
        if (level > before) {
            ++episode;
            all_told = false;
        }
        look_again.store(abi::no_deadline, std::memory_order_relaxed);
        if (level == MemoryPressure::none) {
            busy_space = 0; // nobody is waited for any more
            return;
        }
        if (all_told) return;
        if (busy_space != 0 && clock_now() - told_at < patience) {
            look_again.store(told_at + patience, std::memory_order_relaxed);
            return;
        }
        PressureWaiter* const waiter = next_to_tell(level);
        all_told = !waiter;
        if (!waiter) return;
        AddressSpace& space = *waiter->thread->space;
        space.pressure_episode = episode;
        busy_space = space.number;
        told_at = clock_now();
        look_again.store(told_at + patience, std::memory_order_relaxed);
        waiter->told = level;
        waiters.remove(waiter);
        wake(*waiter->thread, Error::none);
    }

} // namespace

Result<MemoryPressure> wait_for_pressure(MemoryPressure level, std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    if (level == MemoryPressure::none || level > MemoryPressure::critical) return fail(Error::invalid_argument);
    Thread& self = current_thread();
    PressureWaiter waiter { &self, level, MemoryPressure::none, {} };
    pressure_lock.acquire();
    if (busy_space == self.space->number) busy_space = 0;
    waiters.push_back(&waiter);
    all_told = false;
    consider_locked(); // maybe about ourselves: then wake() finds us awake, and `told` says it
    Error result = Error::none;
    if (waiter.told == MemoryPressure::none) {
        result = sleep(pressure_lock, { WaitReason::memory_pressure, 0, static_cast<std::uint64_t>(level), deadline, 0 });
        pressure_lock.acquire();
    }
    waiters.remove(&waiter);
    pressure_lock.release();
    if (waiter.told != MemoryPressure::none) return waiter.told; // whatever else woke it
    return fail(result == Error::none ? Error::interrupted : result);
}

std::uint64_t pressure_deadline() { return look_again.load(std::memory_order_relaxed); }

void consider_pressure()
{
    if (frame_allocator.free_frames() >= mark_of(MemoryPressure::low) && present.load(std::memory_order_relaxed) == 0) return;
    Guard guard(pressure_lock);
    consider_locked();
}

} // namespace orrery::kernel
