// Lists by priority, and a word that tells which are not empty.
#include "kernel/thread/run_queue.h"

#include <bit>

namespace orrery::kernel {

RunQueue::ThreadList& RunQueue::join(Thread& thread, Cpu& owner)
{
    const unsigned level = thread.priority();
    thread.queued_level = static_cast<std::uint8_t>(level);
    thread.queued_on.store(&owner, std::memory_order_release);
    levels_ |= 1u << level;
    return threads_[level];
}

void RunQueue::leave(Thread& thread)
{
    ThreadList& list = threads_[thread.queued_level];
    list.remove(&thread);
    if (list.empty()) levels_ &= ~(1u << thread.queued_level);
    thread.queued_on.store(nullptr, std::memory_order_release);
}

void RunQueue::push(Thread& thread, Cpu& owner)
{
    Guard guard(lock_);
    join(thread, owner).push_back(&thread);
}

void RunQueue::push_first(Thread& thread, Cpu& owner)
{
    Guard guard(lock_);
    join(thread, owner).push_front(&thread);
}

// A thread that was woken while it was still on its way out of another CPU is left alone. To take it and wait until it is
// off its stack would be wrong twice over: two CPUs might wait for each other's thread, and the other CPU, seeing the
// thread marked as running, would let it run on.
Thread* RunQueue::first_of(unsigned level, const Thread& self, unsigned cpu_number)
{
    ThreadList& list = threads_[level];
    for (Thread* thread = list.first(); thread; thread = list.next(thread)) {
        if (!thread->may_run_on(cpu_number)) continue;
        if (thread == &self || !thread->on_cpu.load(std::memory_order_acquire)) return thread;
    }
    return nullptr;
}

Thread* RunQueue::take(const Thread& self, unsigned cpu_number, unsigned minimum)
{
    Guard guard(lock_);
    if (levels_ == 0) return nullptr;
    Thread* found = nullptr;
    const auto lowest = static_cast<unsigned>(std::countr_zero(levels_));
    const bool somebody_is_behind = lowest < minimum || (levels_ & (levels_ - 1)) != 0;
    if (somebody_is_behind && ++turns_ % turns_to_the_lowest == 0) found = first_of(lowest, self, cpu_number);
    for (std::uint32_t left = levels_; left != 0 && !found;) {
        const auto level = static_cast<unsigned>(std::bit_width(left) - 1);
        if (level < minimum) break;
        found = first_of(level, self, cpu_number);
        left &= ~(1u << level);
    }
    if (found) leave(*found);
    return found;
}

bool RunQueue::remove(Thread& thread, const Cpu& owner)
{
    Guard guard(lock_);
    if (thread.queued_on.load(std::memory_order_relaxed) != &owner) return false;
    leave(thread);
    return true;
}

bool RunQueue::has_work_for(unsigned cpu_number)
{
    Guard guard(lock_);
    for (std::uint32_t left = levels_; left != 0; left &= left - 1) {
        ThreadList& list = threads_[std::countr_zero(left)];
        for (Thread* thread = list.first(); thread; thread = list.next(thread))
            if (thread->may_run_on(cpu_number)) return true;
    }
    return false;
}

} // namespace orrery::kernel
