// The date. Its argument is the second of 1970 at which the machine was started, as its battery clock has it; without one only what
// holds for every date is tried. The harness gives QEMU a date of its own choice (guest_date_test.cpp).
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <sys/time.h>

#include "check.h"
#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

timespec show(clockid_t clock)
{
    timespec time {};
    CHECK_EQUAL(clock_gettime(clock, &time), 0);
    return time;
}

void test_both_clocks_run_alike()
{
    const timespec date = show(CLOCK_REALTIME), since_start = show(CLOCK_MONOTONIC);
    const long long difference = date.tv_sec - since_start.tv_sec;
    for (int round = 0; round < 1000; ++round) {
        const long long now = show(CLOCK_REALTIME).tv_sec - show(CLOCK_MONOTONIC).tv_sec;
        CHECK(now >= difference - 1 && now <= difference + 1);
    }
    timeval day {};
    CHECK_EQUAL(gettimeofday(&day, nullptr), 0);
    CHECK(day.tv_sec - date.tv_sec >= 0 && day.tv_sec - date.tv_sec <= 60);
    CHECK(std::time(nullptr) >= date.tv_sec);
    CHECK_EQUAL(raw::clock_now(2), error(abi::Error::invalid_argument));
}

timespec later(timespec time, long nanoseconds)
{
    time.tv_nsec += nanoseconds;
    if (time.tv_nsec >= 1'000'000'000) {
        time.tv_nsec -= 1'000'000'000;
        ++time.tv_sec;
    }
    return time;
}
bool before(const timespec& a, const timespec& b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

// Sleeping until a moment of either clock: not before it, and a moment that is over does not sleep.
void test_absolute_moments()
{
    for (const clockid_t clock : { CLOCK_REALTIME, CLOCK_MONOTONIC }) {
        const timespec moment = later(show(clock), 5'000'000);
        CHECK_EQUAL(clock_nanosleep(clock, TIMER_ABSTIME, &moment, nullptr), 0);
        CHECK(!before(show(clock), moment));
        const timespec over { .tv_sec = 0, .tv_nsec = 1 };
        CHECK_EQUAL(clock_nanosleep(clock, TIMER_ABSTIME, &over, nullptr), 0);

        pthread_condattr_t attributes;
        CHECK_EQUAL(pthread_condattr_init(&attributes), 0);
        CHECK_EQUAL(pthread_condattr_setclock(&attributes, clock), 0);
        pthread_cond_t condition;
        CHECK_EQUAL(pthread_cond_init(&condition, &attributes), 0);
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
        const timespec limit = later(show(clock), 5'000'000);
        int result = 0;
        while (result == 0) result = pthread_cond_timedwait(&condition, &mutex, &limit);
        CHECK_EQUAL(result, ETIMEDOUT);
        CHECK(!before(show(clock), limit));
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    }
}

// Only who may use the hardware sets it; then everybody sees it.
void test_setting()
{
    const timespec wanted { .tv_sec = 4'000'000'000, .tv_nsec = 7 };
    const timespec since_start = show(CLOCK_MONOTONIC);
    CHECK_EQUAL(clock_settime(CLOCK_MONOTONIC, &wanted), -1);
    CHECK_EQUAL(errno, EINVAL);
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &wanted), 0);
    const timespec seen = show(CLOCK_REALTIME);
    CHECK(seen.tv_sec >= wanted.tv_sec && seen.tv_sec < wanted.tv_sec + 60);
    CHECK(show(CLOCK_MONOTONIC).tv_sec < since_start.tv_sec + 60);
    CHECK_EQUAL(raw::clock_set(own_space(), 5), error(abi::Error::wrong_kind));
    CHECK_EQUAL(raw::clock_set(auxiliary(abi::Auxiliary::hardware_handle), ~0ull), error(abi::Error::invalid_argument));
}

void test_who_may_not_set_it()
{
    const timespec wanted = show(CLOCK_REALTIME);
    const auto status = process::wait_for_end(start("test-date", "without-hardware", {}));
    CHECK(status.has_value());
    CHECK_EQUAL(status->signal, 0);
    CHECK_EQUAL(status->code, 0);
    CHECK(!before(show(CLOCK_REALTIME), wanted));
}

int set_without_hardware()
{
    const timespec wanted { .tv_sec = 1'000'000'000, .tv_nsec = 0 };
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &wanted), -1);
    CHECK_EQUAL(errno, EPERM);
    return 0;
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1 && std::strcmp(arguments[1], "without-hardware") == 0) return set_without_hardware();
    if (count > 1) {
        const long long started = std::atoll(arguments[1]);
        const timespec date = show(CLOCK_REALTIME);
        CHECK(date.tv_sec >= started);
        CHECK(date.tv_sec <= started + 120); // as long as it may have run by now
    }
    test_both_clocks_run_alike();
    test_absolute_moments();
    test_setting();
    test_who_may_not_set_it();
    return 0;
}
