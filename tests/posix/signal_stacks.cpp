// Alternate stacks: sigaltstack and SA_ONSTACK, also for the one case that needs them, an exhausted stack.
// POSIX.1-2024: sigaltstack.
#include "check.h"

#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ucontext.h>

namespace {

alignas(64) char stack_memory[65536];
volatile sig_atomic_t handled = 0;
volatile bool was_on_stack = false;
volatile bool inner_was_on_stack = false;
volatile bool said_on_stack = false;
void* volatile inner_address = nullptr;
void* volatile outer_address = nullptr;
sigjmp_buf back;

bool is_on_stack(const void* address)
{
    const auto* const byte = static_cast<const char*>(address);
    return byte >= stack_memory && byte < stack_memory + sizeof stack_memory;
}

void use_stack(void* memory, size_t size, int flags = 0)
{
    stack_t stack {};
    stack.ss_sp = memory;
    stack.ss_size = size;
    stack.ss_flags = flags;
    CHECK_EQUAL(sigaltstack(&stack, nullptr), 0);
}

void install(int number, void (*handler)(int, siginfo_t*, void*), int flags, bool block_others = false)
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    for (const int other : block_others ? std::initializer_list { SIGUSR1, SIGUSR2 } : std::initializer_list<int> {})
        sigaddset(&action.sa_mask, other);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
}

void look(int, siginfo_t*, void*)
{
    char here;
    was_on_stack = is_on_stack(&here);
    stack_t now;
    sigaltstack(nullptr, &now);
    said_on_stack = now.ss_flags == SS_ONSTACK;
    handled = handled + 1;
}

void a_handler_runs_where_its_action_says()
{
    use_stack(stack_memory, sizeof stack_memory);
    install(SIGUSR1, look, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 1);
    CHECK(was_on_stack);
    CHECK(said_on_stack);
    install(SIGUSR1, look, 0);
    raise(SIGUSR1);
    CHECK(!was_on_stack);
    CHECK(!said_on_stack);
    use_stack(nullptr, 0, SS_DISABLE);
    install(SIGUSR1, look, SA_ONSTACK); // without a stack the flag has no effect
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 1);
    CHECK(!was_on_stack);
}

void the_setting_is_returned()
{
    stack_t stack {};
    stack_t old {};
    stack.ss_sp = stack_memory;
    stack.ss_size = 32768;
    CHECK_EQUAL(sigaltstack(&stack, nullptr), 0);
    CHECK_EQUAL(sigaltstack(nullptr, &old), 0);
    CHECK(old.ss_sp == stack_memory);
    CHECK_EQUAL(old.ss_size, 32768u);
    CHECK_EQUAL(old.ss_flags, 0);
    stack.ss_flags = SS_DISABLE;
    CHECK_EQUAL(sigaltstack(&stack, nullptr), 0);
    CHECK_EQUAL(sigaltstack(nullptr, &old), 0);
    CHECK_EQUAL(old.ss_flags, SS_DISABLE);
}

volatile int error_inside = 0;
void try_to_change(int, siginfo_t*, void*)
{
    stack_t stack {};
    stack.ss_flags = SS_DISABLE;
    errno = 0;
    error_inside = sigaltstack(&stack, nullptr) == -1 ? errno : 0;
    handled = handled + 1;
}

