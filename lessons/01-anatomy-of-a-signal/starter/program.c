/* Anatomy of a signal: your part is marked TASK 1, 2 and 3. */
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
    /* TASK 3: let the thread go on after the bad instruction, which is two bytes long.
       Its registers are interrupted->uc_mcontext.gregs[REG_...]. */
    (void)interrupted;
}

static void install_handlers(void)
{
    /* TASK 1: install count_signal for SIGUSR1 and skip_instruction for SIGILL. */
}

static void critical_section(void)
{
    /* TASK 2: block SIGUSR1 here ... */
    inside = 1;
    kill(getpid(), SIGUSR1); /* somebody signals us at the worst moment */
    inside = 0;
    /* ... and restore the mask here. */
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
