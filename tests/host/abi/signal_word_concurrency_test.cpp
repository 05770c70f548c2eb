// Invariants S1 and S3 under concurrency: raisers and an owner that changes its mask lose no signal and never see half
// a change. Also built with ThreadSanitizer.
#include "abi/signal.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <vector>

namespace orrery::abi::test {
namespace {

using BitCounts = std::array<std::uint64_t, 32>;

void count_bits(BitCounts& counts, std::uint32_t bits)
{
    for (unsigned bit = 0; bit < 32; ++bit)
        counts[bit] += bits >> bit & 1;
}

// An allowset that vouches for itself: a carry or a torn half shows.
std::uint32_t sound_allowset(std::uint32_t value) { return (value & 0xffff) << 16 | (~value & 0xffff); }
bool is_sound(std::uint32_t allowset) { return (allowset >> 16 ^ 0xffff) == (allowset & 0xffff); }

// Waits for the other thread without a kernel in between, so that both start a round within nanoseconds.
void await(const std::atomic<std::uint32_t>& word, std::uint32_t value)
{
    for (unsigned looks = 0; word.load(std::memory_order_acquire) != value; ++looks)
        if (looks % 1024 == 1023) std::this_thread::yield();
}

TEST(SignalWordConcurrency, every_raise_is_taken_once)
{
    constexpr unsigned raisers = 2;
#if __has_feature(thread_sanitizer)
    constexpr unsigned raises = 200'000;
#else
    constexpr unsigned raises = 3'000'000;
#endif
    SignalWord word;
    word.initialize(0, sound_allowset(0));
    std::array<BitCounts, raisers> fresh {};
    std::atomic<unsigned> running { raisers };
    std::vector<std::jthread> threads;
    for (unsigned self = 0; self < raisers; ++self)
        threads.emplace_back([&, self] {
            std::mt19937 random(self);
            for (unsigned i = 0; i < raises; ++i) {
                const std::uint32_t bits = 1u << random() % 32 | 1u << random() % 32;
                const std::uint64_t before = word.raise(bits);
                ASSERT_TRUE(is_sound(SignalWord::allowset_of(before))) << "half a mask change was seen";
                count_bits(fresh[self], bits & ~SignalWord::pending_of(before));
            }
            running.fetch_sub(1);
        });

    BitCounts taken {};
    std::mt19937 random(99);
    std::uint32_t allowset = sound_allowset(0);
    while (running.load() != 0) {
        const std::uint32_t next = sound_allowset(random());
        const std::uint64_t before = word.change_allowset(allowset, next);
        ASSERT_EQ(SignalWord::allowset_of(before), allowset) << "only the owner changes it (S1)";
        allowset = next;
        const std::uint32_t deliverable = SignalWord::pending_of(before) & allowset;
        const std::uint64_t at_clear = word.clear(deliverable);
        ASSERT_EQ(SignalWord::pending_of(at_clear) & deliverable, deliverable)
            << "pending stays until the owner takes it";
        count_bits(taken, deliverable);
    }
    threads.clear();
    count_bits(taken, word.pending());
    EXPECT_EQ(word.allowset(), allowset);
    for (unsigned bit = 0; bit < 32; ++bit)
        EXPECT_EQ(taken[bit], fresh[0][bit] + fresh[1][bit]) << "bit " << bit;
}

// One raise against one unblocking: whichever is second sees the first. `raise` and `unblock` return whether the side
// noticed that the signal can be delivered; at least one of the two must.
template <typename Reset, typename Raise, typename Unblock>
std::uint32_t rounds_that_nobody_noticed(Reset reset, Raise raise, Unblock unblock)
{
#if __has_feature(thread_sanitizer)
    constexpr std::uint32_t rounds = 20'000; // weak memory is the plain build's business
#else
    constexpr std::uint32_t rounds = 200'000;
#endif
    constexpr std::uint32_t signal_travel = 600; // cycles, more than `start` takes to the other processor
    std::atomic<std::uint32_t> start { 0 };
    std::atomic<std::uint32_t> finished { 0 };
    bool raiser_noticed = false; // handed over by `finished`
    const std::jthread raiser([&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            await(start, round);
            raiser_noticed = raise();
            finished.store(round, std::memory_order_release);
        }
    });
    std::uint32_t lost = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        reset();
        start.store(round, std::memory_order_release);
        for (std::uint32_t delay = 0; delay < round % signal_travel; ++delay)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        const bool owner_noticed = unblock();
        await(finished, round);
        lost += !owner_noticed && !raiser_noticed;
    }
    return lost;
}

constexpr std::uint32_t bit = 1u << 9;

TEST(SignalWordConcurrency, thread_directed_raise_or_unblock_notices)
{
    SignalWord word;
    EXPECT_EQ(rounds_that_nobody_noticed([&] { word.initialize(0, 0); },
                  [&] { return (SignalWord::allowset_of(word.raise(bit)) & bit) != 0; },
                  [&] { return (SignalWord::pending_of(word.change_allowset(0, bit)) & bit) != 0; }),
        0u);
}

// Two words: the process's pending and the thread's allowset (Dekker's pattern).
TEST(SignalWordConcurrency, process_directed_raise_or_unblock_notices)
{
    ProcessControl process {};
    SignalWord word;
    EXPECT_EQ(rounds_that_nobody_noticed(
                  [&] {
                      process.pending.store(0);
                      word.initialize(0, 0);
                  },
                  [&] {
                      process.pending.fetch_or(bit);
                      return (word.allowset() & bit) != 0;
                  },
                  [&] {
                      word.change_allowset(0, bit);
                      return (process.pending.load() & bit) != 0;
                  }),
        0u);
}

} // namespace
} // namespace orrery::abi::test
