// The register fuzz of invariants S7 and S8: while one signal is delivered and returned from, a timer's signal arrives
// one instruction later in every round, until it comes after everything. No register may change and no signal be lost.
// Then the same with a third signal, which a more important thread sends, around the very end of the way back: there the
// second one leads into stretches of the trampoline that nothing else leads into.
//
// Under -icount shift=0 a nanosecond is an instruction, so the rounds cover every instruction of the way in and out;
// guest_trampoline_fuzz_test proves that from outside. Without it they hit at random.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <orrery/orrery.h>
#include <pthread.h>
#include <ucontext.h>

#include "abi/scheduling.h"
#include "posix/runtime/syscall.h"
#include "register_fuzz.h"

namespace orrery::fuzz {
Registers fuzz_before, fuzz_after;
}

namespace {

using namespace orrery;
using namespace orrery::fuzz;
namespace raw = orrery::runtime::raw;

volatile sig_atomic_t illegal_handled, user_handled, timer_handled, trap_handled;
volatile bool stepping; // the handler of SIGILL lets the program go on with the trap flag
constexpr greg_t trap_flag = 1 << 8;

[[noreturn]] void fail(const char* mode, std::uint64_t delay, const char* what)
{
    std::printf("%s, timer after %llu ns: %s\n", mode, static_cast<unsigned long long>(delay), what);
    std::exit(1);
}

const char* volatile handler_problem = nullptr;

// Whatever a handler leaves in the vector registers must not reach the program that it interrupted.
void scribble()
{
    asm volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm1\n movdqa %%xmm0, %%xmm7\n movdqa %%xmm0, %%xmm15\n"
                 :
                 :
                 : "xmm0", "xmm1", "xmm7", "xmm15", "rbx", "r12", "r13", "r14", "r15");
}

void on_illegal(int signal, siginfo_t* info, void* argument)
{
    auto* const context = static_cast<ucontext_t*>(argument);
    auto& registers = context->uc_mcontext.gregs;
    if (signal != SIGILL || info->si_signo != SIGILL) handler_problem = "SIGILL came with another's number";
    if (info->si_addr != fuzz_instruction) handler_problem = "si_addr is not the illegal instruction";
    if (registers[REG_RIP] != static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(fuzz_instruction)))
        handler_problem = "the ucontext's RIP is not the illegal instruction";
    if (registers[REG_RAX] != static_cast<greg_t>(fuzz_before.general[rax])
        || registers[REG_R15] != static_cast<greg_t>(fuzz_before.general[r15])
        || registers[REG_RSP] != static_cast<greg_t>(fuzz_before.general[rsp]))
        handler_problem = "the ucontext does not hold the interrupted registers";
    registers[REG_RIP] += 2;
    if (stepping) registers[REG_EFL] |= trap_flag;
    illegal_handled = illegal_handled + 1;
    scribble();
}

void on_user(int signal, siginfo_t* info, void*)
{
    if (signal != SIGUSR1 || info->si_signo != SIGUSR1) handler_problem = "SIGUSR1 came with another's number";
    user_handled = user_handled + 1;
    scribble();
}

void on_trap(int signal, siginfo_t*, void* argument)
{
    if (signal != SIGTRAP) handler_problem = "SIGTRAP came with another's number";
    static_cast<ucontext_t*>(argument)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
    trap_handled = trap_handled + 1;
    scribble();
}

volatile std::uint64_t timer_rip, timer_lateness, timer_due; // the last in ticks of the TSC, or 0

void on_timer(int signal, siginfo_t* info, void* argument)
{
    timer_lateness = __builtin_ia32_rdtsc() - timer_due;
    timer_rip = static_cast<std::uint64_t>(static_cast<ucontext_t*>(argument)->uc_mcontext.gregs[REG_RIP]);
    if (signal != SIGALRM || info->si_signo != SIGALRM) handler_problem = "SIGALRM came with another's number";
    timer_handled = timer_handled + 1;
    scribble();
}

void install(int signal, void (*handler)(int, siginfo_t*, void*), int flags, bool block_timer)
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    if (block_timer) sigaddset(&action.sa_mask, SIGALRM);
    if (sigaction(signal, &action, nullptr) != 0) fail("set-up", 0, "sigaction failed");
}

// One kind of delivery that the timer disturbs. run() returns null or what was wrong.
struct Mode {
    const char* name;
    int flags;        // of the disturbed handler
    bool block_timer; // while it runs: the timer's signal is then delivered on the way out
    int timer_flags;
    bool steps;
    const char* (*run)(std::uint64_t round);
};

const char* fault_and_resume(std::uint64_t round)
{
    choose(fuzz_before, round);
    illegal_handled = 0;
    trap_handled = 0;
    fuzz_run();
    if (illegal_handled != 1) return "the handler of the illegal instruction did not run exactly once";
    if (trap_handled != (stepping ? 1 : 0)) return "the handler of the single step did not run as often as it should";
    return difference(fuzz_before, fuzz_after);
}

