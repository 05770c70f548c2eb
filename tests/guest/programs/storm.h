// The storm: processes whose threads make random system calls together, on handles and buffers that they share and that one of
// them takes away all the time. What supervisor and storm agree on.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/syscall.h"

namespace orrery::storm {

inline constexpr unsigned callers = 4;
inline constexpr unsigned threads_in_all = callers + 2; // and one that takes memory away, and one that answers calls

// In memory that the supervisor gives to each storm. A storm can spoil it like everything that it has: these are figures for
// people, no verdict depends on them.
struct Figures {
    std::atomic<std::uint64_t> made[static_cast<std::size_t>(abi::Syscall::count)];
    std::atomic<std::uint64_t> refused[static_cast<std::size_t>(abi::Syscall::count)];
    std::atomic<std::uint64_t> changes; // of the memory that the callers name
    std::atomic<std::uint64_t> broken_promises; // registers that were not kept, results that are no known error
};

// xorshift64*, Vigna 2016: each thread has its own.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e37'79b9'7f4a'7c15 + 1) {}
    std::uint64_t operator()()
    {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545'f491'4f6c'dd1d;
    }
    std::uint64_t below(std::uint64_t limit) { return (*this)() % limit; }
    bool one_in(std::uint64_t count) { return below(count) == 0; }

private:
    std::uint64_t state_;
};

// A process that storms until it is killed, or kills itself.
[[noreturn]] void rage(std::uint64_t seed);

} // namespace orrery::storm
