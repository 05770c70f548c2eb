// Push and pop by one thread: order, full, empty, batches, wrap-around, wake-ups and traces, against a plain queue.
#include "host_ring.h"

#include <array>
#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <tuple>
#include <vector>

namespace orrery::abi::test {
namespace {

using Producer = RingProducer<Sqe, CountingSystem>;
using Consumer = RingConsumer<Sqe, CountingSystem>;

Sqe entry_of(std::uint32_t number)
{
    Sqe entry {};
    entry.opcode = static_cast<std::uint8_t>(number);
    entry.tag = number;
    for (unsigned i = 0; i < 6; ++i)
        entry.arguments[i] = (std::uint64_t { number } << 8) + i;
    entry.caller = ~std::uint64_t { number };
    return entry;
}

void expect_entry(const Sqe& entry, std::uint32_t number)
{
    const Sqe expected = entry_of(number);
    EXPECT_EQ(std::memcmp(&entry, &expected, sizeof(Sqe)), 0) << "got tag " << entry.tag << ", want " << number;
}

struct Pair {
    Pair(std::uint32_t capacity, std::uint32_t start)
        : ring(sizeof(Sqe), capacity, start)
        , producer(Producer::attach(ring.memory(), ring.size(), capacity, CountingSystem { &consumer_woken }).value())
        , consumer(Consumer::attach(ring.memory(), ring.size(), capacity, CountingSystem { &producer_woken }).value())
    {
    }
    unsigned consumer_woken = 0;
    unsigned producer_woken = 0;
    HostRing ring;
    Producer producer;
    Consumer consumer;
};

// Every test runs from several start indices, with the wrap-around in reach.
class RingQueue : public testing::TestWithParam<std::uint32_t> { };
INSTANTIATE_TEST_SUITE_P(StartIndex, RingQueue,
    testing::Values(0u, 5u, 0x7fff'fffdu, 0x7fff'ffffu, 0x8000'0000u, 0xffff'fff0u, 0xffff'fffbu, 0xffff'ffffu));

TEST_P(RingQueue, holds_exactly_its_capacity)
{
    for (const std::uint32_t capacity : { 1u, 2u, 8u, 64u }) {
        Pair pair(capacity, GetParam());
        Sqe entry {};
        EXPECT_EQ(pair.consumer.pop(entry), RingResult::empty);
        for (std::uint32_t i = 0; i < capacity; ++i)
            ASSERT_EQ(pair.producer.push(entry_of(i)), RingResult::done);
        EXPECT_EQ(pair.producer.push(entry_of(99)), RingResult::full);
        EXPECT_EQ(pair.producer.index(), GetParam() + capacity);
        for (std::uint32_t i = 0; i < capacity; ++i) {
            ASSERT_EQ(pair.consumer.pop(entry), RingResult::done);
            expect_entry(entry, i);
        }
        EXPECT_EQ(pair.consumer.pop(entry), RingResult::empty);
        EXPECT_EQ(pair.ring.header().consumer.index.load(), GetParam() + capacity);
        EXPECT_EQ(pair.producer.broken_reason(), BrokenReason::none);
    }
}

TEST_P(RingQueue, slot_is_index_modulo_capacity)
{
    Pair pair(8, GetParam());
    for (std::uint32_t i = 0; i < 40; ++i) {
        const std::uint32_t index = pair.producer.index();
        ASSERT_EQ(pair.producer.push(entry_of(i)), RingResult::done);
        Sqe in_memory {};
        std::memcpy(&in_memory, pair.ring.entries() + (index % 8) * sizeof(Sqe), sizeof(Sqe));
        expect_entry(in_memory, i);
        Sqe entry {};
        ASSERT_EQ(pair.consumer.pop(entry), RingResult::done);
    }
}

TEST_P(RingQueue, batches_take_what_fits_in_one_publication)
{
    Pair pair(8, GetParam());
    std::vector<Sqe> out;
    for (std::uint32_t i = 0; i < 12; ++i)
        out.push_back(entry_of(i));
    RingBatch batch = pair.producer.push_batch(out);
    EXPECT_EQ(batch.result, RingResult::done);
    EXPECT_EQ(batch.count, 8u);
    batch = pair.producer.push_batch(out);
    EXPECT_EQ(batch.result, RingResult::full);
    EXPECT_EQ(batch.count, 0u);
    std::array<Sqe, 5> in {};
    EXPECT_EQ(pair.consumer.pop_batch(in).count, 5u);
    expect_entry(in[4], 4);
    // Three entries are known to be left; a batch larger than that looks again and finds those pushed since.
    EXPECT_EQ(pair.producer.push_batch(std::span(out).first(2)).count, 2u);
    EXPECT_EQ(pair.consumer.pop_batch(in).count, 5u);
    expect_entry(in[2], 7);
    expect_entry(in[4], 1);
    batch = pair.consumer.pop_batch(in);
    EXPECT_EQ(batch.result, RingResult::empty);
    EXPECT_EQ(batch.count, 0u);
    EXPECT_EQ(pair.consumer.pop_batch({}).count, 0u);
}

TEST_P(RingQueue, behaves_like_a_plain_queue)
{
    std::mt19937 random(GetParam() + 1);
    for (const std::uint32_t capacity : { 1u, 4u, 16u }) {
        Pair pair(capacity, GetParam());
        std::deque<std::uint32_t> model;
        std::uint32_t next = 0;
        for (unsigned step = 0; step < 20'000; ++step) {
            const std::uint32_t amount = random() % (2 * capacity);
            switch (random() % 4) {
            case 0: {
                const RingResult result = pair.producer.push(entry_of(next));
                ASSERT_EQ(result, model.size() < capacity ? RingResult::done : RingResult::full);
                if (result == RingResult::done) model.push_back(next++);
                break;
            }
            case 1: {
                Sqe entry {};
                const RingResult result = pair.consumer.pop(entry);
                ASSERT_EQ(result, model.empty() ? RingResult::empty : RingResult::done);
                if (result == RingResult::done) {
                    expect_entry(entry, model.front());
                    model.pop_front();
                }
                break;
            }
            case 2: {
                std::vector<Sqe> entries;
                for (std::uint32_t i = 0; i < amount; ++i)
                    entries.push_back(entry_of(next + i));
                const RingBatch batch = pair.producer.push_batch(entries);
                ASSERT_EQ(batch.count, std::min<std::size_t>(amount, capacity - model.size()));
                for (std::uint32_t i = 0; i < batch.count; ++i)
                    model.push_back(next++);
                break;
            }
            case 3: {
                std::vector<Sqe> entries(amount);
                const RingBatch batch = pair.consumer.pop_batch(entries);
                ASSERT_EQ(batch.count, std::min<std::size_t>(amount, model.size()));
                for (std::uint32_t i = 0; i < batch.count; ++i) {
                    expect_entry(entries[i], model.front());
                    model.pop_front();
                }
                break;
            }
            }
        }
        EXPECT_GT(next, 3'000u);
    }
}

TEST(RingEntries, of_any_size_keep_their_bytes)
{
    struct Odd {
        std::uint8_t bytes[13];
    };
    HostRing ring(sizeof(Odd), 4, 0xffff'fffe);
    unsigned wakes = 0;
    auto producer = RingProducer<Odd, CountingSystem>::attach(ring.memory(), ring.size(), 0, { &wakes }).value();
    auto consumer = RingConsumer<Odd, CountingSystem>::attach(ring.memory(), ring.size(), 0, { &wakes }).value();
    for (std::uint8_t i = 0; i < 50; ++i) {
        Odd out {};
        std::memset(out.bytes, i, sizeof out.bytes);
        ASSERT_EQ(producer.push(out), RingResult::done);
        Odd in {};
        ASSERT_EQ(consumer.pop(in), RingResult::done);
        ASSERT_EQ(std::memcmp(in.bytes, out.bytes, sizeof in.bytes), 0);
    }
}

TEST(RingWake, only_a_sleeper_costs_a_wake_up)
{
    Pair pair(4, 0);
    Sqe entry {};
    ASSERT_EQ(pair.producer.push(entry_of(0)), RingResult::done);
    ASSERT_EQ(pair.consumer.pop(entry), RingResult::done);
    EXPECT_EQ(pair.consumer_woken, 0u);

    ASSERT_TRUE(pair.consumer.prepare_wait());
    EXPECT_EQ(pair.ring.header().consumer.waiting.load(), 1u);
    ASSERT_EQ(pair.producer.push(entry_of(1)), RingResult::done);
    EXPECT_EQ(pair.consumer_woken, 1u);
    EXPECT_EQ(pair.ring.header().consumer.waiting.load(), 0u) << "whoever wakes clears the word";
    EXPECT_EQ(pair.ring.header().producer.wakes.load(), 1u);
    ASSERT_EQ(pair.producer.push(entry_of(2)), RingResult::done);
    EXPECT_EQ(pair.consumer_woken, 1u) << "the second entry finds it awake";
    pair.consumer.cancel_wait();

    // A batch wakes once.
    while (pair.consumer.pop(entry) == RingResult::done) { }
    ASSERT_TRUE(pair.consumer.prepare_wait());
    const std::array<Sqe, 3> three {};
    ASSERT_EQ(pair.producer.push_batch(three).count, 3u);
    EXPECT_EQ(pair.consumer_woken, 2u);

    // And the other way round: a full ring.
    ASSERT_EQ(pair.producer.push(entry_of(9)), RingResult::done);
    ASSERT_TRUE(pair.producer.prepare_wait());
    EXPECT_EQ(pair.ring.header().producer.waiting.load(), 1u);
    ASSERT_EQ(pair.consumer.pop(entry), RingResult::done);
    EXPECT_EQ(pair.producer_woken, 1u);
    EXPECT_EQ(pair.ring.header().consumer.wakes.load(), 1u);
    pair.producer.cancel_wait();
    ASSERT_EQ(pair.producer.push(entry_of(10)), RingResult::done);
    ASSERT_TRUE(pair.producer.prepare_wait());
    std::array<Sqe, 4> four {};
    ASSERT_EQ(pair.consumer.pop_batch(four).count, 4u);
    EXPECT_EQ(pair.producer_woken, 2u);
}

TEST(RingWake, prepare_wait_withdraws_when_there_is_something_to_do)
{
    Pair pair(2, 0xffff'ffff);
    ASSERT_EQ(pair.producer.push(entry_of(0)), RingResult::done);
    EXPECT_FALSE(pair.consumer.prepare_wait());
    EXPECT_EQ(pair.ring.header().consumer.waiting.load(), 0u);
    EXPECT_FALSE(pair.producer.prepare_wait());
    EXPECT_EQ(pair.ring.header().producer.waiting.load(), 0u);
}

using Event = std::tuple<char, std::uint32_t, std::uint32_t, std::uint64_t>;
std::vector<Event> events;
struct RecordingTrace {
    static void pushed(std::uint32_t ring, std::uint32_t index, std::uint64_t tag)
    {
        events.emplace_back('+', ring, index, tag);
    }
    static void popped(std::uint32_t ring, std::uint32_t index, std::uint64_t tag)
    {
        events.emplace_back('-', ring, index, tag);
    }
    static void broken(std::uint32_t ring, BrokenReason reason, RingSide side)
    {
        events.emplace_back('!', ring, static_cast<std::uint32_t>(reason), static_cast<std::uint64_t>(side));
    }
};

TEST(RingTrace, tells_ring_index_and_tag)
{
    events.clear();
    HostRing ring(sizeof(Sqe), 4, 0xffff'ffff);
    unsigned wakes = 0;
    auto producer =
        RingProducer<Sqe, CountingSystem, RecordingTrace>::attach(ring.memory(), ring.size(), 0, { &wakes }).value();
    auto consumer =
        RingConsumer<Sqe, CountingSystem, RecordingTrace>::attach(ring.memory(), ring.size(), 0, { &wakes }).value();
    Sqe entry {};
    producer.push(entry_of(40));
    const std::array<Sqe, 2> two { entry_of(41), entry_of(42) };
    producer.push_batch(two);
    consumer.pop(entry);
    std::array<Sqe, 4> four {};
    consumer.pop_batch(four);
    ring.header().producer.index = 1234;
    EXPECT_EQ(consumer.pop(entry), RingResult::broken);
    const std::vector<Event> expected { { '+', 7, 0xffff'ffff, 40 }, { '+', 7, 0, 41 }, { '+', 7, 1, 42 },
        { '-', 7, 0xffff'ffff, 40 }, { '-', 7, 0, 41 }, { '-', 7, 1, 42 },
        { '!', 7, static_cast<std::uint32_t>(BrokenReason::index_out_of_range), 1 } };
    EXPECT_EQ(events, expected);
}

} // namespace
} // namespace orrery::abi::test
