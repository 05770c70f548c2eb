// Masks and pending sets: sigprocmask, sigpending, and what a blocked signal does (invariants S1, S3, S4).
// POSIX.1-2024: sigprocmask, sigpending, sigaddset and its family.
#include "check.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace {

volatile sig_atomic_t handled = 0;
volatile sig_atomic_t order[8];

void count(int) { handled = handled + 1; }
void note_order(int number)
{
    order[handled] = number;
    handled = handled + 1;
}

void install(int number, void (*handler)(int), int flags = 0)
{
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
}

sigset_t set_of(int first, int second = 0, int third = 0)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int number : { first, second, third }) {
        if (number != 0) sigaddset(&set, number);
    }
    return set;
}

void block(const sigset_t& set) { CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, nullptr), 0); }
void unblock(const sigset_t& set) { CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &set, nullptr), 0); }

bool is_pending(int number)
{
    sigset_t pending;
    CHECK_EQUAL(sigpending(&pending), 0);
    return sigismember(&pending, number) == 1;
}

void a_blocked_signal_waits_until_it_is_unblocked()
{
    install(SIGUSR1, count);
    handled = 0;
    const sigset_t set = set_of(SIGUSR1);
    block(set);
    CHECK_EQUAL(raise(SIGUSR1), 0);
    CHECK_EQUAL(handled, 0);
    CHECK(is_pending(SIGUSR1));
    CHECK(!is_pending(SIGUSR2));
    unblock(set);
    CHECK_EQUAL(handled, 1); // before sigprocmask returned
    CHECK(!is_pending(SIGUSR1));
}

void kill_of_oneself_waits_too()
{
    install(SIGUSR1, count);
    handled = 0;
    const sigset_t set = set_of(SIGUSR1);
    block(set);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    CHECK_EQUAL(handled, 0);
    CHECK(is_pending(SIGUSR1));
    unblock(set);
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    CHECK_EQUAL(handled, 2); // POSIX: before kill returned, as nobody else could take it
}

void standard_signals_merge()
{
    install(SIGUSR1, count);
    handled = 0;
    const sigset_t set = set_of(SIGUSR1);
    block(set);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    unblock(set);
    CHECK_EQUAL(handled, 1);
    CHECK(!is_pending(SIGUSR1));
}

void several_signals_are_all_delivered()
{
    install(SIGUSR1, note_order);
    install(SIGUSR2, note_order);
    install(SIGHUP, note_order);
    handled = 0;
    const sigset_t set = set_of(SIGUSR1, SIGUSR2, SIGHUP);
    block(set);
    raise(SIGUSR2);
    raise(SIGHUP);
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 0);
    unblock(set);
    CHECK_EQUAL(handled, 3);
    int seen = 0;
    for (int i = 0; i < 3; i++)
        seen |= 1 << order[i];
    CHECK_EQUAL(seen, 1 << SIGUSR1 | 1 << SIGUSR2 | 1 << SIGHUP);
}

void the_old_mask_is_returned()
{
    const sigset_t one = set_of(SIGUSR1);
    const sigset_t two = set_of(SIGUSR2);
    sigset_t old;
    block(one);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &two, &old), 0);
    CHECK_EQUAL(sigismember(&old, SIGUSR1), 1);
    CHECK_EQUAL(sigismember(&old, SIGUSR2), 0);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &two, &old), 0);
    CHECK_EQUAL(sigismember(&old, SIGUSR1), 1);
    CHECK_EQUAL(sigismember(&old, SIGUSR2), 1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, nullptr, &old), 0); // only asks
    CHECK_EQUAL(sigismember(&old, SIGUSR1), 0);
    CHECK_EQUAL(sigismember(&old, SIGUSR2), 1);
    CHECK_EQUAL(sigprocmask(12345, nullptr, &old), 0); // `how` does not matter then
    unblock(two);
    // Set and old mask may be the same object.
    sigset_t both = set_of(SIGUSR1);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, &both, &both), 0);
    CHECK_EQUAL(sigismember(&both, SIGUSR1), 0);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &both, nullptr), 0);
}

void some_signals_cannot_be_blocked()
{
    sigset_t all, old, now;
    sigfillset(&all);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &all, &old), 0);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &old, &now), 0);
    CHECK_EQUAL(sigismember(&now, SIGKILL), 0);
    CHECK_EQUAL(sigismember(&now, SIGSTOP), 0);
    CHECK_EQUAL(sigismember(&now, SIGTERM), 1);
    CHECK_EQUAL(sigismember(&now, SIGRTMAX), 1);
}

