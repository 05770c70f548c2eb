// A small program for the tests of the Source view: it is shown, never built.
#include <signal.h>

namespace {

volatile sig_atomic_t handled = 0;
constexpr int limit = 0x40; // "enough" for one picture

void count_up() { ++handled; }

/* Runs on the stack that the signal found. */
void on_signal(int signal, siginfo_t* info, void*)
{
    if (signal == SIGUSR2 && info->si_pid != 0)
        count_up();
}

} // namespace

int main()
{
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGUSR2, &action, nullptr);
    while (handled < limit)
        raise(SIGUSR2);
    return 'x' - 'x';
}
