// Both ends at once, on threads, with real sleeping: order, content, and no lost wake-up. Also built with
// ThreadSanitizer. A lost wake-up shows as a wait that runs into its (generous) deadline.
#include "host_ring.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <span>
#include <thread>

namespace orrery::abi::test {
namespace {

using Producer = RingProducer<Sqe, FutexSystem>;
using Consumer = RingConsumer<Sqe, FutexSystem>;

// ThreadSanitizer looks for data races, which need no millions of rounds; weak memory is the plain build's business.
#if __has_feature(thread_sanitizer)
constexpr bool thread_sanitizer = true;
#else
constexpr bool thread_sanitizer = false;
#endif

constexpr unsigned patience = 60; // seconds until a wake-up counts as lost

Sqe entry_of(std::uint32_t number)
{
    Sqe entry {};
    entry.tag = number;
    for (unsigned i = 0; i < 6; ++i)
        entry.arguments[i] = std::uint64_t { number } * (2 * i + 3);
    entry.caller = ~std::uint64_t { number };
    return entry;
}

bool is_entry(const Sqe& entry, std::uint32_t number)
{
    const Sqe expected = entry_of(number);
    return std::memcmp(&entry, &expected, sizeof entry) == 0;
}

// Sends `total` numbered entries; singles and batches mixed by `random`.
void produce(Producer& producer, std::uint32_t total, unsigned spins, std::mt19937 random)
{
    std::array<Sqe, 20> batch {};
    for (std::uint32_t sent = 0; sent < total;) {
        if (random() % 2) {
            ASSERT_EQ(producer.push_wait(entry_of(sent), seconds_from_now(patience), spins), Error::none) << sent;
            ++sent;
            continue;
        }
        const std::uint32_t wanted = std::min<std::uint32_t>(random() % batch.size(), total - sent);
        for (std::uint32_t i = 0; i < wanted; ++i)
            batch[i] = entry_of(sent + i);
        const RingBatch done = producer.push_batch(std::span(batch).first(wanted));
        ASSERT_NE(done.result, RingResult::broken);
        sent += done.count;
    }
}

void consume(Consumer& consumer, std::uint32_t total, unsigned spins, std::mt19937 random)
{
    std::array<Sqe, 20> batch {};
    for (std::uint32_t taken = 0; taken < total;) {
        if (random() % 2) {
            Sqe entry {};
            ASSERT_EQ(consumer.pop_wait(entry, seconds_from_now(patience), spins), Error::none) << taken;
            ASSERT_TRUE(is_entry(entry, taken)) << entry.tag << " instead of " << taken;
            ++taken;
            continue;
        }
        const RingBatch done = consumer.pop_batch(std::span(batch).first(random() % batch.size()));
        ASSERT_NE(done.result, RingResult::broken);
        for (std::uint32_t i = 0; i < done.count; ++i)
            ASSERT_TRUE(is_entry(batch[i], taken + i)) << batch[i].tag << " instead of " << taken + i;
        taken += done.count;
    }
}

struct Shape {
    std::uint32_t capacity;
    unsigned spins;
    std::uint32_t total;
};
class RingStream : public testing::TestWithParam<Shape> { };
// Small rings sleep often, large ones hardly ever; with spinning, the sleep races with the end of the spin.
INSTANTIATE_TEST_SUITE_P(Shapes, RingStream,
    testing::Values(Shape { 1, 0, 20'000 }, Shape { 2, 0, 40'000 }, Shape { 4, 20, 100'000 },
        Shape { 16, 3, 1'000'000 }, Shape { 256, 50, 2'000'000 }));

TEST_P(RingStream, keeps_order_and_content)
{
    const Shape shape = GetParam();
    HostRing ring(sizeof(Sqe), shape.capacity, 0xffff'fff0);
    auto producer = Producer::attach(ring.memory(), ring.size(), 0, FutexSystem(&ring.header())).value();
    auto consumer = Consumer::attach(ring.memory(), ring.size(), 0, FutexSystem(&ring.header())).value();
    {
        const std::jthread sender([&] { produce(producer, shape.total, shape.spins, std::mt19937(1)); });
        const std::jthread receiver([&] { consume(consumer, shape.total, shape.spins, std::mt19937(2)); });
    }
    EXPECT_EQ(ring.header().consumer.index.load(), 0xffff'fff0u + shape.total);
    EXPECT_EQ(ring.header().producer.waiting.load(), 0u);
    EXPECT_EQ(ring.header().consumer.waiting.load(), 0u);
    RecordProperty("sleeps", static_cast<int>(ring.header().producer.sleeps + ring.header().consumer.sleeps));
}

// Request and reply rings of one entry: each step of one side races with the other falling asleep.
TEST(RingPingPong, no_wake_up_is_lost)
{
    constexpr std::uint32_t rounds = thread_sanitizer ? 40'000 : 150'000;
    HostRing there(sizeof(Sqe), 1, 0xffff'ff00);
    HostRing back(sizeof(Sqe), 1, 0);
    auto request = Producer::attach(there.memory(), there.size(), 0, FutexSystem(&there.header())).value();
    auto served = Consumer::attach(there.memory(), there.size(), 0, FutexSystem(&there.header())).value();
    auto reply = Producer::attach(back.memory(), back.size(), 0, FutexSystem(&back.header())).value();
    auto result = Consumer::attach(back.memory(), back.size(), 0, FutexSystem(&back.header())).value();
    const std::jthread server([&] {
        Sqe entry {};
        for (std::uint32_t i = 0; i < rounds; ++i) {
            ASSERT_EQ(served.pop_wait(entry, seconds_from_now(patience), i % 40), Error::none) << i;
            ASSERT_EQ(reply.push_wait(entry, seconds_from_now(patience), i % 40), Error::none) << i;
        }
    });
    Sqe entry {};
    for (std::uint32_t i = 0; i < rounds; ++i) {
        ASSERT_EQ(request.push_wait(entry_of(i), seconds_from_now(patience), i % 37), Error::none) << i;
        ASSERT_EQ(result.pop_wait(entry, seconds_from_now(patience), i % 37), Error::none) << i;
        ASSERT_TRUE(is_entry(entry, i));
    }
}

// The moment of the fence alone: one side publishes while the other announces its sleep, with nothing else between
// rounds to hide a reordering. Either the sleeper sees the entry or the publisher sees the sleeper.
TEST(RingDekker, one_of_the_two_always_notices)
{
    struct Noticing {
        std::atomic<std::uint32_t>* woken;
        void wake(RingSide) { woken->fetch_add(1); }
        Error wait(RingSide, std::uint64_t) { return Error::unsupported; }
    };
    constexpr std::uint32_t rounds = thread_sanitizer ? 20'000 : 200'000;
    constexpr std::uint32_t signal_travel = 600; // cycles, more than `start` takes to the other processor
    HostRing ring(sizeof(Cqe), 64);
    std::atomic<std::uint32_t> woken { 0 };
    auto producer = RingProducer<Cqe, Noticing>::attach(ring.memory(), ring.size(), 0, { &woken }).value();
    auto consumer = RingConsumer<Cqe, Noticing>::attach(ring.memory(), ring.size(), 0, { &woken }).value();
    std::atomic<std::uint32_t> start { 0 };
    std::atomic<std::uint32_t> finished { 0 };
    const std::jthread publisher([&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            for (unsigned looks = 0; start.load(std::memory_order_acquire) != round; ++looks)
                if (looks % 1024 == 1023) std::this_thread::yield();
            producer.push(Cqe {});
            finished.store(round, std::memory_order_release);
        }
    });
    std::uint32_t missed = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        const std::uint32_t woken_before = woken.load();
        start.store(round, std::memory_order_release);
        for (std::uint32_t delay = 0; delay < round % signal_travel; ++delay)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        const bool would_sleep = consumer.prepare_wait();
        for (unsigned looks = 0; finished.load(std::memory_order_acquire) != round; ++looks)
            if (looks % 1024 == 1023) std::this_thread::yield();
        missed += would_sleep && woken.load() == woken_before;
        consumer.cancel_wait();
        Cqe entry {};
        ASSERT_EQ(consumer.pop(entry), RingResult::done);
    }
    EXPECT_EQ(missed, 0u) << "lost wake-ups";
}

// The last entry and the end of the peer fall between the consumer's look at the index and its look at kernel_broken.
TEST(RingEnd, the_last_entry_before_the_end_is_not_lost)
{
    constexpr std::uint32_t rounds = thread_sanitizer ? 2'000 : 100'000;
    HostRing ring(sizeof(Cqe), 2);
    std::atomic<std::uint32_t> start { 0 };
    const std::jthread sender([&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            for (unsigned looks = 0; start.load(std::memory_order_acquire) != 2 * round; ++looks)
                if (looks % 1024 == 1023) std::this_thread::yield();
            auto producer =
                RingProducer<Cqe, FutexSystem>::attach(ring.memory(), ring.size(), 0, FutexSystem(&ring.header()))
                    .value();
            producer.push(Cqe {});
            close_side(ring.header(), RingSide::consumer);
            start.store(2 * round + 1, std::memory_order_release);
        }
    });
    std::uint32_t lost = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        ring.header().kernel_broken = 0;
        auto consumer =
            RingConsumer<Cqe, FutexSystem>::attach(ring.memory(), ring.size(), 0, FutexSystem(&ring.header())).value();
        start.store(2 * round, std::memory_order_release);
        Cqe entry {};
        RingResult result = RingResult::empty;
        for (unsigned looks = 0; result == RingResult::empty; ++looks) {
            result = consumer.pop(entry);
            if (looks % 1024 == 1023) std::this_thread::yield();
        }
        lost += result != RingResult::done;
        for (unsigned looks = 0; start.load(std::memory_order_acquire) != 2 * round + 1; ++looks)
            if (looks % 1024 == 1023) std::this_thread::yield();
        ring.header().producer.index = 0;
        ring.header().consumer.index = 0;
    }
    EXPECT_EQ(lost, 0u);
}

TEST(RingEnd, closing_wakes_the_sleeper)
{
    for (unsigned round = 0; round < 300; ++round) {
        HostRing ring(sizeof(Sqe), 2);
        auto consumer = Consumer::attach(ring.memory(), ring.size(), 0, FutexSystem(&ring.header())).value();
        const std::jthread closer([&] { close_side(ring.header(), RingSide::consumer); });
        Sqe entry {};
        ASSERT_EQ(consumer.pop_wait(entry, seconds_from_now(patience), round % 30), Error::peer_closed);
    }
}

} // namespace
} // namespace orrery::abi::test
