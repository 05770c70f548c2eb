// siginfo_t: what comes with a signal belongs to it (invariant S6). POSIX.1-2024: <signal.h>, sigqueue, XSH 2.4.3.
#include "check.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

namespace {

siginfo_t seen;
volatile sig_atomic_t handled = 0;
volatile sig_atomic_t seen_number = 0;

void note(int number, siginfo_t* info, void*)
{
    seen = *info;
    seen_number = number;
    handled = handled + 1;
}

void install(int number)
{
    struct sigaction action {};
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
    std::memset(&seen, 0, sizeof seen);
}

void kill_says_who()
{
    install(SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGUSR1);
    CHECK_EQUAL(seen.si_signo, SIGUSR1);
    CHECK_EQUAL(seen.si_code, SI_USER);
    CHECK_EQUAL(seen.si_pid, getpid());
    CHECK_EQUAL(seen.si_uid, getuid());
    CHECK_EQUAL(seen.si_errno, 0);
}

void raise_says_who()
{
    install(SIGUSR2);
    raise(SIGUSR2);
    CHECK_EQUAL(seen.si_signo, SIGUSR2);
    CHECK_EQUAL(seen.si_code, SI_TKILL);
    CHECK_EQUAL(seen.si_pid, getpid());
}

void sigqueue_brings_a_value()
{
    install(SIGUSR1);
    sigval value {};
    value.sival_int = 12345;
    CHECK_EQUAL(sigqueue(getpid(), SIGUSR1, value), 0);
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen.si_code, SI_QUEUE);
    CHECK_EQUAL(seen.si_value.sival_int, 12345);
    CHECK_EQUAL(seen.si_pid, getpid());
    value.sival_ptr = &seen;
    CHECK_EQUAL(sigqueue(getpid(), SIGUSR1, value), 0);
    CHECK(seen.si_value.sival_ptr == &seen);
}

// Of two that merge, the information is of the first: it was there when the second came.
void merging_keeps_the_first()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigval value {};
    for (int i = 0; i < 2; i++) {
        install(SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        value.sival_int = 1;
        sigqueue(getpid(), SIGUSR1, value);
        value.sival_int = 2;
        sigqueue(getpid(), SIGUSR1, value);
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
        CHECK_EQUAL(handled, 1);
        CHECK_EQUAL(seen.si_code, SI_QUEUE);
        CHECK_EQUAL(seen.si_value.sival_int, 1);
    }
}

// Thread- and process-directed signals of one number are two, each with its own information.
void a_thread_and_its_process_have_one_each()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    install(SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    CHECK_EQUAL(handled, 2);
    CHECK_EQUAL(seen.si_code, SI_USER); // the thread's own came first
}

void different_signals_keep_their_values()
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, nullptr);
    const int numbers[] = { SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM };
    sigval value {};
    for (const int number : numbers) {
        value.sival_int = number * 1000;
        CHECK_EQUAL(sigqueue(getpid(), number, value), 0);
    }
    for (const int number : numbers) {
        install(number);
        sigemptyset(&set);
        sigaddset(&set, number);
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
        CHECK_EQUAL(handled, 1);
        CHECK_EQUAL(seen.si_signo, number);
        CHECK_EQUAL(seen.si_value.sival_int, number * 1000);
    }
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, nullptr);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "kill says who", kill_says_who },
        { "raise says who", raise_says_who },
        { "sigqueue brings a value", sigqueue_brings_a_value },
        { "merging keeps the first", merging_keeps_the_first },
        { "a thread and its process have one each", a_thread_and_its_process_have_one_each },
        { "different signals keep their values", different_signals_keep_their_values },
    };
    return posix_test::run(tests);
}
