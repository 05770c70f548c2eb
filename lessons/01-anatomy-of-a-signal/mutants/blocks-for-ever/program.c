/* Wrong: blocks SIGUSR1 and never lets it in again. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

volatile sig_atomic_t handled;   /* how many SIGUSR1 have reached count_signal */
volatile sig_atomic_t inside;    /* 1 in the critical section */
volatile sig_atomic_t disturbed; /* how often count_signal ran while inside was 1 */

/* The handler of SIGUSR1. */
void count_signal(int signal_number, siginfo_t *information, void *context)
{
    (void)signal_number, (void)information, (void)context;
    handled = handled + 1;
    if (inside)
        disturbed = disturbed + 1;
}

/* The handler of SIGILL. */
void skip_instruction(int signal_number, siginfo_t *information, void *context)
{
    (void)signal_number, (void)information;
    ucontext_t *interrupted = context;
    interrupted->uc_mcontext.gregs[REG_RIP] += 2;
}

static void install_handlers(void)
{
    struct sigaction action = { 0 };
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = count_signal;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_sigaction = skip_instruction;
    sigaction(SIGILL, &action, NULL);
}

static void critical_section(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    inside = 1;
    kill(getpid(), SIGUSR1); /* somebody signals us at the worst moment */
    inside = 0;
}

/* An instruction that no processor has. The label names its address for the checks. */
__attribute__((noinline)) static void execute_bad_instruction(void)
{
    __asm__ volatile(".globl bad_instruction\n"
                     "bad_instruction: ud2\n");
}

int main(void)
{
    install_handlers();
    kill(getpid(), SIGUSR1);
    critical_section();
    execute_bad_instruction();
    printf("handled %d, disturbed %d\n", (int)handled, (int)disturbed);
    return handled == 2 && disturbed == 0 ? 0 : 1;
}