void errors()
{
    stack_t stack {};
    stack.ss_sp = stack_memory;
    stack.ss_size = 16;
    errno = 0;
    CHECK_EQUAL(sigaltstack(&stack, nullptr), -1);
    CHECK_EQUAL(errno, ENOMEM);
    stack.ss_size = sizeof stack_memory;
    stack.ss_flags = 0x40;
    errno = 0;
    CHECK_EQUAL(sigaltstack(&stack, nullptr), -1);
    CHECK_EQUAL(errno, EINVAL);
    use_stack(stack_memory, sizeof stack_memory);
    install(SIGUSR1, try_to_change, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK_EQUAL(error_inside, EPERM);
}

void look_inside(int, siginfo_t*, void*)
{
    char here;
    inner_address = &here;
    inner_was_on_stack = is_on_stack(&here);
    handled = handled + 1;
}
void nest(int, siginfo_t*, void*)
{
    char here;
    outer_address = &here;
    was_on_stack = is_on_stack(&here);
    raise(SIGUSR2);
    handled = handled + 1;
}

// A signal that comes while a handler is on the alternate stack goes on below it, not to its top again.
void nested_handlers_share_it()
{
    use_stack(stack_memory, sizeof stack_memory);
    for (const int flags : { SA_ONSTACK, 0 }) {
        install(SIGUSR1, nest, SA_ONSTACK);
        install(SIGUSR2, look_inside, flags);
        raise(SIGUSR1);
        CHECK_EQUAL(handled, 2);
        CHECK(was_on_stack);
        CHECK(inner_was_on_stack);
        CHECK(static_cast<char*>(inner_address) < static_cast<char*>(outer_address));
    }
}

// Two pending signals of different kinds of action: each runs where its own action says.
volatile bool first_was_on_stack = true;
void look_first(int, siginfo_t*, void*)
{
    char here;
    first_was_on_stack = is_on_stack(&here);
    handled = handled + 1;
}
void one_after_the_other_on_different_stacks()
{
    use_stack(stack_memory, sizeof stack_memory);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    for (int round = 0; round < 2; round++) {
        install(SIGUSR1, look_first, round == 0 ? 0 : SA_ONSTACK, true);
        install(SIGUSR2, look, round == 0 ? SA_ONSTACK : 0, true);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        raise(SIGUSR1);
        raise(SIGUSR2);
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
        CHECK_EQUAL(handled, 2);
        CHECK_EQUAL(first_was_on_stack, round == 1);
        CHECK_EQUAL(was_on_stack, round == 0);
    }
}

volatile int deep_enough = -1; // never: the stack ends first
[[gnu::noinline]] int overflow(int depth)
{
    if (depth == deep_enough) return 0;
    volatile char room[1024];
    room[0] = static_cast<char>(depth);
    const int below = overflow(depth + 1);
    return below + room[0];
}
void on_overflow(int, siginfo_t*, void*)
{
    char here;
    was_on_stack = is_on_stack(&here);
    handled = handled + 1;
    siglongjmp(back, 1);
}

void an_exhausted_stack_is_survived()
{
    use_stack(stack_memory, sizeof stack_memory);
    install(SIGSEGV, on_overflow, SA_ONSTACK);
    for (volatile int i = 0; i < 3; i = i + 1) {
        if (sigsetjmp(back, 1) == 0) std::printf("%d\n", overflow(0));
    }
    CHECK_EQUAL(handled, 3);
    CHECK(was_on_stack);
    stack_t now;
    sigaltstack(nullptr, &now);
    CHECK_EQUAL(now.ss_flags, 0); // off it again
}

// uc_stack shows the interrupted situation.
volatile sig_atomic_t shown_flags = -1;
void show(int, siginfo_t*, void* context) { shown_flags = static_cast<ucontext_t*>(context)->uc_stack.ss_flags; }
void the_ucontext_shows_the_stack()
{
    use_stack(stack_memory, sizeof stack_memory);
    install(SIGUSR1, show, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK_EQUAL(shown_flags, 0);
    use_stack(nullptr, 0, SS_DISABLE);
    raise(SIGUSR1);
    CHECK_EQUAL(shown_flags, SS_DISABLE);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a handler runs where its action says", a_handler_runs_where_its_action_says },
        { "the setting is returned", the_setting_is_returned },
        { "errors", errors },
        { "nested handlers share it", nested_handlers_share_it },
        { "one after the other on different stacks", one_after_the_other_on_different_stacks },
        { "an exhausted stack is survived", an_exhausted_stack_is_survived },
        { "the ucontext shows the stack", the_ucontext_shows_the_stack },
    };
    return posix_test::run(tests);
}
