// Timers against a model; futexes: keys, time-outs, order, and nothing left behind.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "kernel/signal/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/futex.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

constexpr VirtualAddress word_place = 0x40'0000;

class Waiting : public testing::Test {
protected:
    Waiting()
    {
        set_clock(1000);
        if (!space_->map(memory_, 0, word_place, 4 * page_size, read_write)) std::abort();
        if (!space_->map(memory_, page_size, word_place + 8 * page_size, page_size, read_write)) std::abort();
    }
    std::atomic<std::uint32_t>& word(VirtualAddress address)
    {
        return *static_cast<std::atomic<std::uint32_t>*>(user_memory(*space_, address));
    }
    // Runs `program` as a thread that has ended by the end of the test.
    Ref<Thread> run(std::function<void()> program)
    {
        auto thread = machine_.spawn(space_, std::move(program));
        machine_.run_ready();
        return thread;
    }
    void pass_time(std::uint64_t until)
    {
        set_clock(until);
        machine_.run_ready(); // takes the timer interrupt
        machine_.run_ready();
    }
    static Status wait(VirtualAddress address, std::uint32_t value, std::uint64_t deadline = abi::no_deadline)
    {
        return futex_wait(address, value, deadline);
    }

    Machine machine_;
    Ref<AddressSpace> space_ = machine_.make_space();
    Ref<MemoryObject> memory_ = *MemoryObject::create(4 * page_size);
};

