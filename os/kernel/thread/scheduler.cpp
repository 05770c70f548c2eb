// The scheduler: switching, stealing when idle, and the blocking primitive.
#include "kernel/thread/scheduler.h"

#include <algorithm>
#include <new>
#include <utility>

#include "kernel/boot/descriptor.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/memory/address_space.h"
#include "kernel/thread/run_queue.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {

extern "C" void context_switch(std::uint64_t* save_stack_pointer, std::uint64_t next_stack_pointer);

namespace {

    // Takes work from the others; an idle CPU has nothing better to do than to look.
    Thread* steal(const Cpu& thief, const Thread& self)
    {
        for (unsigned step = 1; step < cpu_count; ++step) {
            Cpu& other = cpus[(thief.number + step) % cpu_count];
            if (!other.online.load(std::memory_order_relaxed)) continue;
            if (Thread* thread = other.ready->steal(self, thief.number)) return thread;
        }
        return nullptr;
    }

    std::uint64_t slice_of(const Thread& thread)
    {
        const std::uint32_t sharing = thread.space ? thread.space->runnable_threads.load(std::memory_order_relaxed) : 1;
        return sharing <= 1 ? time_slice : std::max(time_slice / sharing, shortest_slice);
    }

    void count_runnable(const Thread& thread, int change)
    {
        if (thread.space) thread.space->runnable_threads.fetch_add(static_cast<std::uint32_t>(change), std::memory_order_relaxed);
    }

    // Runs on the new thread's stack: the old one is off its stack now and may run elsewhere, or be freed.
    void finish_switch()
    {
        Cpu& cpu = this_cpu();
        Thread* previous = cpu.previous;
        cpu.previous = nullptr;
        if (!previous) return;
        bool ended = false, woken_better = false;
        Cpu* queued_on = nullptr;
        {
            Guard guard(previous->lock); // without which it can't end, wherever it may run from here on
            ended = previous->state == ThreadState::ended;
            previous->on_cpu.store(false, std::memory_order_seq_cst);
            if (previous->wait.reason != WaitReason::none) queued_on = previous->queued_on.load(std::memory_order_seq_cst);
            woken_better = queued_on
                && previous->priority() > queued_on->running_priority.load(std::memory_order_relaxed);
        }
        if (ended) previous->release(); // the reference that a living thread has on itself
        // Woken before it was off its stack: who was told of it then could not take it yet.
        if (woken_better) request_reschedule(*queued_on);
    }

    // `handed_over`: the thread goes on with the time slice that its predecessor has begun, so the timer stays as it
    // is.
    void switch_to(Thread& next, bool handed_over)
    {
        Cpu& cpu = this_cpu();
        Thread& previous = *cpu.current;
        if (!handed_over) {
            next.on_cpu.store(true, std::memory_order_seq_cst);
            // Its processors may have changed after it left the queue and before anybody could see that it runs.
            if (!next.may_run_on(cpu.number)) next.hot.attention.fetch_or(attention_reschedule, std::memory_order_relaxed);
        }
        const bool to_idle = &next == cpu.idle_thread;
        cpu.idle.store(to_idle, std::memory_order_relaxed);

        if (previous.space) {
            previous.fs_base = read_fs_base();
            previous.gs_base = read_msr(msr_kernel_gs_base);
            save_extended_state(previous.extended_state);
        }
        if (next.space) {
            if (cpu.loaded_space != next.space) load_address_space(*next.space);
            write_fs_base(next.fs_base);
            write_msr(msr_kernel_gs_base, next.gs_base);
            if (cpu.extended_state_owner != &next || next.cpu != &cpu) restore_extended_state(next.extended_state);
            cpu.extended_state_owner = &next;
            set_kernel_stack(cpu, next.kernel_stack);
        }
        ORRERY_TRACE(thread, switched, 0, previous.number, next.number, cpu.number);
        cpu.previous = &previous;
        cpu.current = &next;
        cpu.hot = &next.hot;
        __atomic_store_n(&next.cpu, &cpu, __ATOMIC_RELAXED);
        cpu.running_priority.store(to_idle ? 0 : next.priority(), std::memory_order_relaxed);
        ++next.switches;
        if (!handed_over) {
            const std::uint64_t left = std::exchange(next.slice_left, 0);
            cpu.slice_end = clock_now() + (left != 0 ? std::max(left, shortest_slice) : slice_of(next));
            cpu.slice_over = false;
            program_timer_interrupt();
        }
        context_switch(&previous.kernel_stack_pointer, next.kernel_stack_pointer);
        finish_switch();
    }

} // namespace

Thread& current_thread() { return *this_cpu().current; }

