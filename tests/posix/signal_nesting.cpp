// Handlers inside handlers: depth, order, masks in between, and that each returns to where it was.
// POSIX.1-2024: XSH 2.4.3, sigaction.
#include "check.h"

#include <csignal>
#include <ucontext.h>

namespace {

// What happened, in order: +number when a handler starts, -number when it ends.
volatile sig_atomic_t events[32];
volatile sig_atomic_t event_count = 0;

void note(int event)
{
    events[event_count] = event;
    event_count = event_count + 1;
}

template <unsigned long count>
void check_events(int line, const int (&wanted)[count])
{
    posix_test::check_equal(__FILE__, line, "number of events", static_cast<int>(event_count), static_cast<int>(count));
    for (unsigned long i = 0; i < count && static_cast<int>(i) < event_count; i++)
        posix_test::check_equal(__FILE__, line, "event", static_cast<int>(events[i]), wanted[i]);
}

void install(int number, void (*handler)(int), int also_blocked = 0)
{
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    if (also_blocked != 0) sigaddset(&action.sa_mask, also_blocked);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
}

void inner(int number)
{
    note(number);
    note(-number);
}
void outer(int number)
{
    note(number);
    raise(SIGUSR2);
    note(-number);
}
void middle(int number)
{
    note(number);
    raise(SIGTERM);
    note(-number);
}

void a_handler_is_interrupted_by_another_signal()
{
    install(SIGUSR1, outer);
    install(SIGUSR2, middle);
    install(SIGTERM, inner);
    event_count = 0;
    raise(SIGUSR1);
    check_events(__LINE__, { SIGUSR1, SIGUSR2, SIGTERM, -SIGTERM, -SIGUSR2, -SIGUSR1 });
}

void a_blocked_one_comes_when_the_handler_is_over()
{
    install(SIGUSR1, outer, SIGUSR2);
    install(SIGUSR2, inner);
    event_count = 0;
    raise(SIGUSR1);
    check_events(__LINE__, { SIGUSR1, -SIGUSR1, SIGUSR2, -SIGUSR2 });
}

// The one that is blocked by the outer handler's mask waits for the outer handler, although it is raised in the inner.
void masks_add_up()
{
    install(SIGUSR1, outer, SIGTERM);
    install(SIGUSR2, middle);
    install(SIGTERM, inner);
    event_count = 0;
    raise(SIGUSR1);
    check_events(__LINE__, { SIGUSR1, SIGUSR2, -SIGUSR2, -SIGUSR1, SIGTERM, -SIGTERM });
}

// Depth 200: each handler has its own frame, and all unwind.
volatile sig_atomic_t depth = 0;
volatile sig_atomic_t deepest = 0;
volatile sig_atomic_t sum_is_right = 1;
void deep(int number)
{
    depth = depth + 1;
    const int mine = depth;
    if (deepest < depth) deepest = depth;
    if (mine < 100) raise(number);
    if (depth != mine) sum_is_right = 0;
    depth = depth - 1;
}

void many_levels()
{
    struct sigaction action {};
    action.sa_handler = deep;
    action.sa_flags = SA_NODEFER;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    raise(SIGUSR1);
    CHECK_EQUAL(depth, 0);
    CHECK_EQUAL(deepest, 100);
    CHECK_EQUAL(sum_is_right, 1);
}

// A handler that edits uc_sigmask: the edited mask is what holds afterwards, and what it lets in is delivered.
void open_the_mask(int number, siginfo_t*, void* argument)
{
    note(number);
    auto* const context = static_cast<ucontext_t*>(argument);
    if (sigismember(&context->uc_sigmask, SIGUSR2) == 1) note(1000); // the interrupted mask is shown
    sigdelset(&context->uc_sigmask, SIGUSR2);
    sigaddset(&context->uc_sigmask, SIGTERM);
    note(-number);
}

void the_mask_in_the_ucontext_counts()
{
    struct sigaction action {};
    action.sa_sigaction = open_the_mask;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    install(SIGUSR2, inner);
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGUSR2);
    event_count = 0;
    raise(SIGUSR1);
    check_events(__LINE__, { SIGUSR1, 1000, -SIGUSR1, SIGUSR2, -SIGUSR2 });
    sigprocmask(SIG_BLOCK, nullptr, &now);
    CHECK_EQUAL(sigismember(&now, SIGUSR2), 0);
    CHECK_EQUAL(sigismember(&now, SIGTERM), 1);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, nullptr);
}

// Not even the ucontext can block what cannot be blocked.
void block_all(int, siginfo_t*, void* argument) { sigfillset(&static_cast<ucontext_t*>(argument)->uc_sigmask); }
void the_ucontext_cannot_block_everything()
{
    struct sigaction action {};
    action.sa_sigaction = block_all;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    raise(SIGUSR1);
    sigset_t now, none;
    sigemptyset(&none);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &none, &now), 0);
    CHECK_EQUAL(sigismember(&now, SIGTERM), 1);
    CHECK_EQUAL(sigismember(&now, SIGKILL), 0);
    CHECK_EQUAL(sigismember(&now, SIGSTOP), 0);
}

// sigprocmask in a handler is undone when it returns.
void block_inside(int number)
{
    note(number);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGTERM);
    note(-number);
}

void a_mask_change_in_a_handler_ends_with_it()
{
    install(SIGUSR1, block_inside);
    install(SIGTERM, inner);
    event_count = 0;
    raise(SIGUSR1);
    check_events(__LINE__, { SIGUSR1, -SIGUSR1, SIGTERM, -SIGTERM });
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a handler is interrupted by another signal", a_handler_is_interrupted_by_another_signal },
        { "a blocked one comes when the handler is over", a_blocked_one_comes_when_the_handler_is_over },
        { "masks add up", masks_add_up },
        { "many levels", many_levels },
        { "the mask in the ucontext counts", the_mask_in_the_ucontext_counts },
        { "the ucontext cannot block everything", the_ucontext_cannot_block_everything },
        { "a mask change in a handler ends with it", a_mask_change_in_a_handler_ends_with_it },
    };
    return posix_test::run(tests);
}