const char* raise_and_return(std::uint64_t)
{
    user_handled = 0;
    raise(SIGUSR1);
    return user_handled == 1 ? nullptr : "raise() returned before its handler had run once";
}

const char* block_raise_unblock(std::uint64_t)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    user_handled = 0;
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGUSR1);
    if (user_handled != 0) return "a blocked signal ran its handler";
    sigpending(&pending);
    if (sigismember(&pending, SIGUSR1) != 1) return "a blocked signal is not pending";
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    return user_handled == 1 ? nullptr : "unblocking returned before the handler had run once";
}

constexpr Mode modes[] = {
    { "fault", 0, false, 0, false, fault_and_resume },
    { "fault, then a single step", 0, false, 0, true, fault_and_resume },
    { "fault, timer blocked by the handler", 0, true, 0, false, fault_and_resume },
    { "fault on the alternate stack", SA_ONSTACK, false, 0, false, fault_and_resume },
    { "fault, timer on the alternate stack", 0, false, SA_ONSTACK, false, fault_and_resume },
    { "raise", 0, false, 0, false, raise_and_return },
    { "raise, timer blocked by the handler", 0, true, 0, false, raise_and_return },
    { "block, raise, unblock", 0, false, SA_ONSTACK, false, block_raise_unblock },
};

// On a host that has more to do QEMU may tell of a timer much later. This only ends a test whose signal is lost.
constexpr std::uint64_t hang_guard = 60'000'000'000; // ns
constexpr std::uint64_t rounds_at_most = 12000;
constexpr unsigned late_rounds_wanted = 100; // in a row: then nothing is left to be hit

constexpr std::uint64_t rounds_between_checkpoints = 32; // so few that the kernel's flight recorder holds them all

// Where guest_trampoline_fuzz_test stops the guest and reads the flight recorder.
extern "C" [[gnu::noinline]] void fuzz_checkpoint() { asm volatile("" ::: "memory"); }

// Returns how many rounds it took.
std::uint64_t disturb(const Mode& mode)
{
    install(SIGILL, on_illegal, mode.flags, mode.block_timer);
    install(SIGTRAP, on_trap, mode.flags, mode.block_timer);
    install(SIGUSR1, on_user, mode.flags, mode.block_timer);
    install(SIGALRM, on_timer, mode.timer_flags, false);
    stepping = mode.steps;

    unsigned late = 0;
    std::uint64_t delay = 0;
    for (; delay < rounds_at_most && late < late_rounds_wanted; ++delay) {
        timer_handled = 0;
        const auto now = static_cast<std::uint64_t>(raw::clock_now());
        if (orrery_signal_timer(now + delay, 0, SIGALRM) != 0) fail(mode.name, delay, "the timer can't be set");
        if (const char* const problem = mode.run(delay)) fail(mode.name, delay, problem);
        late = timer_handled == 0 ? late + 1 : 0;
        // Due in some thousand nanoseconds.
        while (timer_handled == 0)
            if (static_cast<std::uint64_t>(raw::clock_now()) > now + delay + hang_guard)
                fail(mode.name, delay, "the timer's signal was lost");
        if (timer_handled != 1) fail(mode.name, delay, "the timer's handler ran more than once");
        if (const char* const problem = handler_problem) fail(mode.name, delay, problem);
        if (delay % rounds_between_checkpoints == 0) fuzz_checkpoint();
    }
    fuzz_checkpoint();
    return delay;
}

// The third signal: a thread of higher priority sleeps until it is due, interrupts the first thread wherever it is, and
// raises the signal there.
std::atomic<std::uint32_t> rounds_begun { 0 };
std::atomic<std::uint64_t> third_due { 0 };
pthread_t first_thread;
volatile sig_atomic_t third_handled;

void on_third(int signal, siginfo_t*, void*)
{
    if (signal != SIGUSR2) handler_problem = "SIGUSR2 came with another's number";
    third_handled = third_handled + 1;
    scribble();
}

void* send_third(void*)
{
    static std::uint32_t never = 0;
    const auto self = raw::thread_self();
    if (self < 0 || raw::thread_set_priority(self, abi::priority_normal + 4) != 0) fail("set-up", 0, "no priority");
    for (std::uint32_t round = 0;; ++round) {
        while (rounds_begun.load() == round) raw::futex_wait(&rounds_begun, round, abi::no_deadline);
        if (third_due.load() == 0) return nullptr;
        raw::futex_wait(&never, 0u, third_due.load());
        pthread_kill(first_thread, SIGUSR2);
    }
}

