// The kernel's lock: a ranked spinlock. The kernel runs with interrupts off, so holding one never meets a handler.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/base/annotations.h"
#include "kernel/cpu/machine.h"

namespace orrery::kernel {

// A lock may be taken only while no lock of the same or a higher rank is held by this CPU: deadlock by order is
// impossible, and the check runs in every build.
enum class LockRank : std::uint8_t {
    registry,     // lists of all threads, spaces and rings
    futex,        // one futex bucket; the word is read under it, which may fault the page in
    scheme,       // one scheme's calls; pages of caller and server may be made present under it
    device,       // one device's interrupts and memory; pages are pinned under it
    space,        // one space's mappings
    object,       // one memory object's pages
    handle_table, // one space's handles
    membership,   // one space's thread list and end state
    signal,       // one target's slots
    ring,         // one ring's sleepers
    interrupts,   // who has which interrupt vector
    iommu,        // its registers
    waiters,      // one space's waiters; who waits for an event
    timer,        // one CPU's timers
    thread,       // one thread's state
    run_queue,    // one CPU's ready threads
    shootdown,    // the TLB shootdown request
    page_table,   // kernel half of the page tables
    pci,          // the ports of the configuration space
    heap,
    frames,
    console,
    count,
};

void spin_wait_hook(); // answers TLB shootdowns while this CPU spins with interrupts off; see cpu/shootdown.cpp
[[noreturn, gnu::cold]] void panic_of_lock_order(LockRank rank);
void lock_beside_acquired(bool in_order);

// In every lock, so without a detour over a function or the address of the Cpu.
constexpr std::uint32_t rank_bit(LockRank rank) { return 1u << static_cast<unsigned>(rank); }
inline void lock_rank_acquired(LockRank rank)
{
    if (held_lock_ranks() >= rank_bit(rank)) [[unlikely]]
        panic_of_lock_order(rank);
    add_held_lock_rank(rank_bit(rank));
}
inline void lock_rank_released(LockRank rank) { drop_held_lock_rank(rank_bit(rank)); }

class CAPABILITY("spinlock") Spinlock {
public:
    explicit constexpr Spinlock(LockRank rank) : rank_(rank) {}
    Spinlock(const Spinlock&) = delete;
    Spinlock& operator=(const Spinlock&) = delete;

    void acquire() ACQUIRE()
    {
        lock_rank_acquired(rank_);
        while (locked_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
            while (locked_.load(std::memory_order_relaxed)) spin_wait_hook();
        }
    }
    void release() RELEASE()
    {
        const LockRank rank = rank_; // once it is free its next owner may end the life of what it lies in
        locked_.store(false, std::memory_order_release);
        lock_rank_released(rank);
    }
    // A second one of the same rank. Whoever takes two takes them in the order of their addresses, and gives the second
    // back first; that is as good as a rank.
    void acquire_beside(const Spinlock& held) ACQUIRE()
    {
        lock_beside_acquired(&held < this && held.rank_ == rank_);
        while (locked_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
            while (locked_.load(std::memory_order_relaxed)) spin_wait_hook();
        }
    }
    void release_beside() RELEASE() { locked_.store(false, std::memory_order_release); }
    bool is_locked() const { return locked_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> locked_ { false };
    LockRank rank_;
};

class SCOPED_CAPABILITY Guard {
public:
    explicit Guard(Spinlock& lock) ACQUIRE(lock) : lock_(lock) { lock_.acquire(); }
    ~Guard() RELEASE() { lock_.release(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    Spinlock& lock_;
};

} // namespace orrery::kernel
