// Waiting for signals and being interrupted by them: sigsuspend, pause, sigwait, sigwaitinfo, sigtimedwait, nanosleep.
// POSIX.1-2024: the pages of these functions; EINTR as in XSH 2.4.3.
#include "check.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/time.h>
#include <unistd.h>

namespace {

volatile sig_atomic_t handled = 0;
void count(int) { handled = handled + 1; }

void install(int number, void (*handler)(int), int flags = 0)
{
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
}

sigset_t set_of(int first, int second = 0)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    if (second != 0) sigaddset(&set, second);
    return set;
}

bool is_blocked(int number)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, number) == 1;
}

void in_milliseconds(long milliseconds)
{
    const itimerval timer { .it_interval = {}, .it_value = { .tv_sec = 0, .tv_usec = milliseconds * 1000 } };
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
}

std::uint64_t now_in_nanoseconds()
{
    timespec time {};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

void sigsuspend_takes_what_is_pending()
{
    install(SIGUSR1, count);
    const sigset_t set = set_of(SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    errno = 0;
    CHECK_EQUAL(sigsuspend(&none), -1);
    CHECK_EQUAL(errno, EINTR);
    CHECK_EQUAL(handled, 1);
    CHECK(is_blocked(SIGUSR1)); // the mask is as before
    const sigset_t empty = none;
    sigprocmask(SIG_SETMASK, &empty, nullptr);
}

void sigsuspend_waits_for_a_timer()
{
    install(SIGALRM, count);
    const sigset_t set = set_of(SIGALRM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    sigset_t none;
    sigemptyset(&none);
    for (int i = 1; i <= 5; i++) {
        in_milliseconds(2);
        CHECK_EQUAL(sigsuspend(&none), -1);
        CHECK_EQUAL(handled, i);
    }
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

// An ignored signal does not end the wait.
void only_handlers_end_sigsuspend()
{
    install(SIGALRM, count);
    install(SIGUSR2, SIG_IGN);
    const sigset_t set = set_of(SIGALRM, SIGUSR2);
    sigset_t old;
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR2);
    in_milliseconds(3);
    const std::uint64_t begin = now_in_nanoseconds();
    CHECK_EQUAL(sigsuspend(&old), -1);
    CHECK(now_in_nanoseconds() - begin > 1'000'000);
    CHECK_EQUAL(handled, 1);
    sigprocmask(SIG_SETMASK, &old, nullptr);
}

void pause_ends_with_a_handler()
{
    install(SIGALRM, count);
    in_milliseconds(2);
    errno = 0;
    // If the machine is so slow that the timer is over before pause begins, there must still be an end.
    const itimerval again { .it_interval = { .tv_sec = 0, .tv_usec = 20'000 },
        .it_value = { .tv_sec = 0, .tv_usec = 2'000 } };
    CHECK_EQUAL(setitimer(ITIMER_REAL, &again, nullptr), 0);
    CHECK_EQUAL(pause(), -1);
    CHECK_EQUAL(errno, EINTR);
    CHECK(handled >= 1);
    const itimerval off {};
    setitimer(ITIMER_REAL, &off, nullptr);
}

void sigwaitinfo_takes_a_signal_without_a_handler()
{
    const sigset_t set = set_of(SIGUSR1, SIGUSR2);
    install(SIGUSR1, count);
    install(SIGUSR2, count);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    sigval value {};
    value.sival_int = 99;
    sigqueue(getpid(), SIGUSR2, value);
    siginfo_t info {};
    CHECK_EQUAL(sigwaitinfo(&set, &info), SIGUSR2);
    CHECK_EQUAL(info.si_signo, SIGUSR2);
    CHECK_EQUAL(info.si_code, SI_QUEUE);
    CHECK_EQUAL(info.si_value.sival_int, 99);
    raise(SIGUSR1);
    int number = 0;
    CHECK_EQUAL(sigwait(&set, &number), 0);
    CHECK_EQUAL(number, SIGUSR1);
    CHECK_EQUAL(handled, 0);
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQUAL(sigismember(&pending, SIGUSR1), 0);
    CHECK_EQUAL(sigismember(&pending, SIGUSR2), 0);
    CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    CHECK_EQUAL(handled, 0);
}

void sigwait_waits()
{
    install(SIGALRM, count);
    const sigset_t set = set_of(SIGALRM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    in_milliseconds(3);
    int number = 0;
    CHECK_EQUAL(sigwait(&set, &number), 0);
    CHECK_EQUAL(number, SIGALRM);
    CHECK_EQUAL(handled, 0);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void sigtimedwait_has_a_limit()
{
    const sigset_t set = set_of(SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const timespec at_once {};
    errno = 0;
    CHECK_EQUAL(sigtimedwait(&set, nullptr, &at_once), -1);
    CHECK_EQUAL(errno, EAGAIN);
    const timespec short_time { .tv_sec = 0, .tv_nsec = 3'000'000 };
    const std::uint64_t begin = now_in_nanoseconds();
    CHECK_EQUAL(sigtimedwait(&set, nullptr, &short_time), -1);
    CHECK_EQUAL(errno, EAGAIN);
    CHECK(now_in_nanoseconds() - begin >= 3'000'000);
    raise(SIGUSR1);
    CHECK_EQUAL(sigtimedwait(&set, nullptr, &at_once), SIGUSR1);
    const timespec bad { .tv_sec = 0, .tv_nsec = 1'000'000'000 };
    errno = 0;
    CHECK_EQUAL(sigtimedwait(&set, nullptr, &bad), -1);
    CHECK_EQUAL(errno, EINVAL);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void another_signal_ends_sigwaitinfo()
{
    install(SIGALRM, count);
    const sigset_t set = set_of(SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    const itimerval again { .it_interval = { .tv_sec = 0, .tv_usec = 20'000 },
        .it_value = { .tv_sec = 0, .tv_usec = 2'000 } };
    CHECK_EQUAL(setitimer(ITIMER_REAL, &again, nullptr), 0);
    errno = 0;
    CHECK_EQUAL(sigwaitinfo(&set, nullptr), -1);
    CHECK_EQUAL(errno, EINTR);
    CHECK(handled >= 1);
    const itimerval off {};
    setitimer(ITIMER_REAL, &off, nullptr);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void nanosleep_sleeps()
{
    const timespec time { .tv_sec = 0, .tv_nsec = 4'000'000 };
    const std::uint64_t begin = now_in_nanoseconds();
    CHECK_EQUAL(nanosleep(&time, nullptr), 0);
    CHECK(now_in_nanoseconds() - begin >= 4'000'000);
    const timespec bad { .tv_sec = 0, .tv_nsec = -1 };
    errno = 0;
    CHECK_EQUAL(nanosleep(&bad, nullptr), -1);
    CHECK_EQUAL(errno, EINVAL);
}

// SA_RESTART does not restart it; the remaining time is told.
void nanosleep_is_interrupted()
{
    for (const int flags : { 0, SA_RESTART }) {
        install(SIGALRM, count, flags);
        const timespec time { .tv_sec = 100, .tv_nsec = 0 };
        timespec left {};
        in_milliseconds(2);
        errno = 0;
        CHECK_EQUAL(nanosleep(&time, &left), -1);
        CHECK_EQUAL(errno, EINTR);
        CHECK_EQUAL(handled, 1);
        CHECK(left.tv_sec >= 50 && left.tv_sec < 100);
    }
}

// A signal that is handled by nobody leaves the sleep alone.
void an_ignored_signal_does_not_end_a_sleep()
{
    install(SIGALRM, SIG_IGN);
    const timespec time { .tv_sec = 0, .tv_nsec = 6'000'000 };
    in_milliseconds(2);
    const std::uint64_t begin = now_in_nanoseconds();
    CHECK_EQUAL(nanosleep(&time, nullptr), 0);
    CHECK(now_in_nanoseconds() - begin >= 6'000'000);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "sigsuspend takes what is pending", sigsuspend_takes_what_is_pending },
        { "sigsuspend waits for a timer", sigsuspend_waits_for_a_timer },
        { "only handlers end sigsuspend", only_handlers_end_sigsuspend },
        { "pause ends with a handler", pause_ends_with_a_handler },
        { "sigwaitinfo takes a signal without a handler", sigwaitinfo_takes_a_signal_without_a_handler },
        { "sigwait waits", sigwait_waits },
        { "sigtimedwait has a limit", sigtimedwait_has_a_limit },
        { "another signal ends sigwaitinfo", another_signal_ends_sigwaitinfo },
        { "nanosleep sleeps", nanosleep_sleeps },
        { "nanosleep is interrupted", nanosleep_is_interrupted },
        { "an ignored signal does not end a sleep", an_ignored_signal_does_not_end_a_sleep },
    };
    return posix_test::run(tests);
}
