// One CPU's ready threads by priority: joining and taking the first cost the same for one thread and for a thousand.
#pragma once

#include <cstdint>

#include "abi/scheduling.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

class RunQueue {
public:
    enum class Place { first, last }; // among those of its priority
    // False if the thread may not run on the owner (any more): then it is not queued.
    bool push(Thread& thread, Cpu& owner, Place place = Place::last) EXCLUDES(lock_);
    // The first thread of the highest priority, if that is at least `minimum`, that may run on the CPU and has left the
    // one where it ran (or is `self`, which was woken before it could leave). While somebody of lower priority is
    // passed over, every turn_distance it is one of those instead, of each level in its turn: so nobody starves behind
    // busy threads, and they have nine tenths of the time. A turn does not come before a better thread that interrupts
    // a running one.
    Thread* take(const Thread& self, unsigned cpu_number, unsigned minimum) EXCLUDES(lock_);
    // For another CPU that has nothing to do: the first thread of the highest priority that may run there. Turns are
    // the owner's affair: whom they are for may not be able to run on the thief at all.
    Thread* steal(const Thread& self, unsigned thief_number) EXCLUDES(lock_);
    bool remove(Thread& thread, const Cpu& owner) EXCLUDES(lock_); // false if it does not wait here (any more)
    bool has_work_for(unsigned cpu_number) EXCLUDES(lock_); // a thread that may run there, now or soon

private:
    using ThreadList = List<Thread, &Thread::run_link>;
    static constexpr std::uint64_t turn_distance = 10 * time_slice; // ns

    void leave(Thread& thread) REQUIRES(lock_);
    Thread* take_best(const Thread& self, unsigned cpu_number, unsigned minimum) REQUIRES(lock_);
    Thread* take_passed_over(std::uint32_t levels, const Thread& self, unsigned cpu_number) REQUIRES(lock_);
    Thread* first_of(unsigned level, const Thread& self, unsigned cpu_number) REQUIRES(lock_);

    Spinlock lock_ { LockRank::run_queue };
    ThreadList threads_[abi::priority_count] GUARDED_BY(lock_);
    std::uint32_t levels_ GUARDED_BY(lock_) = 0; // bit per list that is not empty
    std::uint64_t next_turn_ GUARDED_BY(lock_) = 0; // ns: of those who are passed over
    std::uint64_t last_passed_over_ GUARDED_BY(lock_) = 0; // ns: when somebody was, last
    unsigned last_turn_level_ GUARDED_BY(lock_) = 0;
};

} // namespace orrery::kernel