void initialize_run_queue(Cpu& cpu)
{
    cpu.ready = new (std::nothrow) RunQueue;
    if (!cpu.ready) panic("no memory for a run queue");
}

void poke(Cpu& cpu)
{
    if (&cpu != &this_cpu()) send_interrupt(cpu.apic_id, vector_attention);
}

void request_reschedule(Cpu& cpu)
{
    if (&cpu == &this_cpu()) {
        cpu.current->hot.attention.fetch_or(attention_reschedule, std::memory_order_relaxed);
        return;
    }
    cpu.reschedule_wanted.store(true, std::memory_order_release);
    poke(cpu);
}

void set_attention(Thread& thread, std::uint32_t bits)
{
    thread.hot.attention.fetch_or(bits, std::memory_order_seq_cst);
    // A thread that is about to run will see the bits on its way to user mode; one that runs must be interrupted.
    if (!thread.on_cpu.load(std::memory_order_seq_cst)) return;
    if (Cpu* cpu = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED)) poke(*cpu); // it may be on its way in just now
}

namespace {
    void schedule_to(Thread* successor);
}

void schedule() { schedule_to(nullptr); }

namespace {
// A thread whose turn is over, and behind which others wait that perhaps may run only here, while another CPU has
// nothing to do.
bool should_make_room(const Thread& self, const Cpu& cpu)
{
    if (!cpu.slice_over) return false;
    bool somewhere_else = false;
    for (unsigned index = 0; index < cpu_count && !somewhere_else; ++index)
        somewhere_else = index != cpu.number && self.may_run_on(index) && cpus[index].idle.load(std::memory_order_relaxed);
    return somewhere_else && cpu.ready->has_work_for(cpu.number);
}

// One that is still on its way out of another CPU can't be taken (see RunQueue::first_of), only queued. If it can, it
// counts as running from here on: who changes its processors afterwards sees that.
bool can_take_over(Thread& successor, const Cpu& cpu)
{
    if (successor.on_cpu.load(std::memory_order_acquire)) return false;
    successor.on_cpu.store(true, std::memory_order_seq_cst);
    if (successor.may_run_on(cpu.number)) return true;
    successor.on_cpu.store(false, std::memory_order_release);
    return false;
}

void schedule_to(Thread* successor)
{
    Cpu& cpu = this_cpu();
    Thread& self = *cpu.current;
    if (successor && !can_take_over(*successor, cpu)) make_ready(*std::exchange(successor, nullptr));
    bool running = false; // false: it sleeps, has ended, or was woken again before it got off the CPU
    if (&self != cpu.idle_thread) {
        Guard guard(self.lock);
        running = self.state == ThreadState::running;
    }
    const bool may_stay = running && self.may_run_on(cpu.number) && !should_make_room(self, cpu);
    // Who may stay gives way to its equals and betters only.
    Thread* next = successor ? successor : cpu.ready->take(self, cpu.number, may_stay ? self.priority() : 0);
    if (next == &self) { // woken again, and found by itself: it simply goes on
        Guard guard(self.lock);
        self.state = ThreadState::running;
        return;
    }
    if (!next && !may_stay) next = steal(cpu, self);
    if (!next) {
        if (may_stay) {
            cpu.slice_end = clock_now() + slice_of(self);
            cpu.slice_over = false;
            cpu.running_priority.store(self.priority(), std::memory_order_relaxed);
            return;
        }
        next = cpu.idle_thread;
    }
    if (next == &self) { // stolen back from another CPU's list, or the idle thread with nothing to do
        Guard guard(self.lock);
        if (self.state == ThreadState::ready) self.state = ThreadState::running;
        return;
    }
    if (running) {
        {
            Guard guard(self.lock);
            self.state = ThreadState::ready;
        }
        if (!may_stay) cpu.slice_over = false; // else it would make room again as soon as it is back
        // Interrupted in its turn: it keeps its place, and what is left of its time; unless that is next to nothing,
        // or one that is interrupted again and again would never come to its end.
        std::uint64_t left = 0;
        if (!cpu.slice_over && next->priority() > self.priority())
            if (const std::uint64_t now = clock_now(); cpu.slice_end > now + shortest_slice) left = cpu.slice_end - now;
        const bool interrupted = left != 0;
        self.slice_left = left;
        const auto place = interrupted ? RunQueue::Place::first : RunQueue::Place::last;
        if (!may_stay || !cpu.ready->push(self, cpu, place)) make_ready(self); // elsewhere
    }
    {
        Guard guard(next->lock);
        next->state = ThreadState::running;
    }
    switch_to(*next, successor != nullptr);
}
} // namespace

