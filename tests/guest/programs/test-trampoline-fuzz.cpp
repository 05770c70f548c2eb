// The register fuzz of invariants S7 and S8: while one signal is delivered and returned from, a timer's signal arrives
// one instruction later in every round, until it comes after everything. No register may change and no signal be lost.
//
// Under -icount shift=0 a nanosecond is an instruction, so the rounds cover every instruction of the way in and out;
// guest_trampoline_fuzz_test proves that from outside. Without it they hit at random.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <orrery/orrery.h>
#include <ucontext.h>

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

void on_timer(int signal, siginfo_t* info, void*)
{
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
        // A second at most; the timer is due in some thousand nanoseconds.
        while (timer_handled == 0)
            if (static_cast<std::uint64_t>(raw::clock_now()) > now + delay + 1'000'000'000)
                fail(mode.name, delay, "the timer's signal was lost");
        if (timer_handled != 1) fail(mode.name, delay, "the timer's handler ran more than once");
        if (const char* const problem = handler_problem) fail(mode.name, delay, problem);
        if (delay % rounds_between_checkpoints == 0) fuzz_checkpoint();
    }
    fuzz_checkpoint();
    return delay;
}

alignas(64) char alternate_stack[32768];

} // namespace

int main()
{
    stack_t stack {};
    stack.ss_sp = alternate_stack;
    stack.ss_size = sizeof(alternate_stack);
    if (sigaltstack(&stack, nullptr) != 0) fail("set-up", 0, "sigaltstack failed");
    for (const Mode& mode : modes)
        std::printf("%s: %llu rounds\n", mode.name, static_cast<unsigned long long>(disturb(mode)));
    return 0;
}
