// The date. Its argument is the second of 1970 at which the machine was started, as its battery clock has it; without one only what
// holds for every date is tried. The harness gives QEMU a date of its own choice (guest_date_test.cpp).
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <sched.h>
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

// A sleeper on another thread, and the calendar set under it. `woke_at` is what the clock showed when it was awake again.
struct Sleeper {
    timespec moment {};
    std::atomic<int> state { 0 }; // 1 = about to sleep, 2 = awake
    timespec woke_at {};
    pthread_t thread {};

    explicit Sleeper(timespec moment) : moment(moment)
    {
        CHECK_EQUAL(pthread_create(&thread, nullptr, sleep, this), 0);
        while (state == 0) sched_yield();
    }
    void wait_until_awake() { CHECK_EQUAL(pthread_join(thread, nullptr), 0); }
    static void* sleep(void* argument)
    {
        auto& self = *static_cast<Sleeper*>(argument);
        self.state = 1;
        CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &self.moment, nullptr), 0);
        self.woke_at = show(CLOCK_REALTIME);
        self.state = 2;
        return nullptr;
    }
};

// POSIX clock_settime: who sleeps until an absolute time of the clock is woken by the new one, be it nearer or further.
// Lengths are not affected.
void test_setting_moves_sleepers()
{
    constexpr time_t day = 24 * 60 * 60;
    const timespec start { .tv_sec = 2'000'000'000, .tv_nsec = 0 };
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &start), 0);

    Sleeper forwards({ .tv_sec = start.tv_sec + day, .tv_nsec = 0 });
    const timespec pause { .tv_sec = 0, .tv_nsec = 2'000'000 };
    CHECK_EQUAL(nanosleep(&pause, nullptr), 0); // most likely it sleeps by now; the test holds if not
    CHECK_EQUAL(forwards.state.load(), 1);
    const timespec next_week { .tv_sec = start.tv_sec + 7 * day, .tv_nsec = 0 };
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &next_week), 0);
    forwards.wait_until_awake();
    CHECK(!before(forwards.woke_at, next_week));

    // Set back, its moment is further away than it was; and set forwards again, it is over.
    Sleeper backwards({ .tv_sec = next_week.tv_sec + 30, .tv_nsec = 0 });
    const timespec yesterday { .tv_sec = next_week.tv_sec - day, .tv_nsec = 0 };
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &yesterday), 0);
    CHECK_EQUAL(nanosleep(&pause, nullptr), 0); // a length: the date is nothing to it
    const timespec after { .tv_sec = next_week.tv_sec + 60, .tv_nsec = 0 };
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &after), 0);
    backwards.wait_until_awake();
    CHECK(!before(backwards.woke_at, backwards.moment));

    // Condition variables too.
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    std::atomic<bool> waits { false };
    struct Argument {
        pthread_mutex_t& mutex;
        pthread_cond_t& condition;
        std::atomic<bool>& waits;
        timespec limit;
    } argument { mutex, condition, waits, { .tv_sec = after.tv_sec + day, .tv_nsec = 0 } };
    pthread_t thread;
    CHECK_EQUAL(pthread_create(&thread, nullptr,
                    [](void* given) -> void* {
                        auto& argument = *static_cast<Argument*>(given);
                        CHECK_EQUAL(pthread_mutex_lock(&argument.mutex), 0);
                        argument.waits = true;
                        int result = 0;
                        while (result == 0) result = pthread_cond_timedwait(&argument.condition, &argument.mutex, &argument.limit);
                        CHECK_EQUAL(result, ETIMEDOUT);
                        CHECK_EQUAL(pthread_mutex_unlock(&argument.mutex), 0);
                        return nullptr;
                    },
                    &argument),
        0);
    while (!waits) sched_yield();
    CHECK_EQUAL(pthread_mutex_lock(&mutex), 0); // it is in its wait now
    CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
    CHECK_EQUAL(clock_settime(CLOCK_REALTIME, &argument.limit), 0);
    CHECK_EQUAL(pthread_join(thread, nullptr), 0);
}

// The kernel's timer of a thread, by the date: it comes when the date does, and repeats by the clock.
void test_timer_by_date()
{
    static std::atomic<int> count { 0 };
    std::signal(SIGALRM, [](int) { ++count; });
    const std::uint64_t date = static_cast<std::uint64_t>(raw::clock_now(abi::Clock::since_1970));
    constexpr std::uint64_t hour = 3'600'000'000'000;
    CHECK_EQUAL(raw::signal_timer(abi::deadline_at(abi::Clock::since_1970, date + hour), 100'000u, SIGALRM), 0);
    const timespec pause { .tv_sec = 0, .tv_nsec = 2'000'000 };
    CHECK_EQUAL(nanosleep(&pause, nullptr), 0);
    CHECK_EQUAL(count.load(), 0);
    CHECK_EQUAL(raw::clock_set(auxiliary(abi::Auxiliary::hardware_handle), date + hour), 0);
    while (count < 3) sched_yield();
    CHECK_EQUAL(raw::signal_timer(0u, 0u, 0u), 0);
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
    test_setting_moves_sleepers();
    test_timer_by_date();
    test_who_may_not_set_it();
    return 0;
}
