// Who runs first, for how long, and where: priorities, shares of spaces, processors, and what servers inherit.
#include "machine.h"

#include <gtest/gtest.h>
#include <map>

#include "kernel/cpu/clock.h"
#include "kernel/scheme/scheme.h"
#include "kernel/thread/run_queue.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

class Scheduling : public testing::Test {
protected:
    Ref<AddressSpace> space(const char* name) { return machine_.make_space(name); }
    // A thread that is ready with this priority from the beginning.
    Ref<Thread> spawn(const Ref<AddressSpace>& where, unsigned priority, std::function<void()> program)
    {
        const auto thread = machine_.spawn(where, std::move(program));
        set_own_priority(*thread, priority);
        return thread;
    }
    Machine machine_;
    std::string order_;
};

TEST_F(Scheduling, higher_priorities_run_first_and_equals_in_their_order)
{
    const auto one = space("one");
    const std::pair<unsigned, char> threads[] = { { 16, 'c' }, { 20, 'a' }, { 0, 'e' }, { 16, 'd' }, { 20, 'b' } };
    for (const auto& [priority, name] : threads)
        spawn(one, priority, [this, name] { order_ += name; });
    machine_.run_ready();
    EXPECT_EQ(order_, "abcde");
}

TEST_F(Scheduling, who_yields_gives_way_to_equals_but_not_to_lesser_ones)
{
    const auto one = space("one");
    spawn(one, 10, [&] { order_ += 'l'; });
    for (const char name : { 'a', 'b' })
        spawn(one, 20, [&, name] {
            for (int round = 0; round < 3; ++round) {
                order_ += name;
                schedule();
            }
        });
    machine_.run_ready();
    EXPECT_EQ(order_, "abababl");
}

TEST_F(Scheduling, a_woken_thread_of_higher_priority_is_taken_at_once)
{
    static Spinlock nobodys { LockRank::waiters };
    const auto one = space("one");
    const auto nap = [&]() NO_THREAD_SAFETY_ANALYSIS {
        nobodys.acquire();
        (void)sleep(nobodys, { WaitReason::signal, 0, 0, abi::no_deadline, 0 });
    };
    const auto important = spawn(one, 20, [&] {
        nap();
        order_ += 'h';
    });
    const auto equal = spawn(one, 10, [&] {
        nap();
        order_ += 'e';
    });
    machine_.run_ready();
    spawn(one, 10, [&] {
        order_ += '1';
        wake(*equal, Error::none);
        user_point();
        order_ += '2';
        wake(*important, Error::none);
        user_point();
        order_ += '3';
    });
    machine_.run_ready();
    EXPECT_EQ(order_, "12h3e");
}

// Each level gets its turns, and they are a tenth of the time. Also behind a single busy thread, which is in no queue while it
// runs.
TEST_F(Scheduling, who_is_passed_over_gets_a_tenth_of_the_time)
{
    for (int busy = 1; busy <= 2; ++busy) {
        std::uint64_t now = 1'000'000;
        set_clock(now);
        const auto one = space("one");
        std::map<unsigned, int> turns;
        int high = 0;
        const auto use_a_slice = [&] {
            set_clock(now += time_slice);
            schedule();
        };
        for (const unsigned priority : { 0u, 5u, 12u })
            spawn(one, priority, [&, priority] {
                while (high < 400) {
                    use_a_slice();
                    ++turns[priority];
                }
            });
        for (int index = 0; index < busy; ++index)
            spawn(one, 30, [&] {
                while (high < 400) {
                    use_a_slice();
                    ++high;
                }
            });
        machine_.run_ready();
        for (const auto& [priority, count] : turns)
            EXPECT_NEAR(count, 400 / 9 / 3, 3) << "priority " << priority;
    }
}

// Another CPU that looks for work, and may run none of them, neither uses up their turns nor makes them wait anew.
TEST_F(Scheduling, a_thief_leaves_the_turns_alone)
{
    std::uint64_t now = 1'000'000;
    set_clock(now);
    const auto one = space("one");
    int low = 0, high = 0;
    const auto use_a_slice = [&] {
        set_clock(now += time_slice);
        EXPECT_EQ(this_cpu().ready->steal(current_thread(), 1), nullptr);
        schedule();
    };
    const auto tied = [&](unsigned priority, int& count) {
        const auto thread = spawn(one, priority, [&] {
            while (high < 400) {
                use_a_slice();
                ++count;
            }
        });
        thread->allowed_cpus = 1;
    };
    tied(5, low);
    tied(30, high);
    machine_.run_ready();
    EXPECT_NEAR(low, 400 / 10, 5) << "as many as without the thief";
}

