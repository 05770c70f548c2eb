// Timer signals: alarm, setitimer, getitimer. No test depends on how fast the machine is: each waits for its event.
// POSIX.1-2024: alarm; POSIX.1-2017: setitimer.
#include "check.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/time.h>
#include <unistd.h>

namespace {

volatile sig_atomic_t handled = 0;
volatile double work = 1.0;

void count(int) { handled = handled + 1; }

void install()
{
    struct sigaction action {};
    action.sa_handler = count;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGALRM, &action, nullptr), 0);
    handled = 0;
}

std::uint64_t now_in_nanoseconds()
{
    timespec time {};
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

itimerval interval_of(long first_microseconds, long next_microseconds)
{
    return { .it_interval = { .tv_sec = next_microseconds / 1'000'000, .tv_usec = next_microseconds % 1'000'000 },
        .it_value = { .tv_sec = first_microseconds / 1'000'000, .tv_usec = first_microseconds % 1'000'000 } };
}

// The running code is interrupted; its computation is not disturbed.
void a_timer_interrupts_a_computation()
{
    install();
    const itimerval timer = interval_of(5'000, 0);
    const std::uint64_t begin = now_in_nanoseconds();
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    while (handled == 0)
        work = work * 1.0000001;
    CHECK(now_in_nanoseconds() - begin >= 5'000'000);
    CHECK_EQUAL(handled, 1);
}

void an_interval_repeats()
{
    install();
    const itimerval timer = interval_of(1'000, 2'000);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    while (handled < 10)
        work = work * 1.0000001;
    const itimerval off = interval_of(0, 0);
    itimerval old {};
    CHECK_EQUAL(setitimer(ITIMER_REAL, &off, &old), 0);
    CHECK_EQUAL(old.it_interval.tv_usec, 2'000);
    itimerval now {};
    CHECK_EQUAL(getitimer(ITIMER_REAL, &now), 0);
    CHECK_EQUAL(now.it_value.tv_sec, 0);
    CHECK_EQUAL(now.it_value.tv_usec, 0);
}

void alarm_tells_what_was_left()
{
    install();
    CHECK_EQUAL(alarm(1000), 0u);
    const unsigned left = alarm(500);
    CHECK(left > 900 && left <= 1000);
    itimerval now {};
    CHECK_EQUAL(getitimer(ITIMER_REAL, &now), 0); // the same timer
    CHECK(now.it_value.tv_sec >= 400 && now.it_value.tv_sec <= 500);
    const unsigned left_again = alarm(0);
    CHECK(left_again > 400 && left_again <= 500);
    CHECK_EQUAL(alarm(0), 0u);
    CHECK_EQUAL(handled, 0);
}

void a_pending_timer_signal_waits_like_any_other()
{
    install();
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const itimerval timer = interval_of(1'000, 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    do
        sigpending(&pending);
    while (sigismember(&pending, SIGALRM) != 1);
    CHECK_EQUAL(handled, 0);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    CHECK_EQUAL(handled, 1);
}

void errors()
{
    itimerval timer = interval_of(0, 0);
    timer.it_value.tv_usec = 1'000'000;
    errno = 0;
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), -1);
    CHECK_EQUAL(errno, EINVAL);
    timer.it_value.tv_usec = -1;
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), -1);
    errno = 0;
    CHECK_EQUAL(getitimer(99, &timer), -1);
    CHECK_EQUAL(errno, EINVAL);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a timer interrupts a computation", a_timer_interrupts_a_computation },
        { "an interval repeats", an_interval_repeats },
        { "alarm tells what was left", alarm_tells_what_was_left },
        { "a pending timer signal waits like any other", a_pending_timer_signal_waits_like_any_other },
        { "errors", errors },
    };
    return posix_test::run(tests);
}
