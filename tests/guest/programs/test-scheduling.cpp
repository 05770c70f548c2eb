// Priorities, processors and limits as a program sees them; and a crowd of threads that can't keep others from running.
#include <atomic>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "abi/scheduling.h"
#include "check.h"
#include "posix/runtime/thread.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

std::uint64_t self() { return must(raw::thread_self(), "thread_self"); }

std::atomic<bool> stop { false };
std::atomic<std::uint64_t> important_turns { 0 };

void* spin(void*)
{
    while (!stop.load()) { }
    return nullptr;
}

// As many busy threads as would fill any machine; the important one sleeps and wakes among them.
void* important(void*)
{
    CHECK_EQUAL(raw::thread_set_priority(self(), abi::priority_normal + 4), 0);
    for (; important_turns.load() < 50; ++important_turns) {
        const std::uint64_t now = must(raw::clock_now(), "clock_now");
        CHECK_EQUAL(raw::signal_wait(now + 100'000), error(abi::Error::timed_out));
    }
    return nullptr;
}

void test_important_among_busy_ones()
{
    pthread_t busy[12] {};
    for (auto& thread : busy) CHECK_EQUAL(pthread_create(&thread, nullptr, spin, nullptr), 0);
    pthread_t thread {};
    CHECK_EQUAL(pthread_create(&thread, nullptr, important, nullptr), 0);
    CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK_EQUAL(important_turns.load(), 50);
    stop = true;
    for (const auto each : busy) CHECK_EQUAL(pthread_join(each, nullptr), 0);
}

// A thread of the lowest priority under busy ones still gets on.
std::atomic<int> low_turns { 0 };
void* lowest(void*)
{
    CHECK_EQUAL(raw::thread_set_priority(self(), 0), 0);
    for (; low_turns.load() < 5; ++low_turns) sched_yield();
    return nullptr;
}
void* busy_until_low_is_done(void*)
{
    while (low_turns.load() < 5) { }
    return nullptr;
}

void test_nobody_starves()
{
    pthread_t busy[4] {}, low {};
    for (auto& thread : busy) CHECK_EQUAL(pthread_create(&thread, nullptr, busy_until_low_is_done, nullptr), 0);
    CHECK_EQUAL(pthread_create(&low, nullptr, lowest, nullptr), 0);
    CHECK_EQUAL(pthread_join(low, nullptr), 0);
    for (const auto each : busy) CHECK_EQUAL(pthread_join(each, nullptr), 0);
}

unsigned current_processor()
{
    std::uint32_t number = 0;
    asm volatile("rdtscp" : "=c"(number) : : "eax", "edx"); // TSC_AUX is the processor's number
    return number;
}

void* stay_on_the_first(void*)
{
    CHECK_EQUAL(raw::thread_set_affinity(self(), 1), 0);
    for (int round = 0; round < 200; ++round) {
        CHECK_EQUAL(current_processor(), 0);
        sched_yield();
    }
    return nullptr;
}

void test_processors()
{
    CHECK_EQUAL(raw::thread_set_affinity(self(), 0), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::thread_set_affinity(self(), std::uint64_t { 1 } << 40), error(abi::Error::invalid_argument));
    pthread_t threads[3] {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, stay_on_the_first, nullptr), 0);
    for (const auto each : threads) CHECK_EQUAL(pthread_join(each, nullptr), 0);
}

// Two that never give way, on one processor: only the end of their turns lets the other on.
std::atomic<int> whose_turn { 0 };
void* take_turns(void* number)
{
    const int me = static_cast<int>(reinterpret_cast<std::intptr_t>(number));
    CHECK_EQUAL(raw::thread_set_affinity(self(), 1), 0);
    for (int round = 0; round < 10; ++round) {
        while (whose_turn.load() != me) { }
        whose_turn = 1 - me;
    }
    return nullptr;
}

void test_turns_end()
{
    pthread_t threads[2] {};
    for (std::intptr_t index = 0; index < 2; ++index)
        CHECK_EQUAL(pthread_create(&threads[index], nullptr, take_turns, reinterpret_cast<void*>(index)), 0);
    for (const auto each : threads) CHECK_EQUAL(pthread_join(each, nullptr), 0);
}

// A busy thread that tells where it is.
struct Wanderer {
    std::atomic<std::uint64_t> handle { 0 };
    std::atomic<std::uint64_t> place { 0 }; // looks so far * 64 + processor
    pthread_t thread {};
};
std::atomic<bool> settle_down { false };

void* wander(void* argument)
{
    auto& me = *static_cast<Wanderer*>(argument);
    me.handle = self();
    for (std::uint64_t looks = 1; !settle_down.load(); ++looks) me.place = looks * 64 + current_processor();
    return nullptr;
}

constexpr timespec moment { .tv_sec = 0, .tv_nsec = 50'000 };

// Where it is by its next look.
unsigned next_place(const Wanderer& wanderer)
{
    const std::uint64_t seen = wanderer.place.load() / 64;
    std::uint64_t place = 0;
    while ((place = wanderer.place.load()) / 64 <= seen + 1) nanosleep(&moment, nullptr); // the look under way may be of before
    return place % 64;
}

// More busy threads than processors are sent about; each arrives where it may run, and stays there.
void test_processors_change_under_load()
{
    std::uint64_t processors = 0;
    for (unsigned number = 0; number < 32; ++number)
        if (raw::thread_set_affinity(self(), std::uint64_t { 1 } << number) == 0) processors |= std::uint64_t { 1 } << number;
    CHECK_EQUAL(raw::thread_set_affinity(self(), processors), 0);
    Wanderer wanderers[6];
    for (auto& each : wanderers) CHECK_EQUAL(pthread_create(&each.thread, nullptr, wander, &each), 0);
    for (auto& each : wanderers)
        while (each.handle == 0) sched_yield();
    // The one that looks must not wait for its turn behind all of them.
    CHECK_EQUAL(raw::thread_set_priority(self(), abi::priority_normal + 1), 0);
    std::uint32_t random = 12345;
    for (int round = 0; round < 40; ++round) {
        random = random * 1664525 + 1013904223;
        Wanderer& chosen = wanderers[(random >> 8) % 6];
        std::uint64_t allowed = processors & (random >> 16);
        if (allowed == 0) allowed = processors & -processors;
        CHECK_EQUAL(raw::thread_set_affinity(chosen.handle.load(), allowed), 0);
        while (!(allowed >> next_place(chosen) & 1)) nanosleep(&moment, nullptr);
        for (int look = 0; look < 3; ++look) CHECK(allowed >> next_place(chosen) & 1);
    }
    settle_down = true;
    for (auto& each : wanderers) CHECK_EQUAL(pthread_join(each.thread, nullptr), 0);
    CHECK_EQUAL(raw::thread_set_priority(self(), abi::priority_normal), 0);
}

void* do_nothing(void*) { return nullptr; }

void test_limits()
{
    CHECK_EQUAL(raw::thread_set_priority(self(), abi::priority_count), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::priority, abi::priority_normal), 0);
    CHECK_EQUAL(raw::thread_set_priority(self(), abi::priority_normal + 1), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::priority, abi::priority_normal + 1), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::count, 0), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::threads, 2), 0);
    pthread_t first {}, second {};
    stop = false;
    CHECK_EQUAL(pthread_create(&first, nullptr, spin, nullptr), 0);
    CHECK(pthread_create(&second, nullptr, do_nothing, nullptr) != 0);
    stop = true;
    CHECK_EQUAL(pthread_join(first, nullptr), 0);
    // A bomb of handles ends at the limit, and the program goes on.
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::handles, 100), 0);
    std::int64_t result = 0;
    int made = 0;
    while ((result = raw::memory_create(4096, 0)) >= 0) ++made;
    CHECK_EQUAL(result, error(abi::Error::limit_reached));
    CHECK(made < 100);
}

} // namespace

int main()
{
    test_important_among_busy_ones();
    test_nobody_starves();
    test_processors();
    test_turns_end();
    test_processors_change_under_load();
    test_limits();
    return 0;
}
