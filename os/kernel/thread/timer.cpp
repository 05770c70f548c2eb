// Timer queues and what happens when a timer is due.
#include "kernel/thread/timer.h"

#include <algorithm>

#include "kernel/boot/calendar.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/memory/pressure.h"
#include "kernel/signal/signal.h"
#include "kernel/thread/scheduler.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {
namespace {

    // When a deadline comes, as the date is set now; 0 if it has come already.
    std::uint64_t since_start(std::uint64_t deadline)
    {
        if (abi::clock_of(deadline) == abi::Clock::since_start) return deadline;
        const std::uint64_t date = abi::moment_of(deadline), origin = calendar_origin();
        return date > origin ? date - origin : 0;
    }

} // namespace

Timer* TimerQueue::meld(Timer* a, Timer* b)
{
    if (!a) return b;
    if (!b) return a;
    if (b->deadline < a->deadline) std::swap(a, b);
    b->next = a->child;
    if (b->next) b->next->previous = b;
    b->previous = a;
    a->child = b;
    return a;
}

// Two passes without recursion: a thousand siblings must not need a thousand stack frames.
Timer* TimerQueue::merge_pairs(Timer* first)
{
    Timer* pairs = nullptr; // linked through next, last pair first
    while (first) {
        Timer* a = first;
        Timer* b = a->next;
        first = b ? b->next : nullptr;
        a->next = a->previous = nullptr;
        if (b) b->next = b->previous = nullptr;
        Timer* pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    Timer* root = nullptr;
    while (pairs) {
        Timer* pair = pairs;
        pairs = pair->next;
        pair->next = nullptr;
        root = meld(root, pair);
    }
    if (root) root->previous = nullptr;
    return root;
}

Timer*& TimerQueue::root_of(const Timer& timer)
{
    return roots_[static_cast<unsigned>(abi::clock_of(timer.deadline))];
}

Timer* TimerQueue::first()
{
    const auto [of_start, of_date] = roots_;
    if (!of_date) [[likely]]
        return of_start;
    return !of_start || since_start(of_date->deadline) < since_start(of_start->deadline) ? of_date : of_start;
}

void TimerQueue::unlink(Timer& timer)
{
    Timer*& root = root_of(timer);
    if (&timer == root) {
        root = merge_pairs(timer.child);
    } else {
        if (timer.previous->child == &timer) timer.previous->child = timer.next;
        else timer.previous->next = timer.next;
        if (timer.next) timer.next->previous = timer.previous;
        timer.next = timer.previous = nullptr;
        root = meld(root, merge_pairs(timer.child));
    }
    timer.child = timer.next = timer.previous = nullptr;
    timer.cpu.store(nullptr, std::memory_order_release);
}

void TimerQueue::insert(Timer& timer)
{
    Guard guard(lock_);
    timer.cpu.store(&this_cpu(), std::memory_order_release);
    timer.child = timer.next = timer.previous = nullptr;
    Timer*& root = root_of(timer);
    root = meld(root, &timer);
}

void TimerQueue::remove(Timer& timer)
{
    Guard guard(lock_);
    Cpu* const cpu = timer.cpu.load(std::memory_order_relaxed);
    if (cpu && &cpu->timers == this) unlink(timer);
}

std::optional<TimerQueue::Expired> TimerQueue::take_expired(std::uint64_t now)
{
    Guard guard(lock_);
    Timer* const timer = first();
    if (!timer || since_start(timer->deadline) > now) return std::nullopt;
    timer->thread.reference();
    const Expired expired { &timer->thread, timer->purpose, timer->sequence };
    unlink(*timer);
    return expired;
}

std::uint64_t TimerQueue::first_deadline()
{
    Guard guard(lock_);
    const Timer* const timer = first();
    return timer ? since_start(timer->deadline) : abi::no_deadline;
}

void arm_timer(Timer& timer, std::uint64_t deadline)
{
    cancel_timer(timer);
    timer.deadline = deadline;
    this_cpu().timers.insert(timer);
    program_timer_interrupt();
}

// A timer's queue can only change under its owner's hands (arming) or by expiry, so one retry is enough.
void cancel_timer(Timer& timer)
{
    if (Cpu* cpu = timer.cpu.load(std::memory_order_acquire)) cpu->timers.remove(timer);
}

void program_timer_interrupt()
{
    Cpu& cpu = this_cpu();
    std::uint64_t deadline = cpu.timers.first_deadline();
    if (!cpu.idle.load(std::memory_order_relaxed)) deadline = std::min(deadline, cpu.slice_end);
    deadline = std::min(deadline, pressure_deadline());
    if (deadline == abi::no_deadline) {
        stop_timer();
        return;
    }
    const std::uint64_t now = clock_now();
    deadline = std::max(deadline, cpu.timers_rest_until);
    start_timer(deadline > now ? deadline - now : 1);
}

// At most so many at once, of those that were due when it began; and after many of them the CPU does something else for
// as long as that took. So timers that are due again at once, or thousands of them, take no more than half of its time;
// but who asks for a moment gets that moment, as long as there are few.
void run_expired_timers()
{
    constexpr unsigned expired_at_once = 64;
    constexpr unsigned many = 16;
    Cpu& cpu = this_cpu();
    const std::uint64_t begin = clock_now();
    unsigned count = 0;
    for (; count < expired_at_once; ++count) {
        const auto expired = cpu.timers.take_expired(begin);
        if (!expired) break;
        const auto thread = Ref<Thread>::adopt(expired->thread);
        switch (expired->purpose) {
        case TimerPurpose::wait_timeout: wake_timed_out(*thread, expired->sequence); break;
        case TimerPurpose::signal: raise_timer_signal(*thread, expired->sequence); break;
        }
    }
    if (count < many) [[likely]]
        return;
    const std::uint64_t end = clock_now();
    cpu.timers_rest_until = end + (end - begin);
}

// A CPU that armed its interrupt by the old date takes this one only after that, for it was under way with interrupts
// off.
void follow_calendar()
{
    for (unsigned index = 0; index < cpu_count; ++index)
        if (&cpus[index] != &this_cpu() && cpus[index].online.load(std::memory_order_acquire))
            send_interrupt(cpus[index].apic_id, vector_timer);
    program_timer_interrupt();
}

} // namespace orrery::kernel