TEST_F(Scheduling, a_turn_does_not_come_before_who_interrupts)
{
    std::uint64_t now = 1'000'000;
    set_clock(now);
    static Spinlock nobodys { LockRank::waiters };
    const auto one = space("one");
    const auto important = spawn(one, 20, [&]() NO_THREAD_SAFETY_ANALYSIS {
        nobodys.acquire();
        (void)sleep(nobodys, { WaitReason::signal, 0, 0, abi::no_deadline, 0 });
        order_ += 'h';
    });
    machine_.run_ready();
    spawn(one, 3, [&] { order_ += 'l'; });
    spawn(one, 10, [&] {
        schedule(); // somebody is passed over from here on
        set_clock(now += 200'000'000);
        wake(*important, Error::none);
        user_point();
        order_ += 'm';
    });
    machine_.run_ready();
    EXPECT_EQ(order_.front(), 'h');
    EXPECT_EQ(order_.size(), 3u);
}

TEST_F(Scheduling, an_interrupted_thread_keeps_what_is_left_of_its_turn)
{
    set_clock(1'000'000);
    static Spinlock nobodys { LockRank::waiters };
    const auto one = space("one");
    const auto two = space("two");
    const auto important = spawn(one, 20, [&]() NO_THREAD_SAFETY_ANALYSIS {
        nobodys.acquire();
        (void)sleep(nobodys, { WaitReason::signal, 0, 0, abi::no_deadline, 0 });
        order_ += 'h';
        set_clock(clock_now() + 500'000);
    });
    machine_.run_ready();
    spawn(two, 10, [&] {
        const std::uint64_t end = this_cpu().slice_end;
        set_clock(clock_now() + time_slice / 4);
        const std::uint64_t left = end - clock_now();
        wake(*important, Error::none);
        user_point();
        order_ += 'l';
        EXPECT_EQ(this_cpu().slice_end - clock_now(), left);
    });
    spawn(two, 10, [&] { order_ += 'e'; });
    machine_.run_ready();
    EXPECT_EQ(order_, "hle") << "and its place";
}

// Interrupted again and again shortly before its turn ends, it must come to that end: its equals wait for it.
TEST_F(Scheduling, who_is_always_interrupted_still_has_only_one_turn)
{
    std::uint64_t now = 1'000'000;
    set_clock(now);
    static Spinlock nobodys { LockRank::waiters };
    bool over = false;
    const auto one = space("one");
    const auto important = spawn(one, 20, [&]() NO_THREAD_SAFETY_ANALYSIS {
        while (!over) {
            nobodys.acquire();
            (void)sleep(nobodys, { WaitReason::signal, 0, 0, abi::no_deadline, 0 });
        }
    });
    machine_.run_ready();
    int interruptions = 0;
    bool equal_has_run = false;
    spawn(space("two"), 10, [&] {
        while (!equal_has_run && interruptions < 10'000) {
            ++interruptions;
            set_clock(now += 5'000);
            wake(*important, Error::none);
            user_point();
        }
    });
    spawn(space("three"), 10, [&] { equal_has_run = true; });
    machine_.run_ready();
    EXPECT_TRUE(equal_has_run);
    EXPECT_LE(interruptions, time_slice / 5'000);
    over = true;
    wake(*important, Error::none);
    machine_.run_ready();
}

// A better thread that now and then sleeps a moment does not make the others' turn begin to wait anew.
TEST_F(Scheduling, a_short_sleep_does_not_cost_the_others_their_turn)
{
    std::uint64_t now = 1'000'000;
    set_clock(now);
    static Spinlock nobodys { LockRank::waiters };
    const auto one = space("one");
    std::uint64_t low_time = 0, all_time = 0;
    bool over = false, asleep = false;
    const auto busy = spawn(one, 16, [&]() NO_THREAD_SAFETY_ANALYSIS {
        for (int round = 0; round < 40; ++round) {
            for (int slice = 0; slice < 9; ++slice) {
                set_clock(now += time_slice);
                this_cpu().slice_over = true;
                schedule();
            }
            all_time = now;
            asleep = true;
            nobodys.acquire();
            (void)sleep(nobodys, { WaitReason::signal, 0, 0, abi::no_deadline, 0 });
            asleep = false;
        }
        over = true;
    });
    spawn(one, 15, [&] {
        while (!over) {
            const bool alone = asleep;
            const std::uint64_t step = alone ? 10'000 : time_slice; // it is woken soon; else this is a turn
            set_clock(now += step);
            if (!alone) low_time += step;
            if (alone) wake(*busy, Error::none);
            this_cpu().slice_over = !alone;
            alone ? user_point() : schedule();
        }
    });
    machine_.run_ready();
    EXPECT_GT(low_time, all_time / 20) << "a tenth was promised";
}

// A thread that may run anywhere does not keep one that may not from its only processor.
TEST_F(Scheduling, who_can_go_elsewhere_makes_room)
{
    set_clock(1'000'000);
    const QuietCpu other(1);
    const auto one = space("one");
    Thread* mobile = nullptr;
    const auto tied = spawn(one, 10, [&] {
        order_ += 't';
        EXPECT_EQ(mobile->queued_on.load(), &cpus[1]);
    });
    ASSERT_TRUE(set_allowed_cpus(*tied, 1));
    const auto thread = spawn(one, 20, [&] {
        mobile = &current_thread();
        cpus[1].idle = true;
        schedule();
        order_ += 'm'; // nobody makes room in the middle of a turn
        this_cpu().slice_over = true;
        schedule();
        order_ += 'n';
    });
    ASSERT_TRUE(set_allowed_cpus(*thread, 1)); // so that it begins here
    thread->allowed_cpus = 3;
    machine_.run_ready(); // this CPU takes it back from the quiet one when it has nothing else to do
    EXPECT_EQ(order_, "mtn");
}

TEST_F(Scheduling, a_queue_refuses_who_may_not_run_there)
{
    const QuietCpu other(1);
    const auto one = space("one");
    const auto thread = machine_.spawn(one, [&] { order_ += 'x'; });
    ASSERT_TRUE(cpus[0].ready->remove(*thread, cpus[0]) || cpus[1].ready->remove(*thread, cpus[1])); // between two queues
    ASSERT_TRUE(set_allowed_cpus(*thread, 1)); // finds it nowhere
    EXPECT_FALSE(cpus[1].ready->push(*thread, cpus[1]));
    EXPECT_EQ(thread->queued_on.load(), nullptr);
    make_ready(*thread);
    machine_.run_ready();
    EXPECT_EQ(order_, "x");
}

// One space with nine busy threads and one with a single one get the same time.
TEST_F(Scheduling, spaces_share_the_time_however_many_threads_they_have)
{
    set_clock(1'000'000);
    std::map<std::string, std::uint64_t> time;
    const auto crowd = space("crowd");
    const auto single = space("single");
    const auto run = [&](const char* name) {
        for (int turn = 0; turn < 40; ++turn) {
            const std::uint64_t slice = this_cpu().slice_end - clock_now();
            if (crowd->runnable_threads == 9 && single->runnable_threads == 1) time[name] += slice;
            set_clock(this_cpu().slice_end);
            schedule();
        }
    };
    for (int index = 0; index < 9; ++index)
        spawn(crowd, 16, [&] { run("crowd"); });
    spawn(single, 16, [&] { run("single"); });
    machine_.run_ready();
    ASSERT_GT(time["single"], 0u);
    const double ratio = static_cast<double>(time["crowd"]) / static_cast<double>(time["single"]);
    EXPECT_NEAR(ratio, 1.0, 0.15);
    EXPECT_EQ(crowd->runnable_threads, 0u);
    EXPECT_EQ(single->runnable_threads, 0u);
}

TEST_F(Scheduling, a_thread_runs_only_where_it_may)
{
    const QuietCpu other(1);
    const auto one = space("one");
    const auto thread = machine_.spawn(one, [&] { order_ += 'x'; });
    EXPECT_EQ(set_allowed_cpus(*thread, 0).error(), Error::invalid_argument);
    EXPECT_EQ(set_allowed_cpus(*thread, std::uint64_t { 1 } << 5).error(), Error::invalid_argument)
        << "no such processor";
    ASSERT_TRUE(set_allowed_cpus(*thread, 2));
    EXPECT_EQ(thread->queued_on.load(), &cpus[1]) << "it moves there";
    machine_.run_ready();
    EXPECT_EQ(order_, "") << "and nobody steals it";
    ASSERT_TRUE(set_allowed_cpus(*thread, 1));
    machine_.run_ready();
    EXPECT_EQ(order_, "x");
}

TEST_F(Scheduling, two_that_are_woken_together_go_to_two_idle_processors)
{
    const QuietCpu first(1), second(2);
    cpus[1].idle = cpus[2].idle = true;
    const auto one = space("one");
    const auto a = machine_.spawn(one, [] {});
    const auto b = machine_.spawn(one, [] {});
    EXPECT_NE(a->queued_on.load(), b->queued_on.load());
    machine_.run_ready(); // steals both
    cpus[1].idle = cpus[2].idle = false;
}

// The classical inversion: a busy thread of middle priority must not keep the server from the call that an important
// caller waits behind.
TEST_F(Scheduling, a_server_at_work_inherits_the_priority_of_who_waits_behind)
{
    const auto scheme = *Scheme::create();
    const auto server = space("server"), low = space("low"), middle = space("middle"), high = space("high");
    ASSERT_TRUE(server->handles.insert(scheme, abi::right_serve));
    bool middle_may_run = false;
    const auto worker = spawn(server, 5, [&] {
        abi::Cqe answer {};
        auto entry = scheme->receive(nullptr, abi::no_deadline);
        for (int call = 0; call < 2; ++call) {
            schedule(); // work, in which others may come
            order_ += call == 0 ? 's' : 'S';
            answer = { .flags = 0, .extra = {}, .tag = entry->tag, .result = 0 };
            if (call == 0) entry = scheme->receive(&answer, abi::no_deadline);
        }
        EXPECT_TRUE(scheme->reply(answer));
    });
    const auto call = [&](char name) {
        Operation operation;
        operation.entry.opcode = abi::first_free_opcode;
        EXPECT_TRUE(scheme->call(operation, abi::no_deadline));
        order_ += name;
    };
    machine_.run_ready();
    spawn(low, 3, [&] {
        middle_may_run = true;
        spawn(middle, 10, [&] { order_ += 'm'; });
        spawn(high, 20, [&] { call('H'); });
        call('l');
    });
    machine_.run_ready();
    EXPECT_TRUE(middle_may_run);
    // Received for the low caller, boosted by the high one: both calls are done before the middle one gets the
    // processor.
    EXPECT_EQ(order_.find('m') > order_.find('H'), true) << order_;
    EXPECT_EQ(order_.find('s') < order_.find('m'), true) << order_;
}

TEST_F(Scheduling, limits_only_shrink)
{
    const auto maker = space("maker");
    EXPECT_EQ(maker->shrink_limit(abi::SpaceLimit::threads, 100'000).error(), Error::invalid_argument);
    ASSERT_TRUE(maker->shrink_limit(abi::SpaceLimit::threads, 2));
    ASSERT_TRUE(maker->shrink_limit(abi::SpaceLimit::priority, 4));
    ASSERT_TRUE(maker->shrink_limit(abi::SpaceLimit::handles, 1));
    ASSERT_TRUE(maker->shrink_limit(abi::SpaceLimit::mappings, 1));
    EXPECT_EQ(maker->shrink_limit(abi::SpaceLimit::threads, 3).error(), Error::invalid_argument);
    const auto made = *AddressSpace::create(std::span("made", 4), maker.get());
    const auto memory = *MemoryObject::create(page_size);
    ASSERT_TRUE(made->handles.insert(memory, abi::right_read));
    EXPECT_EQ(made->handles.insert(memory, abi::right_read).error(), Error::limit_reached);
    ASSERT_TRUE(made->map(memory, 0, 0, page_size, abi::protection_read));
    EXPECT_EQ(made->map(memory, 0, 0, page_size, abi::protection_read).error(), Error::limit_reached);
    const Thread::Start start { 0x400000, 0x7000'0000, 0, 0 };
    for (int index = 0; index < 2; ++index) {
        const auto thread = *Thread::create(made, start);
        EXPECT_EQ(thread->priority(), 4u);
        EXPECT_TRUE(thread->start());
    }
    EXPECT_EQ((*Thread::create(made, start))->start().error(), Error::limit_reached);
    machine_.run_ready();
}

} // namespace
} // namespace orrery::kernel::host
