// Waiting, with the peer's moves put at exact places of it: what ends a wait, and what a wait must not miss.
#include "host_ring.h"

#include <functional>
#include <gtest/gtest.h>

namespace orrery::abi::test {
namespace {

// Runs a script in place of the sleep.
struct ScriptedSystem {
    std::function<Error(unsigned sleep, std::uint64_t deadline)> script;
    unsigned sleeps = 0;
    unsigned wakes = 0;
    void wake(RingSide) { ++wakes; }
    Error wait(RingSide, std::uint64_t deadline) { return script(sleeps++, deadline); }
};

using Producer = RingProducer<Sqe, ScriptedSystem>;
using Consumer = RingConsumer<Sqe, ScriptedSystem>;

struct Scene {
    Scene(std::uint32_t capacity, std::function<Error(unsigned, std::uint64_t)> script)
        : ring(sizeof(Sqe), capacity, 0xffff'ffff)
        , producer(Producer::attach(ring.memory(), ring.size(), 0, ScriptedSystem { script }).value())
        , consumer(Consumer::attach(ring.memory(), ring.size(), 0, ScriptedSystem { script }).value())
    {
    }
    HostRing ring;
    Producer producer;
    Consumer consumer;
};

TEST(RingWait, sleeps_until_the_entry_comes)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned, std::uint64_t deadline) {
        EXPECT_EQ(deadline, 42u);
        EXPECT_EQ(scene->ring.header().consumer.waiting.load(), 1u) << "asleep means waiting is set";
        EXPECT_EQ(scene->producer.push(Sqe {}), RingResult::done);
        EXPECT_EQ(scene->ring.header().consumer.waiting.load(), 0u);
        return Error::none;
    });
    scene = &here;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 42, 0), Error::none);
    EXPECT_EQ(here.consumer.system().sleeps, 1u);
    EXPECT_EQ(here.producer.system().wakes, 1u);
    EXPECT_EQ(here.ring.header().consumer.waiting.load(), 0u);
}

TEST(RingWait, producer_sleeps_while_full)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned, std::uint64_t) {
        Sqe entry {};
        EXPECT_EQ(scene->ring.header().producer.waiting.load(), 1u);
        EXPECT_EQ(scene->consumer.pop(entry), RingResult::done);
        return Error::none;
    });
    scene = &here;
    for (unsigned i = 0; i < 2; ++i)
        EXPECT_EQ(here.producer.push_wait(Sqe {}, 0, 0), Error::none);
    EXPECT_EQ(here.producer.system().sleeps, 0u) << "there was room";
    EXPECT_EQ(here.producer.push_wait(Sqe {}, 0, 0), Error::none);
    EXPECT_EQ(here.producer.system().sleeps, 1u);
    EXPECT_EQ(here.consumer.system().wakes, 1u);
}

TEST(RingWait, does_not_sleep_when_there_is_something)
{
    Scene here(2, [](unsigned, std::uint64_t) { return Error::unsupported; });
    ASSERT_EQ(here.producer.push(Sqe {}), RingResult::done);
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::none);
    EXPECT_EQ(here.consumer.system().sleeps, 0u);
}

TEST(RingWait, a_late_wake_up_only_costs_another_look)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned sleep, std::uint64_t) {
        if (sleep < 3) return sleep == 1 ? Error::would_block : Error::none;
        EXPECT_EQ(scene->ring.header().consumer.waiting.load(), 1u) << "set again for each sleep";
        scene->producer.push(Sqe {});
        return Error::none;
    });
    scene = &here;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::none);
    EXPECT_EQ(here.consumer.system().sleeps, 4u);
}

TEST(RingWait, says_what_ended_the_sleep)
{
    for (const Error error : { Error::interrupted, Error::timed_out, Error::bad_handle }) {
        Scene here(2, [&](unsigned, std::uint64_t) { return error; });
        Sqe entry {};
        EXPECT_EQ(here.consumer.pop_wait(entry, 0, 3), error);
        EXPECT_EQ(here.consumer.system().sleeps, 1u);
        EXPECT_EQ(here.ring.header().consumer.waiting.load(), 0u) << "nobody sleeps any more";
        EXPECT_EQ(here.consumer.broken_reason(), BrokenReason::none) << "the ring is as sound as before";
        ASSERT_EQ(here.producer.push(Sqe {}), RingResult::done);
        EXPECT_EQ(here.producer.system().wakes, 0u);
        EXPECT_EQ(here.consumer.pop(entry), RingResult::done);
    }
}

TEST(RingWait, an_entry_in_hand_is_worth_more_than_the_reason_of_waking)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned, std::uint64_t) {
        scene->producer.push(Sqe {});
        return Error::timed_out;
    });
    scene = &here;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::none);
}

TEST(RingWait, ends_when_the_peer_is_gone)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned, std::uint64_t) {
        close_side(scene->ring.header(), RingSide::consumer);
        return Error::none;
    });
    scene = &here;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::peer_closed);
    EXPECT_EQ(here.consumer.system().sleeps, 1u);
}

// The last entry and the end of the peer come between the look at the index and the look at kernel_broken.
TEST(RingWait, the_last_entry_before_the_end_is_not_lost)
{
    Scene* scene = nullptr;
    Scene here(2, [&](unsigned, std::uint64_t) {
        scene->producer.push(Sqe { .opcode = 9, .flags = 0, .priority = 0, .tag = 0, .arguments = {}, .caller = 0 });
        close_side(scene->ring.header(), RingSide::consumer);
        return Error::peer_closed;
    });
    scene = &here;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::none);
    EXPECT_EQ(entry.opcode, 9);
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::peer_closed);
}

TEST(RingWait, a_peer_that_only_wakes_is_given_up)
{
    for (const Error reason : { Error::none, Error::would_block }) {
        Scene here(2, [&](unsigned, std::uint64_t) { return reason; });
        Sqe entry {};
        EXPECT_EQ(here.consumer.pop_wait(entry, 0, 0), Error::broken);
        EXPECT_EQ(here.consumer.broken_reason(), BrokenReason::false_wakes);
        EXPECT_EQ(here.consumer.system().sleeps, ring_false_wake_limit);
    }
}

TEST(RingWait, spinning_ends_and_sees_a_broken_ring)
{
    Scene here(2, [](unsigned, std::uint64_t) { return Error::timed_out; });
    here.ring.header().producer.index = 77;
    Sqe entry {};
    EXPECT_EQ(here.consumer.pop_wait(entry, 0, 1'000'000'000), Error::broken);
    EXPECT_EQ(here.consumer.system().sleeps, 0u);
}

} // namespace
} // namespace orrery::abi::test
