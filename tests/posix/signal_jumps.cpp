// Non-local jumps: setjmp, longjmp, sigsetjmp, siglongjmp, also out of handlers. POSIX.1-2024: siglongjmp.
#include "check.h"

#include <csetjmp>
#include <csignal>

namespace {

jmp_buf plain;
sigjmp_buf with_mask;
volatile int value_to_jump_with = 0;
volatile sig_atomic_t handled = 0;

[[gnu::noinline]] void jump_from_below(int depth)
{
    volatile char room[64];
    room[0] = static_cast<char>(depth);
    if (depth == 0) longjmp(plain, value_to_jump_with);
    jump_from_below(depth - 1);
    (void)room[0];
}

void a_jump_returns_its_value()
{
    for (const int value : { 1, 5, -3, 0 }) {
        value_to_jump_with = value;
        const int result = setjmp(plain);
        if (result == 0) jump_from_below(20);
        CHECK_EQUAL(result, value == 0 ? 1 : value); // 0 would look like the first return
    }
}

void the_first_return_is_zero()
{
    volatile int returns = 0;
    const int result = setjmp(plain);
    returns = returns + 1;
    if (returns == 1) {
        CHECK_EQUAL(result, 0);
        longjmp(plain, 9);
    }
    CHECK_EQUAL(result, 9);
    CHECK_EQUAL(returns, 2);
}

void jump_out(int)
{
    handled = handled + 1;
    siglongjmp(with_mask, 3);
}

bool is_blocked(int number)
{
    sigset_t now;
    sigprocmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, number) == 1;
}

void install(int number, void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGTERM);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
}

void out_of_a_handler_with_the_mask()
{
    install(SIGUSR1, jump_out);
    for (volatile int i = 0; i < 100; i = i + 1) {
        const int result = sigsetjmp(with_mask, 1);
        if (result == 0) {
            raise(SIGUSR1);
            CHECK(false); // not reached
        }
        CHECK_EQUAL(result, 3);
        CHECK(!is_blocked(SIGUSR1));
        CHECK(!is_blocked(SIGTERM));
    }
    CHECK_EQUAL(handled, 100);
}

void out_of_a_handler_without_the_mask()
{
    install(SIGUSR1, jump_out);
    if (sigsetjmp(with_mask, 0) == 0) raise(SIGUSR1);
    CHECK_EQUAL(handled, 1);
    CHECK(is_blocked(SIGUSR1)); // as in the handler
    CHECK(is_blocked(SIGTERM));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What the jump's mask lets in is delivered.
volatile sig_atomic_t delivered = 0;
void deliver(int) { delivered = delivered + 1; }
void raise_and_jump(int)
{
    raise(SIGTERM); // blocked by the action's mask
    if (delivered != 0) delivered = 100;
    siglongjmp(with_mask, 1);
}

void a_jump_lets_pending_signals_in()
{
    install(SIGTERM, deliver);
    install(SIGUSR1, raise_and_jump);
    delivered = 0;
    if (sigsetjmp(with_mask, 1) == 0) raise(SIGUSR1);
    CHECK_EQUAL(delivered, 1);
}

// Out of two handlers at once.
void outer(int) { raise(SIGUSR2); }
void out_of_nested_handlers()
{
    install(SIGUSR1, outer);
    install(SIGUSR2, jump_out);
    for (volatile int i = 0; i < 50; i = i + 1) {
        if (sigsetjmp(with_mask, 1) == 0) raise(SIGUSR1);
    }
    CHECK_EQUAL(handled, 50);
    CHECK(!is_blocked(SIGUSR1));
    CHECK(!is_blocked(SIGUSR2));
    // Signals still work.
    install(SIGUSR2, deliver);
    delivered = 0;
    raise(SIGUSR2);
    CHECK_EQUAL(delivered, 1);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a jump returns its value", a_jump_returns_its_value },
        { "the first return is zero", the_first_return_is_zero },
        { "out of a handler with the mask", out_of_a_handler_with_the_mask },
        { "out of a handler without the mask", out_of_a_handler_without_the_mask },
        { "a jump lets pending signals in", a_jump_lets_pending_signals_in },
        { "out of nested handlers", out_of_nested_handlers },
    };
    return posix_test::run(tests);
}
