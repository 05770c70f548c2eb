// How a guest benchmark counts: time stamps around one operation, the median of many, less the cost of the time stamps
// themselves. Under -icount shift=0 a tick is an instruction, and the figure is the same in every run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace orrery::bench {

inline std::uint64_t ticks()
{
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    // The memory clobber keeps the operation between its two time stamps.
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t { high } << 32 | low;
}

// Ticks of one call of `operation`: the median of 101, after 16 that warm up (first touches, lazy allocation).
template <typename Operation>
std::uint64_t median_ticks(Operation operation)
{
    constexpr int warm_up = 16;
    std::array<std::uint64_t, 101> samples {};
    // One copy of the operation for warming up and measuring, not one a round.
#pragma clang loop unroll(disable)
    for (int i = 0; i < warm_up; ++i)
        operation();
    for (auto& sample : samples) {
        const std::uint64_t start = ticks();
        operation();
        sample = ticks() - start;
    }
    const auto middle = samples.begin() + samples.size() / 2;
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

// Goes behind the parameters of an operation's lambda: what is measured is the operation, without a call around it.
#define ORRERY_MEASURED __attribute__((always_inline))

// Measures and prints one line, "<name> <median ticks>".
template <typename Operation>
void measure(const char* name, Operation operation)
{
    const std::uint64_t empty = median_ticks([] {});
    const std::uint64_t whole = median_ticks(operation);
    std::printf("%s %llu\n", name, static_cast<unsigned long long>(whole > empty ? whole - empty : 0));
}

// Ends the program if the operation did not do what its name says: a figure for something else is worse than none.
inline void require(bool condition, const char* sentence)
{
    if (condition)
        return;
    std::printf("bench: %s\n", sentence);
    std::fflush(stdout);
    __builtin_trap();
}

} // namespace orrery::bench
