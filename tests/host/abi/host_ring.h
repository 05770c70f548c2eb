// A ring in this process's memory, made as the kernel makes it, and ring_wait and ring_wake on a Linux futex.
#pragma once

#include "abi/ring_queue.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <new>
#include <sys/syscall.h>
#include <unistd.h>

namespace orrery::abi::test {

// The ring's memory has exactly the size that is needed, so that AddressSanitizer sees one byte beyond it.
class HostRing {
public:
    HostRing(std::uint32_t entry_size, std::uint32_t capacity, std::uint32_t start_index = 0)
        : size_(ring_entries_offset + std::size_t { entry_size } * capacity)
        , memory_(std::aligned_alloc(64, (size_ + 63) / 64 * 64))
    {
        std::memset(memory_, 0, (size_ + 63) / 64 * 64);
        header_ = new (memory_) RingHeader {};
        header_->magic = ring_magic;
        header_->entry_size = entry_size;
        header_->capacity = capacity;
        header_->entries_offset = ring_entries_offset;
        header_->number = 7;
        header_->producer.index = start_index;
        header_->consumer.index = start_index;
    }
    ~HostRing() { std::free(memory_); }
    HostRing(const HostRing&) = delete;
    HostRing& operator=(const HostRing&) = delete;

    void* memory() { return memory_; }
    std::size_t size() const { return size_; }
    RingHeader& header() { return *header_; }
    std::byte* entries() { return static_cast<std::byte*>(memory_) + ring_entries_offset; }

private:
    std::size_t size_;
    void* memory_;
    RingHeader* header_;
};

inline std::uint64_t monotonic_now()
{
    timespec now {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}
inline std::uint64_t seconds_from_now(unsigned seconds) { return monotonic_now() + seconds * 1'000'000'000ull; }

// ring_wait and ring_wake as the kernel does them: test and sleep are one step with respect to a wake-up.
class FutexSystem {
public:
    explicit FutexSystem(RingHeader* header)
        : header_(header)
    {
    }

    void wake(RingSide sleeper)
    {
        syscall(SYS_futex, &word(sleeper), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
    }

    Error wait(RingSide self, std::uint64_t deadline)
    {
        const std::uint32_t waiting = word(self).load();
        if (header_->kernel_broken.load() != 0) return Error::peer_closed;
        if (waiting == 0) return Error::would_block;
        timespec until { static_cast<time_t>(deadline / 1'000'000'000), static_cast<long>(deadline % 1'000'000'000) };
        (self == RingSide::producer ? header_->producer : header_->consumer).sleeps.fetch_add(1);
        const long ended = syscall(SYS_futex, &word(self), FUTEX_WAIT_BITSET_PRIVATE, waiting,
            deadline == no_deadline_here ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (ended == 0) return Error::none;
        return errno == ETIMEDOUT ? Error::timed_out : errno == EINTR ? Error::interrupted : Error::would_block;
    }

    static constexpr std::uint64_t no_deadline_here = ~std::uint64_t { 0 };

private:
    std::atomic<std::uint32_t>& word(RingSide side)
    {
        return side == RingSide::producer ? header_->producer.waiting : header_->consumer.waiting;
    }
    RingHeader* header_;
};

// What the kernel does when a side's last handle is gone.
inline void close_side(RingHeader& header, RingSide survivor)
{
    header.kernel_broken.store(static_cast<std::uint32_t>(BrokenReason::peer_closed));
    (survivor == RingSide::producer ? header.producer : header.consumer).waiting.store(0);
    FutexSystem(&header).wake(survivor);
}

// A system that must not be needed, or that only counts.
struct CountingSystem {
    unsigned* wakes;
    void wake(RingSide) { ++*wakes; }
    Error wait(RingSide, std::uint64_t) { return Error::unsupported; }
};

} // namespace orrery::abi::test
