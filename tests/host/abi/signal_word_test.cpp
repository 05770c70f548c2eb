// SignalWord by one thread: halves do not disturb each other, and every operation returns the word as it was.
#include "abi/signal.h"

#include <gtest/gtest.h>
#include <random>

namespace orrery::abi::test {
namespace {

TEST(SignalWord, halves)
{
    SignalWord word;
    word.initialize(0x0000'0005, 0xffff'fff0);
    EXPECT_EQ(word.pending(), 5u);
    EXPECT_EQ(word.allowset(), 0xffff'fff0u);
    EXPECT_EQ(SignalWord::deliverable_of(word.load()), 0u);
    EXPECT_EQ(SignalWord::deliverable_of(0xff00'0000'0f00'0000), 0x0f00'0000u);
}

TEST(SignalWord, raise_merges_and_tells_what_was)
{
    SignalWord word;
    word.initialize(0, 2);
    EXPECT_EQ(word.raise(2), 0x2'0000'0000u) << "not pending before, and allowed";
    EXPECT_EQ(word.raise(2), 0x2'0000'0002u) << "pending before: merged";
    EXPECT_EQ(word.clear(2), 0x2'0000'0002u);
    EXPECT_EQ(word.pending(), 0u);
    EXPECT_EQ(word.allowset(), 2u);
}

TEST(SignalWord, mask_change_returns_the_pending_set_of_that_instant)
{
    std::mt19937 random(1);
    for (unsigned i = 0; i < 100'000; ++i) {
        // Corners as often as noise: all, none, top and bottom bit.
        const auto pick = [&]() -> std::uint32_t {
            const std::uint32_t corners[] { 0, ~0u, 1u << 31, 1 };
            return random() % 2 ? static_cast<std::uint32_t>(random()) : corners[random() % 4];
        };
        const std::uint32_t pending = pick();
        const std::uint32_t from = pick();
        const std::uint32_t to = pick();
        SignalWord word;
        word.initialize(pending, from);
        ASSERT_EQ(word.change_allowset(from, to), std::uint64_t { from } << 32 | pending);
        ASSERT_EQ(word.pending(), pending) << from << " to " << to;
        ASSERT_EQ(word.allowset(), to);
    }
}

TEST(SignalNumbers, group_and_bit)
{
    for (int number = 1; number <= signal_count; ++number) {
        EXPECT_TRUE(is_signal(static_cast<std::uint64_t>(number)));
        EXPECT_EQ(signal_group(number), number <= 32 ? 0u : 1u);
        const std::uint64_t whole = std::uint64_t { signal_bit(number) } << (signal_group(number) * 32);
        EXPECT_EQ(whole, signal_mask64(number));
        EXPECT_EQ(whole, std::uint64_t { 1 } << (number - 1));
    }
    EXPECT_FALSE(is_signal(0));
    EXPECT_FALSE(is_signal(65));
    EXPECT_FALSE(is_signal(~std::uint64_t { 0 }));
}

} // namespace
} // namespace orrery::abi::test