bool preemption_point()
{
    open_interrupt_window();
    Thread& self = current_thread();
    if (must_end(self)) return false;
    if (self.hot.attention.load(std::memory_order_relaxed) & attention_reschedule) {
        self.hot.attention.fetch_and(~std::uint32_t { attention_reschedule }, std::memory_order_relaxed);
        schedule();
    }
    return true;
}

void end_current_thread()
{
    Thread& self = current_thread();
    {
        Guard guard(self.lock);
        self.state = ThreadState::ended;
    }
    count_runnable(self, -1);
    if (this_cpu().extended_state_owner == &self) this_cpu().extended_state_owner = nullptr;
    schedule();
    panic("an ended thread was scheduled");
}

void idle_loop()
{
    Cpu& cpu = this_cpu();
    for (;;) {
        cpu.idle.store(true, std::memory_order_seq_cst); // before looking: a waker that finds us idle pokes us
        schedule();
        cpu.idle.store(true, std::memory_order_relaxed);
        program_timer_interrupt();
        bool empty = true;
        for (unsigned index = 0; index < cpu_count && empty; ++index)
            empty = !cpus[index].ready || !cpus[index].ready->has_work_for(cpu.number);
        if (empty) wait_for_interrupt();
    }
}

// First thing on a new thread's stack.
extern "C" void thread_started()
{
    finish_switch();
    std::uint64_t never = 0;
    orrery_descriptor.first_user_instruction_tsc.compare_exchange_strong(never, read_tsc(), std::memory_order_relaxed);
}

Error sleep(Spinlock& queue_lock, const WaitRecord& record, Thread* successor) NO_THREAD_SAFETY_ANALYSIS
{
    Thread& self = current_thread();
    self.lock.acquire();
    if (has_reason_to_wake(self, record.reason)) {
        self.lock.release();
        if (successor) make_ready(*successor);
        queue_lock.release();
        // The return to user mode must look at the words again: what woke us may need diverting or deferring.
        self.hot.attention.fetch_or(attention_signal, std::memory_order_seq_cst);
        return Error::interrupted;
    }
    const std::uint64_t sequence = self.wait.sequence + 1;
    self.wait = record;
    self.wait.sequence = sequence;
    self.wait_result = Error::none;
    self.state = ThreadState::blocked;
    count_runnable(self, -1);
    self.lock.release();
    queue_lock.release();

    ORRERY_TRACE(thread, blocked, 0, self.number, static_cast<std::uint64_t>(record.reason), record.object);
    if (record.deadline != abi::no_deadline) {
        self.wait_timer.sequence = sequence;
        arm_timer(self.wait_timer, record.deadline);
    }
    schedule_to(successor);
    if (record.deadline != abi::no_deadline) cancel_timer(self.wait_timer);
    Guard guard(self.lock);
    self.wait.reason = WaitReason::none;
    if (self.wait_result == Error::interrupted) self.hot.attention.fetch_or(attention_signal, std::memory_order_seq_cst);
    return self.wait_result;
}

namespace {
    void wake_locked(Thread& thread, Error result) REQUIRES(thread.lock)
    {
        thread.state = ThreadState::ready;
        thread.wait_result = result;
        count_runnable(thread, 1);
        ORRERY_TRACE(thread, woken, 0, thread.number, static_cast<std::uint64_t>(result), thread.wait.object);
        make_ready(thread);
    }
} // namespace

void wake(Thread& thread, Error result)
{
    Guard guard(thread.lock);
    if (thread.state != ThreadState::blocked) return;
    // A signal does not wake a stopped process, say; SIGCONT and the end of the space do.
    if (result == Error::interrupted && outlasts_signals(thread.wait.reason) && !must_end(thread)) return;
    wake_locked(thread, result);
}

bool begin_wake(Thread& thread, Error result)
{
    Guard guard(thread.lock);
    if (thread.state != ThreadState::blocked) return false;
    thread.state = ThreadState::ready;
    thread.wait_result = result;
    count_runnable(thread, 1);
    ORRERY_TRACE(thread, woken, 0, thread.number, static_cast<std::uint64_t>(result), thread.wait.object);
    return true;
}

void wake_if(Thread& thread, WaitReason reason)
{
    Guard guard(thread.lock);
    if (thread.state == ThreadState::blocked && thread.wait.reason == reason) wake_locked(thread, Error::none);
}

void wake_timed_out(Thread& thread, std::uint64_t sequence)
{
    Guard guard(thread.lock);
    if (thread.state == ThreadState::blocked && thread.wait.sequence == sequence)
        wake_locked(thread, Error::timed_out);
}

} // namespace orrery::kernel
