// Scheduling and sleeping: per-CPU ready lists, and the one primitive behind every wait.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {

// How long a space's threads run before it is the turn of others with the same priority. A space with several runnable
// threads divides it among them, so that spaces and not threads have equal shares.
inline constexpr std::uint64_t time_slice = 10'000'000;  // ns
inline constexpr std::uint64_t shortest_slice = 20'000; // ns; a switch must stay small beside it

Thread& current_thread();

// Puts a thread on the ready list of an idle CPU, or of the one where it ran last, and tells that CPU.
void make_ready(Thread& thread);
// Gives the CPU to the next ready thread; returns when this one runs again. No lock may be held.
void schedule();
// In a long operation, while no lock is held: takes interrupts that wait, and lets others run if their turn has come.
// False if the thread is to end, so the operation should.
bool preemption_point();
void set_own_priority(Thread& thread, unsigned priority);
// What a thread has of others that wait for it; 0 = nothing.
void set_inherited_priority(Thread& thread, unsigned priority);
// invalid_argument if the set has no CPU that runs. The thread leaves its present CPU soon if it must.
Status set_allowed_cpus(Thread& thread, std::uint64_t cpu_set);
// The calling thread ends here. Its stack is freed by the next thread on this CPU.
[[noreturn]] void end_current_thread();
// An interrupt for `cpu` to look at its current thread's attention word (or to leave idle).
void poke(Cpu& cpu);
// Makes the CPU look whether a better thread than its current one waits for it.
void request_reschedule(Cpu& cpu);
// Makes the thread look at its attention word as soon as it can: at once if it runs on another CPU.
void set_attention(Thread& thread, std::uint32_t bits);
[[noreturn]] void idle_loop();
void initialize_run_queue(Cpu& cpu);

// The one blocking primitive. The caller holds `queue_lock`, under which a waker would find it; sleep releases it.
//
// Returns Error::none if woken by wake(); interrupted if a signal that the thread allows is pending (then it may not
// have slept at all) or the thread is to end; timed_out; or the error that the waker gave.
//
// Race notes (see wake and signal/raise.cpp):
// (1) The sleeper joins its queue under queue_lock, tests its signal words and sets state = blocked under thread.lock.
// (2) A waker takes the sleeper off the queue under queue_lock, then sets state = ready under thread.lock. It cannot
//     come between the joining and the blocking, for both are under queue_lock.
// (3) A raiser sets the pending bit first and takes thread.lock second. Either the sleeper's test in (1) sees the bit,
//     or the raiser sees state == blocked and wakes.
// (4) A time-out names the wait's sequence number, so one that comes late cannot end a later wait.
// `successor`, if there is one, is a thread from begin_wake: it gets the CPU directly, with what is left of the time
// slice and past all queues. It runs on soon in any case, also if the caller does not sleep.
Error sleep(Spinlock& queue_lock, const WaitRecord& record, Thread* successor = nullptr) RELEASE(queue_lock);

// The first half of wake: ends the sleep of a blocked thread, but leaves it to the caller to let it run, by make_ready
// or as successor of the caller's own sleep. False if it does not sleep.
bool begin_wake(Thread& thread, Error result);

// Ends the sleep of a blocked thread; does nothing if it does not sleep.
void wake(Thread& thread, Error result);
void wake_if(Thread& thread, WaitReason reason); // with Error::none, if it sleeps for this reason
void wake_timed_out(Thread& thread, std::uint64_t sequence);

} // namespace orrery::kernel
