// Timers against a model; futexes: keys, time-outs, order, and nothing left behind.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "kernel/boot/calendar.h"
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
    std::map<const Thread*, std::uint64_t> model; // who waits for which moment, since the start or since 1970
    std::uint64_t now = 1000, origin = 0;
    const auto due = [&](std::uint64_t deadline) {
        if (abi::clock_of(deadline) == abi::Clock::since_start) return deadline;
        return std::max(abi::moment_of(deadline), origin) - origin;
    };
    const auto first_due = [&] {
        std::uint64_t first = abi::no_deadline;
        for (const auto& [thread, deadline] : model) first = std::min(first, due(deadline));
        return first;
    };
    for (int step = 0; step < 30'000; ++step) {
        Thread* thread = threads[random() % threads.size()].get();
        switch (random() % 5) {
        case 0:
        case 1: {
            const std::uint64_t moment = now + random() % 200;
            const bool of_date = random() % 2;
            const std::uint64_t deadline = of_date ? abi::deadline_at(abi::Clock::since_1970, origin + moment) : moment;
            arm_timer(thread->wait_timer, deadline); // replaces an earlier deadline
            model[thread] = deadline;
            break;
        }
        case 2:
            cancel_timer(thread->wait_timer);
            model.erase(thread);
            break;
        case 3:
            if (random() % 8 != 0) break;
            origin = random() % 300;
            set_calendar(1000 + origin); // the machine's clock stands at 1000
            break;
        default:
            now += random() % 8;
            for (;;) {
                const auto expired = queue.take_expired(now);
                ASSERT_EQ(expired.has_value(), first_due() <= now);
                if (!expired) break;
                ASSERT_EQ(expired->purpose, TimerPurpose::wait_timeout);
                const auto taken = model.find(expired->thread);
                ASSERT_NE(taken, model.end());
                ASSERT_EQ(due(taken->second), first_due()) << "the earliest comes first";
                model.erase(taken);
                expired->thread->release();
            }
        }
        ASSERT_EQ(queue.first_deadline(), first_due());
    }
    set_calendar(0);
    for (const auto& thread : threads) cancel_timer(thread->wait_timer);
}

// Timers that are due again at once, or very many, leave the CPU half of its time.
TEST_F(Waiting, expired_timers_come_in_batches_with_a_rest_in_between)
{
    constexpr int many = 150;
    int ended = 0;
    for (int index = 0; index < many; ++index)
        machine_.spawn(space_, [&] {
            EXPECT_EQ(wait(word_place, 0, 5'000).error(), Error::timed_out);
            ++ended;
        });
    machine_.run_ready();
    set_clock(6'000);
    run_expired_timers();
    EXPECT_GE(this_cpu().timers_rest_until, clock_now());
    machine_.run_ready();
    EXPECT_EQ(ended, 64) << "the next ones come with the next interrupt";
    run_expired_timers();
    run_expired_timers();
    machine_.run_ready();
    EXPECT_EQ(ended, many);
}

TEST_F(Waiting, setting_the_date_moves_who_waits_for_one)
{
    set_calendar(10'000); // 9000 at the start of the machine
    Status by_date, by_clock; // no error yet
    const auto date_sleeper = run([&] { by_date = wait(word_place, 0, abi::deadline_at(abi::Clock::since_1970, 20'000)); });
    const auto clock_sleeper = run([&] { by_clock = wait(word_place + 4, 0, 11'000); });
    EXPECT_EQ(this_cpu().timers.first_deadline(), 11'000u) << "both would come now";
    const auto set = [](std::uint64_t date) {
        set_calendar(date);
        follow_calendar();
    };
    set(5'000);
    EXPECT_EQ(this_cpu().timers.first_deadline(), 11'000u);
    pass_time(11'000);
    EXPECT_FALSE(by_clock) << "nobody sets this clock";
    EXPECT_TRUE(by_date) << "sleeps on";
    EXPECT_EQ(this_cpu().timers.first_deadline(), 16'000u);
    set(19'999);
    EXPECT_EQ(this_cpu().timers.first_deadline(), 11'001u);
    EXPECT_TRUE(by_date) << "sleeps on";
    set(30'000);
    pass_time(11'001);
    ASSERT_FALSE(by_date);
    EXPECT_EQ(by_date.error(), Error::timed_out);
    EXPECT_EQ(by_clock.error(), Error::timed_out);
    set(0);
}

TEST(Deadline, is_a_moment_of_one_clock)
{
    using abi::Clock;
    EXPECT_EQ(abi::clock_of(7), Clock::since_start);
    EXPECT_EQ(abi::moment_of(7), 7u);
    const std::uint64_t date = abi::deadline_at(Clock::since_1970, 7);
    EXPECT_EQ(abi::clock_of(date), Clock::since_1970);
    EXPECT_EQ(abi::moment_of(date), 7u);
    EXPECT_EQ(abi::clock_of(abi::no_deadline), Clock::since_start);
    for (const Clock clock : { Clock::since_start, Clock::since_1970 }) {
        EXPECT_EQ(abi::deadline_at(clock, ~0ull), abi::no_deadline);
        EXPECT_EQ(abi::deadline_at(clock, 1ull << 63), abi::no_deadline) << "does not fit";
        EXPECT_EQ(abi::deadline_in(clock, 5, ~0ull), abi::no_deadline);
        EXPECT_EQ(abi::deadline_in(clock, (1ull << 63) - 5, 5), abi::no_deadline);
        EXPECT_EQ(abi::deadline_in(clock, 5, 6), abi::deadline_at(clock, 11));
    }
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
    EXPECT_EQ(sleeper->wait.reason, WaitReason::futex);
    run([&] { EXPECT_EQ(futex_requeue(second, 0, 0, 9, word_place, abi::FutexWord::owned).value_or(9), 1u); });
    EXPECT_EQ(sleeper->wait.reason, WaitReason::futex_owned) << "what is shown of the word that it sleeps on now";
    EXPECT_EQ(sleeper->wait.object, word_place);
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
