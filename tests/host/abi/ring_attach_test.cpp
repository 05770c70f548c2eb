// Attaching to memory that may hold anything: only a ring of the expected shape, all of it mapped, is accepted.
#include "host_ring.h"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace orrery::abi::test {
namespace {

constexpr std::uint32_t capacity = 8;

std::expected<RingAttachment, BrokenReason> attach(HostRing& ring)
{
    return attach_ring(ring.memory(), ring.size(), sizeof(Sqe), capacity);
}

TEST(RingAttach, accepts_a_sound_ring)
{
    HostRing ring(sizeof(Sqe), capacity, 0xffff'fff0);
    const auto attached = attach(ring);
    ASSERT_TRUE(attached);
    EXPECT_EQ(attached->capacity, capacity);
    EXPECT_EQ(attached->number, 7u);
    EXPECT_EQ(attached->producer_index, 0xffff'fff0u);
    EXPECT_EQ(attached->consumer_index, 0xffff'fff0u);
    EXPECT_TRUE(attach_ring(ring.memory(), ring.size(), sizeof(Sqe), 0)) << "0 accepts any capacity";
}

TEST(RingAttach, takes_over_a_ring_in_use)
{
    HostRing ring(sizeof(Sqe), capacity, 0xffff'fffe);
    ring.header().producer.index = 0xffff'fffe + capacity;
    ASSERT_TRUE(attach(ring)) << "full is sound";
    ring.header().producer.index = 0xffff'fffe + capacity + 1;
    EXPECT_EQ(attach(ring).error(), BrokenReason::index_out_of_range);
    ring.header().producer.index = 0xffff'fffd;
    EXPECT_EQ(attach(ring).error(), BrokenReason::index_out_of_range) << "the consumer is ahead of the producer";
}

TEST(RingAttach, refuses_every_wrong_field)
{
    const std::vector<std::pair<const char*, std::function<void(RingHeader&)>>> garbage {
        { "magic 0", [](RingHeader& h) { h.magic = 0; } },
        { "magic", [](RingHeader& h) { h.magic ^= 0x100; } },
        { "entry size 0", [](RingHeader& h) { h.entry_size = 0; } },
        { "entry size", [](RingHeader& h) { h.entry_size = sizeof(Sqe) / 2; } },
        { "huge entry size", [](RingHeader& h) { h.entry_size = 0xffff'ffff; } },
        { "capacity 0", [](RingHeader& h) { h.capacity = 0; } },
        { "capacity 7", [](RingHeader& h) { h.capacity = 7; } },
        { "capacity 6, not a power of two", [](RingHeader& h) { h.capacity = 6; } },
        { "other capacity", [](RingHeader& h) { h.capacity = capacity / 2; } },
        { "capacity beyond the mapping", [](RingHeader& h) { h.capacity = capacity * 2; } },
        { "capacity beyond the limit", [](RingHeader& h) { h.capacity = ring_max_capacity * 2; } },
        { "capacity 2^31", [](RingHeader& h) { h.capacity = 1u << 31; } },
        { "capacity -1", [](RingHeader& h) { h.capacity = 0xffff'ffff; } },
        { "offset 0", [](RingHeader& h) { h.entries_offset = 0; } },
        { "offset inside the header", [](RingHeader& h) { h.entries_offset = 64; } },
        { "offset not aligned", [](RingHeader& h) { h.entries_offset += 1; } },
        { "offset beyond the mapping", [](RingHeader& h) { h.entries_offset = 0xffff'f000; } },
    };
    for (const auto& [what, spoil] : garbage) {
        for (const std::uint32_t expected_capacity : { capacity, 0u }) {
            HostRing ring(sizeof(Sqe), capacity);
            spoil(ring.header());
            const auto attached = attach_ring(ring.memory(), ring.size(), sizeof(Sqe), expected_capacity);
            if (expected_capacity == 0 && std::string_view(what) == "other capacity") {
                EXPECT_TRUE(attached) << "a smaller ring in the same memory is sound if any capacity will do";
                continue;
            }
            ASSERT_FALSE(attached) << what;
            EXPECT_EQ(attached.error(), BrokenReason::bad_header) << what;
        }
    }
}

TEST(RingAttach, refuses_a_mapping_that_is_too_small_or_skewed)
{
    HostRing ring(sizeof(Sqe), capacity);
    for (const std::size_t size : { std::size_t { 0 }, std::size_t { 1 }, sizeof(RingHeader) - 1, sizeof(RingHeader),
             std::size_t { ring_entries_offset }, ring.size() - 1 })
        EXPECT_FALSE(attach_ring(ring.memory(), size, sizeof(Sqe), capacity)) << size;
    EXPECT_FALSE(attach_ring(nullptr, ring.size(), sizeof(Sqe), capacity));
    EXPECT_FALSE(attach_ring(static_cast<std::byte*>(ring.memory()) + 4, ring.size() - 4, sizeof(Sqe), capacity));
}

// 2^20 entries of 4096 bytes are 2^32 bytes: a 32-bit product would be 0 and fit everywhere.
TEST(RingAttach, sizes_do_not_overflow)
{
    HostRing ring(ring_max_entry_size, 1);
    ring.header().capacity = 1u << 20;
    EXPECT_FALSE(attach_ring(ring.memory(), ring.size(), ring_max_entry_size, 0));
    ring.header().capacity = ring_max_capacity;
    EXPECT_FALSE(attach_ring(ring.memory(), ring.size(), ring_max_entry_size, 0));
    ring.header().capacity = ring_max_capacity;
    ring.header().entry_size = 1u << 17;
    EXPECT_FALSE(attach_ring(ring.memory(), ring.size(), 1u << 17, 0));
}

TEST(RingAttach, refuses_more_entries_than_a_ring_may_have)
{
    HostRing largest(sizeof(std::uint64_t), ring_max_capacity);
    EXPECT_TRUE(attach_ring(largest.memory(), largest.size(), sizeof(std::uint64_t), 0));
    HostRing larger(sizeof(std::uint64_t), 2 * ring_max_capacity);
    EXPECT_FALSE(attach_ring(larger.memory(), larger.size(), sizeof(std::uint64_t), 0));
}

TEST(RingAttach, survives_random_garbage)
{
    std::mt19937 random(1);
    HostRing ring(sizeof(Sqe), capacity);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 50'000; ++round) {
        std::array<std::uint32_t, 6> words {};
        for (std::uint32_t& word : words)
            word = random();
        // Half of the fields right, so that each check is reached.
        if (random() % 2) words[0] = ring_magic;
        if (random() % 2) words[1] = sizeof(Sqe);
        if (random() % 2) words[2] = 1u << random() % 32;
        if (random() % 2) words[3] = ring_entries_offset;
        std::memcpy(static_cast<void*>(&ring.header()), words.data(), sizeof words);
        ring.header().producer.index = random() % 2 ? random() : random() % 16;
        ring.header().consumer.index = random() % 2 ? random() : random() % 16;
        const auto attached = attach_ring(ring.memory(), ring.size(), sizeof(Sqe), 0);
        if (attached) {
            ++accepted;
            EXPECT_LE(attached->capacity, capacity);
            EXPECT_LE(attached->producer_index - attached->consumer_index, attached->capacity);
        }
    }
    EXPECT_GT(accepted, 10u);
}

} // namespace
} // namespace orrery::abi::test
