// Lists by priority, and a word that tells which are not empty.
#include "kernel/thread/run_queue.h"

#include <algorithm>
#include <bit>

#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"

namespace orrery::kernel {

void RunQueue::leave(Thread& thread)
{
    ThreadList& list = threads_[thread.queued_level];
    list.remove(&thread);
    if (list.empty()) levels_ &= ~(1u << thread.queued_level);
    thread.queued_on.store(nullptr, std::memory_order_release);
}

// Who changes a thread's priority or its processors stores that first and looks second whether it waits somewhere. Here
// it is the other way round, so one of the two sees the other.
bool RunQueue::push(Thread& thread, Cpu& owner, Place place)
{
    Guard guard(lock_);
    thread.queued_on.store(&owner, std::memory_order_seq_cst);
    if (!(thread.allowed_cpus.load(std::memory_order_seq_cst) >> owner.number & 1)) {
        thread.queued_on.store(nullptr, std::memory_order_release);
        return false;
    }
    const unsigned level = thread.effective_priority.load(std::memory_order_seq_cst);
    thread.queued_level = static_cast<std::uint8_t>(level);
    levels_ |= 1u << level;
    if (place == Place::first) threads_[level].push_front(&thread);
    else threads_[level].push_back(&thread);
    return true;
}

// A thread that was woken while it was still on its way out of another CPU is left alone. To take it and wait until it
// is off its stack would be wrong twice over: two CPUs might wait for each other's thread, and the other CPU, seeing
// the thread marked as running, would let it run on.
Thread* RunQueue::first_of(unsigned level, const Thread& self, unsigned cpu_number)
{
    ThreadList& list = threads_[level];
    for (Thread* thread = list.first(); thread; thread = list.next(thread)) {
        if (!thread->may_run_on(cpu_number)) continue;
        if (thread == &self || !thread->on_cpu.load(std::memory_order_acquire)) return thread;
    }
    return nullptr;
}

// The next level below the last one that had a turn, and from the top again: each comes up, however many there are.
Thread* RunQueue::take_passed_over(std::uint32_t levels, const Thread& self, unsigned cpu_number)
{
    const std::uint32_t below_last = (1u << last_turn_level_) - 1;
    for (const std::uint32_t part : { levels & below_last, levels & ~below_last })
        for (std::uint32_t left = part; left != 0;) {
            const auto level = static_cast<unsigned>(std::bit_width(left) - 1);
            left &= ~(1u << level);
            Thread* const found = first_of(level, self, cpu_number);
            if (!found) continue;
            last_turn_level_ = level;
            return found;
        }
    return nullptr;
}

Thread* RunQueue::take_best(const Thread& self, unsigned cpu_number, unsigned minimum)
{
    for (std::uint32_t left = levels_; left != 0;) {
        const auto level = static_cast<unsigned>(std::bit_width(left) - 1);
        if (level < minimum) return nullptr;
        if (Thread* const found = first_of(level, self, cpu_number)) return found;
        left &= ~(1u << level);
    }
    return nullptr;
}

Thread* RunQueue::take(const Thread& self, unsigned cpu_number, unsigned minimum)
{
    Guard guard(lock_);
    if (levels_ == 0) return nullptr;
    Thread* found = nullptr;
    const auto top = static_cast<unsigned>(std::bit_width(levels_) - 1);
    const std::uint32_t passed_over = levels_ & ((1u << std::max(top, minimum)) - 1);
    const bool interrupts = minimum != 0 && top > minimum;
    if (passed_over != 0) {
        const std::uint64_t now = clock_now();
        // Who runs in between, because its better ones sleep a moment, is still waiting for its turn.
        if (last_passed_over_ == 0 || now >= last_passed_over_ + turn_distance) next_turn_ = now + turn_distance;
        last_passed_over_ = now;
        if (now >= next_turn_ && !interrupts) {
            next_turn_ = now + turn_distance;
            found = take_passed_over(passed_over, self, cpu_number);
        }
    }
    if (!found) found = take_best(self, cpu_number, minimum);
    if (!found) return nullptr;
    leave(*found);
    // Under the lock, so that whoever queues a better one behind this sees whom that one has to interrupt.
    cpus[cpu_number].running_priority.store(found->priority(), std::memory_order_relaxed);
    return found;
}

Thread* RunQueue::steal(const Thread& self, unsigned thief_number)
{
    Guard guard(lock_);
    Thread* const found = take_best(self, thief_number, 0);
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
