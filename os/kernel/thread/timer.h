// Timers: each CPU keeps its own in pairing heaps, one for each clock, and arms its one-shot interrupt for the first.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "abi/syscall.h"
#include "kernel/base/spinlock.h"

namespace orrery::kernel {

class Thread;
struct Cpu;

enum class TimerPurpose : std::uint8_t { wait_timeout, signal };

// Lives inside the thread that it concerns, so arming never allocates.
struct Timer {
    Timer(Thread& thread, TimerPurpose purpose) : thread(thread), purpose(purpose) {}

    Thread& thread;
    TimerPurpose purpose;
    std::uint64_t deadline = 0; // of either clock (abi/syscall.h)
    std::uint64_t sequence = 0; // which wait, or which order of a signal it belongs to; changes while it is in no queue
    std::atomic<Cpu*> cpu { nullptr }; // in whose queue it is; null = in none. Changes under that queue's lock
    Timer* child = nullptr;     // pairing heap
    Timer* next = nullptr;
    Timer* previous = nullptr;  // left sibling, or parent of the first child
};

// Fredman, Sedgewick, Sleator, Tarjan 1986: insert and find-first are O(1), remove is O(log n) amortized.
class TimerQueue {
public:
    void insert(Timer& timer) EXCLUDES(lock_); // on the calling CPU's own queue
    void remove(Timer& timer) EXCLUDES(lock_); // no-op if it is not in this queue
    // Takes the first timer whose deadline has come `now`, in nanoseconds since the start. What it stood for comes as a
    // copy: its thread may arm it for another wait as soon as it is out of the queue.
    struct Expired {
        Thread* thread; // referenced for the caller
        TimerPurpose purpose;
        std::uint64_t sequence;
    };
    std::optional<Expired> take_expired(std::uint64_t now) EXCLUDES(lock_);
    // As nanoseconds since the start, by the date as it is set now; no_deadline if there is none.
    std::uint64_t first_deadline() EXCLUDES(lock_);

private:
    static constexpr unsigned clock_count = 2;
    static Timer* meld(Timer* a, Timer* b);
    static Timer* merge_pairs(Timer* first);
    Timer*& root_of(const Timer& timer) REQUIRES(lock_);
    Timer* first() REQUIRES(lock_); // of both clocks; null if there is none
    void unlink(Timer& timer) REQUIRES(lock_);

    Spinlock lock_ { LockRank::timer };
    Timer* roots_[clock_count] GUARDED_BY(lock_) = {}; // by abi::Clock
};

void arm_timer(Timer& timer, std::uint64_t deadline); // of either clock; replaces an earlier deadline
void cancel_timer(Timer& timer);
void run_expired_timers();   // from the timer interrupt
void program_timer_interrupt(); // arms the CPU's interrupt for its first timer or the end of the time slice
void follow_calendar();      // the date was set: every CPU looks when its first timer is due now

} // namespace orrery::kernel