void errors()
{
    const sigset_t set = set_of(SIGUSR1);
    errno = 0;
    CHECK_EQUAL(sigprocmask(12345, &set, nullptr), -1);
    CHECK_EQUAL(errno, EINVAL);
    CHECK_EQUAL(pthread_sigmask(12345, &set, nullptr), EINVAL); // returns it
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    CHECK_EQUAL(sigismember(&now, SIGUSR1), 0);
}

void sets()
{
    sigset_t set;
    CHECK_EQUAL(sigemptyset(&set), 0);
    CHECK_EQUAL(sigismember(&set, SIGHUP), 0);
    CHECK_EQUAL(sigaddset(&set, SIGHUP), 0);
    CHECK_EQUAL(sigaddset(&set, SIGRTMAX), 0);
    CHECK_EQUAL(sigismember(&set, SIGHUP), 1);
    CHECK_EQUAL(sigismember(&set, SIGRTMAX), 1);
    CHECK_EQUAL(sigdelset(&set, SIGHUP), 0);
    CHECK_EQUAL(sigismember(&set, SIGHUP), 0);
    for (const int number : { 0, -1, 65, 1000 }) {
        errno = 0;
        CHECK_EQUAL(sigaddset(&set, number), -1);
        CHECK_EQUAL(errno, EINVAL);
        CHECK_EQUAL(sigismember(&set, number), -1);
    }
    CHECK_EQUAL(sigfillset(&set), 0);
    CHECK_EQUAL(sigismember(&set, SIGTERM), 1);
}

// The mask that the handler sees is the interrupted one plus its own signal plus sa_mask; afterwards it is back.
volatile sig_atomic_t mask_was_right = 0;
void look_at_mask(int)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    mask_was_right = sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGUSR2) == 1
        && sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGHUP) == 0;
}

void the_handler_has_its_own_mask()
{
    struct sigaction action {};
    action.sa_handler = look_at_mask;
    action.sa_mask = set_of(SIGUSR2);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    const sigset_t outer = set_of(SIGTERM);
    block(outer);
    mask_was_right = 0;
    raise(SIGUSR1);
    CHECK_EQUAL(mask_was_right, 1);
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    CHECK_EQUAL(sigismember(&now, SIGUSR1), 0);
    CHECK_EQUAL(sigismember(&now, SIGUSR2), 0);
    CHECK_EQUAL(sigismember(&now, SIGTERM), 1);
    unblock(outer);
}

// POSIX 2.4.1: a stop signal discards pending SIGCONT, and SIGCONT every pending stop signal, blocked or not.
void stop_and_continue_discard_each_other()
{
    install(SIGCONT, count);
    handled = 0;
    const sigset_t set = set_of(SIGTSTP, SIGTTIN, SIGCONT);
    block(set);
    CHECK_EQUAL(raise(SIGTSTP), 0);
    CHECK_EQUAL(kill(getpid(), SIGTTIN), 0);
    CHECK(is_pending(SIGTSTP));
    CHECK(is_pending(SIGTTIN));
    CHECK_EQUAL(raise(SIGCONT), 0);
    CHECK(!is_pending(SIGTSTP));
    CHECK(!is_pending(SIGTTIN));
    CHECK(is_pending(SIGCONT));
    CHECK_EQUAL(kill(getpid(), SIGTSTP), 0);
    CHECK(!is_pending(SIGCONT));
    CHECK(is_pending(SIGTSTP));
    CHECK_EQUAL(kill(getpid(), SIGCONT), 0);
    CHECK(!is_pending(SIGTSTP));
    CHECK_EQUAL(handled, 0);
    unblock(set);
    CHECK_EQUAL(handled, 1);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a blocked signal waits until it is unblocked", a_blocked_signal_waits_until_it_is_unblocked },
        { "kill of oneself waits too", kill_of_oneself_waits_too },
        { "standard signals merge", standard_signals_merge },
        { "several signals are all delivered", several_signals_are_all_delivered },
        { "the old mask is returned", the_old_mask_is_returned },
        { "some signals cannot be blocked", some_signals_cannot_be_blocked },
        { "errors", errors },
        { "sets", sets },
        { "stop and continue discard each other", stop_and_continue_discard_each_other },
        { "the handler has its own mask", the_handler_has_its_own_mask },
    };
    return posix_test::run(tests);
}