// One round: the timer's signal `delay` after a fixed lead, the third signal `gap` after that. True if the timer's came
// before the mode was through.
bool disturb_twice_once(const Mode& mode, std::uint64_t delay, std::uint64_t gap)
{
    constexpr std::uint64_t lead = 20'000; // ns; the other thread is asleep again by then
    timer_handled = 0;
    third_handled = 0;
    const auto now = static_cast<std::uint64_t>(raw::clock_now());
    timer_due = __builtin_ia32_rdtsc() + lead + delay; // an instruction is a tick and a nanosecond, under -icount
    third_due = now + lead + delay + gap;
    ++rounds_begun;
    raw::futex_wake(&rounds_begun, 1); // it takes the processor, and gives it back by sleeping
    if (orrery_signal_timer(now + lead + delay, 0, SIGALRM) != 0) fail(mode.name, delay, "the timer can't be set");
    while (static_cast<std::uint64_t>(raw::clock_now()) < now + lead - 500) { }
    if (const char* const problem = mode.run(delay)) fail(mode.name, delay, problem);
    const bool hit = timer_handled != 0;
    while (timer_handled == 0 || third_handled == 0)
        if (static_cast<std::uint64_t>(raw::clock_now()) > now + lead + delay + gap + hang_guard)
            fail(mode.name, delay, "a signal was lost");
    if (timer_handled != 1 || third_handled != 1) fail(mode.name, delay, "a handler ran more than once");
    if (const char* const problem = handler_problem) fail(mode.name, delay, problem);
    return hit;
}

constexpr std::uint64_t rounds_with_a_third = 8; // between two checkpoints: they leave more records
// The stretches begin with the last instructions of the way back, or with a signal that came shortly before them; and they
// are run through between the kernel's part of the second delivery and its handler, but for the last, which follows the
// handler.
constexpr std::uint64_t delays_before_the_end[] = { 40, 25, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
constexpr std::uint64_t gaps = 450;

void install_for_three(const Mode& mode)
{
    install(SIGILL, on_illegal, mode.flags, mode.block_timer);
    install(SIGTRAP, on_trap, mode.flags, mode.block_timer);
    install(SIGALRM, on_timer, mode.timer_flags, false);
    install(SIGUSR2, on_third, 0, false);
    stepping = mode.steps;
}

// With a real clock nothing can be aimed at: hits at random.
void disturb_twice_at_random(const Mode& mode)
{
    install_for_three(mode);
    std::uint64_t random = 88172645463325252;
    for (int round = 0; round < 1000; ++round) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        disturb_twice_once(mode, random % 20'000, random / 20'000 % 20'000);
    }
}

void disturb_twice(const Mode& mode)
{
    install_for_three(mode);
    constexpr std::uint64_t after_everything = 100'000;
    // The way back ends with the last delay at which the timer's handler is to return to the instruction behind UD2; or, where
    // the kernel has to finish it (the single step), with the last one before the handler suddenly comes later.
    std::uint64_t end = 0, to_handler = 0;
    unsigned late = 0;
    bool in_kernel = false;
    for (std::uint64_t delay = 0; late < 20 && delay < rounds_at_most; ++delay) {
        late = disturb_twice_once(mode, delay, after_everything) ? 0 : late + 1;
        if (timer_rip == reinterpret_cast<std::uintptr_t>(fuzz_done)) {
            in_kernel = in_kernel || (to_handler != 0 && timer_lateness > to_handler + 100);
            if (!in_kernel) {
                end = delay;
                to_handler = timer_lateness;
            }
        }
        if (delay % rounds_with_a_third == 0) fuzz_checkpoint();
    }
    if (end < delays_before_the_end[0]) fail(mode.name, end, "the timer's signal never met the way back");
    const std::uint64_t first = to_handler > gaps ? to_handler - gaps : 0;
    unsigned rounds = 0;
    for (const std::uint64_t before : delays_before_the_end)
        for (std::uint64_t gap = first; gap < first + (before == 5 || before == 25 ? 2 * gaps : gaps); ++gap) {
            disturb_twice_once(mode, end - before, gap);
            if (++rounds % rounds_with_a_third == 0) fuzz_checkpoint();
        }
    fuzz_checkpoint();
}

alignas(64) char alternate_stack[32768];

} // namespace

// With an argument: every instruction, which takes -icount.
int main(int count, char**)
{
    stack_t stack {};
    stack.ss_sp = alternate_stack;
    stack.ss_size = sizeof(alternate_stack);
    if (sigaltstack(&stack, nullptr) != 0) fail("set-up", 0, "sigaltstack failed");
    for (const Mode& mode : modes)
        std::printf("%s: %llu rounds\n", mode.name, static_cast<unsigned long long>(disturb(mode)));
    first_thread = pthread_self();
    pthread_t sender {};
    if (pthread_create(&sender, nullptr, send_third, nullptr) != 0) fail("set-up", 0, "no thread");
    for (const Mode& mode : { modes[0], modes[1] }) {
        count > 1 ? disturb_twice(mode) : disturb_twice_at_random(mode);
        std::printf("%s, with a third signal: done\n", mode.name);
    }
    third_due = 0;
    ++rounds_begun;
    raw::futex_wake(&rounds_begun, 1);
    pthread_join(sender, nullptr);
    return 0;
}
