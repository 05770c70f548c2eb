// A hostile peer: whatever it writes into the shared memory, an end stays inside its slots and says why it gave up.
// AddressSanitizer guards the bytes around the ring.
#include "host_ring.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace orrery::abi::test {
namespace {

constexpr std::uint32_t capacity = 8;
constexpr std::array<std::uint32_t, 4> starts { 0, 3, 0xffff'fff0, 0xffff'ffff };

using Producer = RingProducer<Sqe, CountingSystem>;
using Consumer = RingConsumer<Sqe, CountingSystem>;

struct Victims {
    explicit Victims(std::uint32_t start)
        : ring(sizeof(Sqe), capacity, start)
        , producer(Producer::attach(ring.memory(), ring.size(), capacity, CountingSystem { &wakes }).value())
        , consumer(Consumer::attach(ring.memory(), ring.size(), capacity, CountingSystem { &wakes }).value())
    {
    }
    unsigned wakes = 0;
    HostRing ring;
    Producer producer;
    Consumer consumer;
};

std::vector<std::uint32_t> interesting_distances()
{
    std::vector<std::uint32_t> distances;
    for (std::uint32_t near = 0; near < 24; ++near) {
        distances.push_back(near);
        distances.push_back(0u - near);
        distances.push_back(0x8000'0000u + near);
        distances.push_back(0x8000'0000u - near);
    }
    for (unsigned bit = 3; bit < 32; ++bit)
        distances.push_back(1u << bit);
    std::mt19937 random(3);
    for (unsigned i = 0; i < 200; ++i)
        distances.push_back(random());
    return distances;
}

TEST(HostilePeer, consumer_accepts_only_a_possible_producer_index)
{
    for (const std::uint32_t start : starts) {
        for (const std::uint32_t distance : interesting_distances()) {
            Victims victims(start);
            victims.ring.header().producer.index = start + distance;
            std::array<Sqe, 2 * capacity> entries {};
            Sqe entry {};
            if (distance == 0) {
                EXPECT_EQ(victims.consumer.pop(entry), RingResult::empty);
            } else if (distance <= capacity) {
                EXPECT_EQ(victims.consumer.pop(entry), RingResult::done);
                EXPECT_EQ(victims.consumer.pop_batch(entries).count, distance - 1);
            } else {
                EXPECT_EQ(victims.consumer.pop(entry), RingResult::broken) << distance;
                EXPECT_EQ(victims.consumer.broken_reason(), BrokenReason::index_out_of_range);
                EXPECT_EQ(victims.ring.header().consumer.index.load(), start) << "nothing was taken";
                EXPECT_EQ(victims.ring.header().consumer.broken.load(),
                    static_cast<std::uint32_t>(BrokenReason::index_out_of_range));
            }
            Victims batch(start);
            batch.ring.header().producer.index = start + distance;
            const RingBatch taken = batch.consumer.pop_batch(entries);
            EXPECT_EQ(taken.count, distance <= capacity ? distance : 0);
            EXPECT_EQ(taken.result == RingResult::broken, distance > capacity);
        }
    }
}

TEST(HostilePeer, producer_accepts_only_a_possible_consumer_index)
{
    for (const std::uint32_t start : starts) {
        for (const std::uint32_t distance : interesting_distances()) {
            Victims victims(start);
            for (std::uint32_t i = 0; i < capacity; ++i)
                ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
            victims.ring.header().consumer.index = start + distance;
            const RingResult result = victims.producer.push(Sqe {});
            if (distance == 0) {
                EXPECT_EQ(result, RingResult::full);
            } else if (distance <= capacity) {
                EXPECT_EQ(result, RingResult::done);
            } else {
                EXPECT_EQ(result, RingResult::broken) << distance;
                EXPECT_EQ(victims.producer.broken_reason(), BrokenReason::index_out_of_range);
                EXPECT_EQ(victims.ring.header().producer.index.load(), start + capacity);
            }
        }
    }
}

TEST(HostilePeer, may_not_go_backwards)
{
    for (const std::uint32_t start : starts) {
        std::array<Sqe, capacity> entries {};
        Victims victims(start);
        ASSERT_EQ(victims.producer.push_batch(std::span(entries).first(6)).count, 6u);
        ASSERT_EQ(victims.consumer.pop_batch(std::span(entries).first(2)).count, 2u);
        // Four entries are known to be there; the producer takes one back.
        victims.ring.header().producer.index = start + 5;
        EXPECT_EQ(victims.consumer.pop_batch(entries).result, RingResult::broken);
        Sqe entry {};
        EXPECT_EQ(victims.consumer.pop(entry), RingResult::broken) << "not even what was known to be there";

        Victims other(start);
        ASSERT_EQ(other.producer.push_batch(entries).count, capacity);
        ASSERT_EQ(other.consumer.pop_batch(std::span(entries).first(4)).count, 4u);
        ASSERT_EQ(other.producer.push(Sqe {}), RingResult::done);
        // Three slots are known to be free; the consumer takes one back.
        other.ring.header().consumer.index = start + 3;
        EXPECT_EQ(other.producer.push_batch(entries).result, RingResult::broken);
        EXPECT_EQ(other.producer.push(entry), RingResult::broken);
    }
}

TEST(HostilePeer, broken_is_final)
{
    Victims victims(0);
    ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    victims.ring.header().producer.index = 100;
    Sqe entry {};
    std::array<Sqe, 4> entries {};
    ASSERT_EQ(victims.consumer.pop(entry), RingResult::broken);
    for (const std::uint32_t repaired : { 1u, 0u, 8u, 100u }) {
        victims.ring.header().producer.index = repaired;
        victims.ring.header().consumer.broken = 0;
        EXPECT_EQ(victims.consumer.pop(entry), RingResult::broken);
        EXPECT_EQ(victims.consumer.pop_batch(entries).result, RingResult::broken);
        EXPECT_FALSE(victims.consumer.prepare_wait());
        EXPECT_EQ(victims.consumer.pop_wait(entry, 0, 5), Error::broken);
    }
    EXPECT_EQ(victims.ring.header().consumer.index.load(), 0u);
}

TEST(HostilePeer, giving_up_wakes_a_sleeping_peer)
{
    Victims victims(0);
    ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    victims.ring.header().producer.waiting = 1;
    victims.ring.header().producer.index = 100;
    Sqe entry {};
    ASSERT_EQ(victims.consumer.pop(entry), RingResult::broken);
    EXPECT_EQ(victims.wakes, 1u);
    EXPECT_EQ(victims.ring.header().producer.waiting.load(), 0u);
}

TEST(HostilePeer, header_changed_after_attach_changes_nothing)
{
    for (const std::uint32_t start : starts) {
        Victims victims(start);
        RingHeader& header = victims.ring.header();
        header.magic = 0;
        header.entry_size = 4096;
        header.capacity = 1u << 30;
        header.entries_offset = 0xffff'0000;
        header.number = 12345;
        Sqe out {};
        Sqe in {};
        for (std::uint32_t i = 0; i < 3 * capacity; ++i) {
            out.tag = i;
            ASSERT_EQ(victims.producer.push(out), RingResult::done);
            Sqe in_memory {};
            std::memcpy(&in_memory, victims.ring.entries() + ((start + i) % capacity) * sizeof(Sqe), sizeof(Sqe));
            EXPECT_EQ(in_memory.tag, i);
            ASSERT_EQ(victims.consumer.pop(in), RingResult::done);
            EXPECT_EQ(in.tag, i);
        }
        for (std::uint32_t i = 0; i < capacity; ++i)
            ASSERT_EQ(victims.producer.push(out), RingResult::done);
        EXPECT_EQ(victims.producer.push(out), RingResult::full) << "capacity is the one of attach";
    }
}

TEST(HostilePeer, own_line_in_shared_memory_is_not_believed)
{
    Victims victims(0);
    ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    victims.ring.header().producer.index = 0xdead'beef;
    victims.ring.header().producer.broken = 3;
    ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    EXPECT_EQ(victims.ring.header().producer.index.load(), 2u) << "the next publication repairs the word";
    EXPECT_EQ(victims.producer.index(), 2u);
    Sqe entry {};
    ASSERT_EQ(victims.consumer.pop(entry), RingResult::done);
    victims.ring.header().consumer.index = 0x1234'5678;
    ASSERT_EQ(victims.consumer.pop(entry), RingResult::done);
    EXPECT_EQ(victims.ring.header().consumer.index.load(), 2u);
}

TEST(HostilePeer, any_waiting_word_costs_one_wake_up)
{
    Victims victims(0);
    victims.ring.header().consumer.waiting = 0xffff'ffff;
    ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    EXPECT_EQ(victims.wakes, 1u);
    EXPECT_EQ(victims.ring.header().consumer.waiting.load(), 0u);
}

TEST(GonePeer, entries_are_drained_before_the_end_is_seen)
{
    Victims victims(0xffff'ffff);
    Sqe entry {};
    for (std::uint32_t i = 0; i < 3; ++i) {
        entry.tag = i;
        ASSERT_EQ(victims.producer.push(entry), RingResult::done);
    }
    close_side(victims.ring.header(), RingSide::consumer);
    for (std::uint32_t i = 0; i < 3; ++i) {
        ASSERT_EQ(victims.consumer.pop(entry), RingResult::done);
        EXPECT_EQ(entry.tag, i);
    }
    EXPECT_EQ(victims.consumer.pop(entry), RingResult::broken);
    EXPECT_EQ(victims.consumer.broken_reason(), BrokenReason::peer_closed);
    EXPECT_EQ(victims.consumer.pop_wait(entry, 0, 0), Error::peer_closed);
}

TEST(GonePeer, producer_learns_it_when_full)
{
    Victims victims(0);
    close_side(victims.ring.header(), RingSide::producer);
    for (std::uint32_t i = 0; i < capacity; ++i)
        ASSERT_EQ(victims.producer.push(Sqe {}), RingResult::done);
    EXPECT_EQ(victims.producer.push(Sqe {}), RingResult::broken);
    EXPECT_EQ(victims.producer.broken_reason(), BrokenReason::peer_closed);
    EXPECT_EQ(victims.producer.push_wait(Sqe {}, 0, 0), Error::peer_closed);
}

TEST(GonePeer, a_peer_that_gave_up_is_believed_at_the_end_of_its_entries)
{
    struct Case {
        std::uint32_t word;
        BrokenReason reason;
    };
    for (const Case& c : { Case { 1, BrokenReason::index_out_of_range }, Case { 2, BrokenReason::peer_closed },
             Case { 4, BrokenReason::false_wakes }, Case { 77, BrokenReason::peer_closed },
             Case { 0xffff'ffff, BrokenReason::peer_closed } }) {
        Victims victims(0);
        Sqe entry {};
        ASSERT_EQ(victims.producer.push(entry), RingResult::done);
        victims.ring.header().producer.broken = c.word;
        EXPECT_EQ(victims.consumer.pop(entry), RingResult::done);
        EXPECT_EQ(victims.consumer.pop(entry), RingResult::broken);
        EXPECT_EQ(victims.consumer.broken_reason(), c.reason);
    }
}

// Everything at once: a peer that writes random words everywhere in the shared page, between all operations.
TEST(HostilePeer, random_writes_never_lead_outside)
{
    std::mt19937 random(11);
    for (unsigned round = 0; round < 2'000; ++round) {
        Victims victims(random());
        auto* const words = static_cast<std::uint32_t*>(victims.ring.memory());
        std::array<Sqe, 2 * capacity> entries {};
        Sqe entry {};
        for (unsigned step = 0; step < 60; ++step) {
            // Near misses are as dangerous as noise.
            const std::uint32_t where = random() % (sizeof(RingHeader) / 4);
            words[where] = random() % 2 ? random() : words[where] + random() % 5 - 2;
            switch (random() % 6) {
            case 0: victims.producer.push(entry); break;
            case 1: victims.consumer.pop(entry); break;
            case 2: victims.producer.push_batch(std::span(entries).first(random() % entries.size())); break;
            case 3: victims.consumer.pop_batch(std::span(entries).first(random() % entries.size())); break;
            case 4: victims.producer.prepare_wait(); break;
            case 5: victims.consumer.prepare_wait(); break;
            }
        }
    }
}

} // namespace
} // namespace orrery::abi::test
