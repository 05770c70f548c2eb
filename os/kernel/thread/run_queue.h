// One CPU's ready threads by priority: joining and taking the first cost the same for one thread and for a thousand.
#pragma once

#include <cstdint>

#include "abi/scheduling.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {

class RunQueue {
public:
    void push(Thread& thread, Cpu& owner) EXCLUDES(lock_);       // behind those of its priority
    void push_first(Thread& thread, Cpu& owner) EXCLUDES(lock_); // before them
    // The first thread of the highest priority, if that is at least `minimum`, that may run on the CPU and has left the one
    // where it ran (or is `self`, which was woken before it could leave). Every sixteenth time that somebody
    // of lower priority waits it is one of the lowest instead, so that nobody starves behind busy threads.
    Thread* take(const Thread& self, unsigned cpu_number, unsigned minimum) EXCLUDES(lock_);
    bool remove(Thread& thread, const Cpu& owner) EXCLUDES(lock_); // false if it does not wait here (any more)
    bool has_work_for(unsigned cpu_number) EXCLUDES(lock_); // a thread that may run there, now or soon

private:
    using ThreadList = List<Thread, &Thread::run_link>;
    static constexpr unsigned turns_to_the_lowest = 16;

    ThreadList& join(Thread& thread, Cpu& owner) REQUIRES(lock_);
    void leave(Thread& thread) REQUIRES(lock_);
    Thread* first_of(unsigned level, const Thread& self, unsigned cpu_number) REQUIRES(lock_);

    Spinlock lock_ { LockRank::run_queue };
    ThreadList threads_[abi::priority_count] GUARDED_BY(lock_);
    std::uint32_t levels_ GUARDED_BY(lock_) = 0; // bit per list that is not empty
    unsigned turns_ GUARDED_BY(lock_) = 0;
};

} // namespace orrery::kernel