TEST_F(Waiting, timer_queue_against_a_model)
{
    std::mt19937 random(31);
    std::vector<Ref<Thread>> threads;
    for (int index = 0; index < 40; ++index)
        threads.push_back(*Thread::create(space_, { 0x400000, 0x7000'0000, 0, 0 }));
    TimerQueue& queue = this_cpu().timers;
    std::multimap<std::uint64_t, Thread*> model;
    const auto in_model = [&](const Thread* thread) {
        return std::ranges::find_if(model, [&](const auto& each) { return each.second == thread; });
    };
    std::uint64_t now = 1000;
    for (int step = 0; step < 30'000; ++step) {
        Thread* thread = threads[random() % threads.size()].get();
        const auto known = in_model(thread);
        switch (random() % 4) {
        case 0:
        case 1: {
            const std::uint64_t deadline = now + random() % 200;
            thread->wait_timer.sequence = deadline;
            arm_timer(thread->wait_timer, deadline); // replaces an earlier deadline
            if (known != model.end()) model.erase(known);
            model.emplace(deadline, thread);
            break;
        }
        case 2:
            cancel_timer(thread->wait_timer);
            if (known != model.end()) model.erase(known);
            break;
        default: {
            now += random() % 8;
            for (;;) {
                const auto expired = queue.take_expired(now);
                const bool any = !model.empty() && model.begin()->first <= now;
                ASSERT_EQ(expired.has_value(), any);
                if (!expired) break;
                ASSERT_EQ(expired->sequence, model.begin()->first) << "the earliest comes first";
                ASSERT_EQ(expired->purpose, TimerPurpose::wait_timeout);
                const auto taken = in_model(expired->thread);
                ASSERT_NE(taken, model.end());
                ASSERT_EQ(taken->first, expired->sequence);
                model.erase(taken);
                expired->thread->release();
            }
        }
        }
        ASSERT_EQ(queue.first_deadline(), model.empty() ? abi::no_deadline : model.begin()->first);
    }
    for (const auto& thread : threads) cancel_timer(thread->wait_timer);
}

// Whoever handles an expiry must not hit the wait that the thread has begun since.
TEST_F(Waiting, an_expiry_names_its_own_wait)
{
    const auto thread = *Thread::create(space_, { 0x400000, 0x7000'0000, 0, 0 });
    thread->wait_timer.sequence = 5;
    arm_timer(thread->wait_timer, 900);
    const auto expired = this_cpu().timers.take_expired(1000);
    ASSERT_TRUE(expired);
    thread->wait_timer.sequence = 6; // the thread sleeps again already
    EXPECT_EQ(expired->sequence, 5u);
    expired->thread->release();
}

TEST_F(Waiting, a_repeating_timer_with_an_absurd_interval_fires_once)
{
    const auto thread = *Thread::create(space_, { 0x400000, 0x7000'0000, 0, 0 });
    ASSERT_TRUE(set_signal_timer(*thread, 900, ~std::uint64_t { 0 }, 14));
    {
        run_expired_timers(); // would never come back if the next deadline lay in the past
        EXPECT_EQ(this_cpu().timers.first_deadline(), abi::no_deadline);
    }
    ASSERT_TRUE(set_signal_timer(*thread, 900, 1, 14));
    run_expired_timers();
    EXPECT_EQ(this_cpu().timers.first_deadline(), 1000u + 10'000) << "no shorter interval than this";
    ASSERT_TRUE(set_signal_timer(*thread, 0, 0, 14));
    EXPECT_EQ(this_cpu().timers.first_deadline(), abi::no_deadline);
    EXPECT_EQ(set_signal_timer(*thread, 1, 0, 0).error(), Error::invalid_argument);
    EXPECT_EQ(set_signal_timer(*thread, 1, 0, 40).error(), Error::invalid_argument);
}

TEST_F(Waiting, futex_refusals)
{
    run([&] {
        EXPECT_EQ(wait(word_place, 1).error(), Error::would_block);
        EXPECT_EQ(wait(word_place + 2, 0).error(), Error::invalid_argument);
        EXPECT_EQ(wait(0x12340, 0).error(), Error::bad_address);
        EXPECT_EQ(wait(~std::uint64_t { 3 }, 0).error(), Error::bad_address);
        EXPECT_EQ(futex_wake(word_place + 1, 1).error(), Error::invalid_argument);
        EXPECT_EQ(futex_wake(0x12340, 1).error(), Error::bad_address);
        EXPECT_EQ(futex_wake(word_place, 1).value_or(9), 0u);
    });
    EXPECT_EQ(space_->state, SpaceState::ended);
}

TEST_F(Waiting, first_come_first_woken)
{
    std::vector<int> woken;
    const auto keeper = machine_.spawn(space_, [&] { (void)wait(word_place + 64, 0); });
    for (int index = 0; index < 5; ++index)
        machine_.spawn(space_, [&, index] {
            EXPECT_TRUE(wait(word_place, 0));
            woken.push_back(index);
        });
    machine_.run_ready();
    EXPECT_TRUE(woken.empty());
    run([&] { EXPECT_EQ(futex_wake(word_place, 2).value_or(9), 2u); });
    EXPECT_EQ(woken, (std::vector { 0, 1 }));
    run([&] { EXPECT_EQ(futex_wake(word_place, ~std::uint64_t { 0 }).value_or(9), 3u); });
    EXPECT_EQ(woken, (std::vector { 0, 1, 2, 3, 4 }));
    run([&] { EXPECT_EQ(futex_wake(word_place + 64, 1).value_or(9), 1u); });
}

// The key is the place in the object: another mapping and another space meet, a private copy does not.
TEST_F(Waiting, keys)
{
    const auto other = machine_.make_space("other");
    ASSERT_TRUE(other->map(memory_, page_size, 0x80'0000, page_size, read_write));
    const auto stranger = machine_.make_space("stranger");
    ASSERT_TRUE(stranger->map(*memory_->clone(0, 4 * page_size), 0, word_place, 4 * page_size, read_write));
    unsigned woken = 0;
    for (int index = 0; index < 2; ++index)
        machine_.spawn(space_, [&] {
            EXPECT_TRUE(wait(word_place + page_size + 8, 0));
            ++woken;
        });
    machine_.run_ready();
    machine_.spawn(stranger, [&] { EXPECT_EQ(futex_wake(word_place + page_size + 8, 9).value_or(9), 0u); });
    machine_.run_ready();
    EXPECT_EQ(woken, 0u);
    machine_.spawn(other, [&] { EXPECT_EQ(futex_wake(0x80'0008, 1).value_or(9), 1u); });
    machine_.run_ready();
    EXPECT_EQ(woken, 1u);
    run([&] { EXPECT_EQ(futex_wake(word_place + 8 * page_size + 8, 1).value_or(9), 1u); });
    EXPECT_EQ(woken, 2u);
}

TEST_F(Waiting, a_key_outlives_the_copying_and_the_unmapping_of_its_page)
{
    word(word_place) = 0;
    bool woken = false;
    machine_.spawn(space_, [&] {
        EXPECT_TRUE(wait(word_place, 0));
        woken = true;
    });
    machine_.run_ready();
    const auto clone = *memory_->clone(0, 4 * page_size);
    word(word_place) = 1; // gets a frame of its own now
    run([&] { EXPECT_EQ(futex_wake(word_place, 1).value_or(9), 1u); });
    EXPECT_TRUE(woken);

    const auto second = machine_.make_space("second");
    ASSERT_TRUE(second->map(memory_, 0, word_place, page_size, read_write));
    woken = false;
    machine_.spawn(second, [&] {
        EXPECT_TRUE(wait(word_place, 1));
        woken = true;
    });
    machine_.run_ready();
    ASSERT_TRUE(second->unmap(word_place, page_size));
    const auto waker = machine_.make_space("waker");
    ASSERT_TRUE(waker->map(memory_, 0, word_place, page_size, read_write));
    machine_.spawn(waker, [&] { EXPECT_EQ(futex_wake(word_place, 1).value_or(9), 1u); });
    machine_.run_ready();
    EXPECT_TRUE(woken);
}

TEST_F(Waiting, time_outs_leave_nothing_behind)
{
    Error seen = Error::none;
    const auto sleeper = run([&] { seen = wait(word_place, 0, 5000).error(); });
    EXPECT_EQ(seen, Error::none) << "sleeps still";
    EXPECT_EQ(sleeper->wait.reason, WaitReason::futex);
    EXPECT_EQ(sleeper->wait.object, word_place);
    pass_time(4999);
    EXPECT_EQ(seen, Error::none);
    pass_time(5000);
    EXPECT_EQ(seen, Error::timed_out);
    EXPECT_EQ(this_cpu().timers.first_deadline(), abi::no_deadline);
    const auto again = machine_.make_space("again");
    ASSERT_TRUE(again->map(memory_, 0, word_place, page_size, read_write));
    machine_.spawn(again, [&] { EXPECT_EQ(futex_wake(word_place, 9).value_or(9), 0u) << "no entry stayed"; });
    machine_.run_ready();
}

TEST_F(Waiting, words_of_64_bits)
{
    auto& wide = *static_cast<std::atomic<std::uint64_t>*>(user_memory(*space_, word_place + 16));
    wide = 0x1'0000'0000;
    bool woken = false;
    machine_.spawn(space_, [&] {
        EXPECT_EQ(futex_wait_wide(word_place + 16, 0, abi::no_deadline), std::unexpected(Error::would_block))
            << "the upper half counts";
        EXPECT_EQ(futex_wait_wide(word_place + 20, 0, abi::no_deadline), std::unexpected(Error::invalid_argument));
        EXPECT_TRUE(futex_wait_wide(word_place + 16, 0x1'0000'0000, abi::no_deadline));
        woken = true;
    });
    machine_.run_ready();
    EXPECT_FALSE(woken);
    run([&] { EXPECT_EQ(futex_wake(word_place + 16, 1).value_or(9), 1u); });
    EXPECT_TRUE(woken);
}

TEST_F(Waiting, requeue_wakes_some_and_moves_others)
{
    const VirtualAddress first = word_place, second = word_place + page_size + 8;
    std::vector<int> woken;
    for (int index = 0; index < 6; ++index)
        machine_.spawn(space_, [&, index] {
            if (wait(first, 0)) woken.push_back(index);
        });
    machine_.run_ready();
    run([&] {
        EXPECT_EQ(futex_requeue(first, 1, 1, 9, second).error(), Error::would_block);
        EXPECT_EQ(futex_requeue(first, 0, 1, 9, first).error(), Error::invalid_argument);
        EXPECT_EQ(futex_requeue(first, 0, 1, 9, second + 2).error(), Error::invalid_argument);
        EXPECT_EQ(futex_requeue(first, 0, 1, 9, 0x12340).error(), Error::bad_address);
        EXPECT_EQ(futex_requeue(first, 0, 1, 3, second).value_or(9), 4u);
    });
    EXPECT_EQ(woken, (std::vector { 0 }));
    run([&] { EXPECT_EQ(futex_wake(second, 2).value_or(9), 2u); });
    EXPECT_EQ(woken, (std::vector { 0, 1, 2 }));
    // Through the other mapping of the page that they were moved to.
    run([&] { EXPECT_EQ(futex_wake(word_place + 8 * page_size + 8, 9).value_or(9), 1u); });
    run([&] { EXPECT_EQ(futex_wake(first, 9).value_or(9), 2u); });
    EXPECT_EQ(woken, (std::vector { 0, 1, 2, 3, 4, 5 }));
}

TEST_F(Waiting, the_moved_can_time_out_and_leave_nothing_behind)
{
    const VirtualAddress second = word_place + page_size + 8;
    Error seen = Error::none;
    const auto sleeper = run([&] { seen = wait(word_place, 0, 5000).error(); });
    run([&] { EXPECT_EQ(futex_requeue(word_place, 0, 0, 9, second).value_or(9), 1u); });
    EXPECT_EQ(sleeper->wait.object, second);
    pass_time(5000);
    EXPECT_EQ(seen, Error::timed_out);
    const auto again = machine_.make_space("again");
    ASSERT_TRUE(again->map(memory_, 0, word_place, 4 * page_size, read_write));
    machine_.spawn(again, [&] {
        EXPECT_EQ(futex_wake(second, 9).value_or(9), 0u);
        EXPECT_EQ(futex_wake(word_place, 9).value_or(9), 0u);
    });
    machine_.run_ready();
}

TEST_F(Waiting, a_deadline_in_the_past_ends_at_once)
{
    Error seen = Error::none;
    run([&] { seen = wait(word_place, 0, 1).error(); });
    pass_time(1001);
    EXPECT_EQ(seen, Error::timed_out);
}

TEST_F(Waiting, the_end_of_the_space_ends_the_wait)
{
    unsigned ended = 0;
    for (int index = 0; index < 3; ++index)
        machine_.spawn(space_, [&] {
            EXPECT_EQ(wait(word_place, 0, 1'000'000).error(), Error::interrupted);
            ++ended;
            user_point(); // never comes back
            ADD_FAILURE() << "a thread of an ended space reached user mode";
        });
    machine_.run_ready();
    space_->end({ .code = 3 });
    machine_.run_ready();
    EXPECT_EQ(ended, 3u);
    EXPECT_EQ(space_->state, SpaceState::ended);
    EXPECT_EQ(space_->exit_status, 3u);
    EXPECT_EQ(this_cpu().timers.first_deadline(), abi::no_deadline);
}

TEST_F(Waiting, the_exit_word_wakes_who_joins)
{
    word(word_place) = 1;
    bool joined = false;
    machine_.spawn(space_, [&] {
        EXPECT_TRUE(wait(word_place, 1));
        joined = true;
    });
    machine_.run_ready();
    run([&] { syscall_thread_end(word_place, 0, 0, 0, 0, 0); });
    EXPECT_TRUE(joined);
}

} // namespace
} // namespace orrery::kernel::host
