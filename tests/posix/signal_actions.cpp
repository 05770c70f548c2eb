// Actions: sigaction, signal, siginterrupt, the SA_ flags that choose them, and the actions "ignore" and "default".
// POSIX.1-2024: sigaction, signal, signal concepts (XSH 2.4).
#include "check.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace {

volatile sig_atomic_t handled = 0;
volatile sig_atomic_t depth = 0;
volatile sig_atomic_t deepest = 0;

void count(int) { handled = handled + 1; }
void count_with_information(int, siginfo_t*, void*) { handled = handled + 1; }

// Raises itself again from inside.
void recurse(int number)
{
    handled = handled + 1;
    depth = depth + 1;
    if (depth > deepest) deepest = depth;
    if (handled < 3) raise(number);
    depth = depth - 1;
}

void install(int number, void (*handler)(int), int flags = 0)
{
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
}

void the_old_action_is_returned()
{
    struct sigaction action {};
    struct sigaction old {};
    action.sa_sigaction = count_with_information;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    CHECK_EQUAL(sigaction(SIGUSR1, nullptr, &old), 0);
    CHECK(old.sa_sigaction == count_with_information);
    CHECK_EQUAL(old.sa_flags & (SA_SIGINFO | SA_RESTART | SA_NODEFER), SA_SIGINFO | SA_RESTART);
    CHECK_EQUAL(sigismember(&old.sa_mask, SIGTERM), 1);
    CHECK_EQUAL(sigismember(&old.sa_mask, SIGHUP), 0);
    install(SIGUSR1, SIG_DFL);
    CHECK_EQUAL(sigaction(SIGUSR1, nullptr, &old), 0);
    CHECK(old.sa_handler == SIG_DFL);
}

void an_ignored_signal_does_nothing()
{
    install(SIGUSR1, SIG_IGN);
    CHECK_EQUAL(raise(SIGUSR1), 0);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQUAL(sigismember(&pending, SIGUSR1), 0);
}

void ignoring_discards_what_is_pending()
{
    for (const int number : { SIGUSR1, SIGCHLD }) {
        sigset_t set, pending;
        sigemptyset(&set);
        sigaddset(&set, number);
        install(number, count);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        raise(number);
        kill(getpid(), number);
        sigpending(&pending);
        CHECK_EQUAL(sigismember(&pending, number), 1);
        install(number, number == SIGCHLD ? SIG_DFL : SIG_IGN); // SIGCHLD's default is to ignore
        sigpending(&pending);
        CHECK_EQUAL(sigismember(&pending, number), 0);
        install(number, count);
        handled = 0;
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
        CHECK_EQUAL(handled, 0);
    }
}

void signals_that_are_ignored_by_default()
{
    for (const int number : { SIGCHLD, SIGURG, SIGWINCH, SIGCONT }) {
        install(number, SIG_DFL);
        CHECK_EQUAL(raise(number), 0);
        CHECK_EQUAL(kill(getpid(), number), 0);
    }
}

void a_handler_that_resets_itself_runs_once()
{
    install(SIGUSR1, count, SA_RESETHAND);
    handled = 0;
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 1);
    struct sigaction old {};
    sigaction(SIGUSR1, nullptr, &old);
    CHECK(old.sa_handler == SIG_DFL);
}

void without_nodefer_a_handler_is_not_nested()
{
    install(SIGUSR1, recurse);
    handled = 0;
    deepest = 0;
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 3); // one behind the other
    CHECK_EQUAL(deepest, 1);
}

void with_nodefer_it_is()
{
    install(SIGUSR1, recurse, SA_NODEFER);
    handled = 0;
    deepest = 0;
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 3);
    CHECK_EQUAL(deepest, 3);
}

void some_signals_have_no_action()
{
    struct sigaction action {};
    for (const int number : { SIGKILL, SIGSTOP, 0, -1, 65 }) {
        for (auto* const handler : { SIG_IGN, count }) {
            action.sa_handler = handler;
            errno = 0;
            CHECK_EQUAL(sigaction(number, &action, nullptr), -1);
            CHECK_EQUAL(errno, EINVAL);
            CHECK(signal(number, handler) == SIG_ERR);
        }
    }
    CHECK_EQUAL(sigaction(SIGKILL, nullptr, &action), 0); // asking is allowed
    CHECK(action.sa_handler == SIG_DFL);
}

void signal_returns_the_old_handler_and_keeps_the_new()
{
    install(SIGUSR2, SIG_DFL);
    CHECK(signal(SIGUSR2, count) == SIG_DFL);
    CHECK(signal(SIGUSR2, count) == count);
    handled = 0;
    raise(SIGUSR2);
    raise(SIGUSR2);
    CHECK_EQUAL(handled, 2);
    CHECK(signal(SIGUSR2, SIG_IGN) == count);
    raise(SIGUSR2);
    CHECK_EQUAL(handled, 2);
}

void sending_errors()
{
    for (const int number : { -1, 65, 1000 }) {
        errno = 0;
        CHECK_EQUAL(kill(getpid(), number), -1);
        CHECK_EQUAL(errno, EINVAL);
        errno = 0;
        CHECK_EQUAL(sigqueue(getpid(), number, sigval {}), -1);
        CHECK_EQUAL(errno, EINVAL);
    }
    CHECK(raise(-1) != 0);
    CHECK(raise(65) != 0);
    CHECK_EQUAL(kill(getpid(), 0), 0); // only asks whether it is there
    errno = 0;
    CHECK_EQUAL(kill(0x3ffffff, 0), -1);
    CHECK_EQUAL(errno, ESRCH);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "the old action is returned", the_old_action_is_returned },
        { "an ignored signal does nothing", an_ignored_signal_does_nothing },
        { "ignoring discards what is pending", ignoring_discards_what_is_pending },
        { "signals that are ignored by default", signals_that_are_ignored_by_default },
        { "a handler that resets itself runs once", a_handler_that_resets_itself_runs_once },
        { "without SA_NODEFER a handler is not nested", without_nodefer_a_handler_is_not_nested },
        { "with SA_NODEFER it is", with_nodefer_it_is },
        { "some signals have no action", some_signals_have_no_action },
        { "signal() returns the old handler and keeps the new", signal_returns_the_old_handler_and_keeps_the_new },
        { "errors of kill, raise and sigqueue", sending_errors },
    };
    return posix_test::run(tests);
}
