// Benchmarks of POSIX signals within one process. Portable: the same file runs on Linux, where it shows that the
// operations do what their names say.
#include <csignal>
#include <ucontext.h>

#include "measure.h"

namespace {

using orrery::bench::measure;
using orrery::bench::require;

volatile std::uint64_t handled = 0;

void count(int, siginfo_t*, void*) { handled = handled + 1; }

// ud2 is two bytes long.
void skip_instruction(int, siginfo_t*, void* context)
{
    handled = handled + 1;
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;
}

void install(int signal, void (*handler)(int, siginfo_t*, void*))
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    require(sigaction(signal, &action, nullptr) == 0, "sigaction failed");
}

} // namespace

int main()
{
    sigset_t set;
    sigset_t now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);

    measure("sigprocmask_pair", [&]() ORRERY_MEASURED {
        sigprocmask(SIG_BLOCK, &set, nullptr);
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
    });
    sigprocmask(SIG_BLOCK, nullptr, &now);
    require(sigismember(&now, SIGUSR1) == 0, "SIGUSR1 is still blocked");

    measure("sigpending", [&]() ORRERY_MEASURED { sigpending(&now); });

    struct sigaction action {};
    action.sa_sigaction = count;
    action.sa_flags = SA_SIGINFO;
    measure("sigaction_set", [&]() ORRERY_MEASURED { sigaction(SIGUSR2, &action, nullptr); });

    install(SIGUSR1, count);
    measure("raise_handler", []() ORRERY_MEASURED { raise(SIGUSR1); });
    require(handled == 117, "raise did not run the handler each time");

    handled = 0;
    measure("block_raise_unblock", [&]() ORRERY_MEASURED {
        sigprocmask(SIG_BLOCK, &set, nullptr);
        raise(SIGUSR1);
        sigprocmask(SIG_UNBLOCK, &set, nullptr);
    });
    require(handled == 117, "the handler of a blocked signal did not run once when it was unblocked");

    install(SIGILL, skip_instruction);
    handled = 0;
    measure("sigill_skip", []() ORRERY_MEASURED { asm volatile("ud2" ::: "memory"); });
    require(handled == 117, "ud2 was not skipped by the handler");
    return 0;
}
