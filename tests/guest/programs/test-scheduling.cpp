// Priorities, processors and limits as a program sees them; and a crowd of threads that can't keep others from running.
#include <atomic>
#include <pthread.h>
#include <sched.h>

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
    test_limits();
    return 0;
}
