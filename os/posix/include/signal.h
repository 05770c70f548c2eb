/* Signals: POSIX.1-2024 <signal.h>, with Linux's numbers, flag values and siginfo_t layout, so that programs and tables
   made for Linux fit. Replaces newlib's. */
#ifndef _SIGNAL_H_
#define _SIGNAL_H_

#include <sys/cdefs.h>
#include <sys/features.h>
#include <sys/types.h>
#include <sys/_sigset.h>
#include <sys/_timespec.h>

#include <sys/_pthreadtypes.h>

#if !defined(_SIGSET_T_DECLARED)
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef int sig_atomic_t;
typedef void (*_sig_func_ptr)(int);
#if __MISC_VISIBLE || __BSD_VISIBLE
typedef _sig_func_ptr sig_t;
#endif
#if __GNU_VISIBLE
typedef _sig_func_ptr sighandler_t;
#endif

#define SIG_DFL ((_sig_func_ptr)0)
#define SIG_IGN ((_sig_func_ptr)1)
#define SIG_ERR ((_sig_func_ptr)-1)

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGIOT SIGABRT
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCLD SIGCHLD
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPOLL SIGIO
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 33
#define SIGRTMAX 64
#define NSIG 65
#define _NSIG NSIG

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 1
#define SA_NOCLDWAIT 2
#define SA_SIGINFO 4
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000
#if __GNU_VISIBLE
#define SA_NOMASK SA_NODEFER
#define SA_ONESHOT SA_RESETHAND
#endif

union sigval {
    int sival_int;
    void *sival_ptr;
};
#if __GNU_VISIBLE
typedef union sigval sigval_t;
#endif

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2

struct sigevent {
    union sigval sigev_value;
    int sigev_signo;
    int sigev_notify;
    void (*sigev_notify_function)(union sigval);
    void *sigev_notify_attributes;
};

/* What a handler with SA_SIGINFO gets. 128 bytes, Linux's layout. */
typedef struct {
    int si_signo;
    int si_errno;
    int si_code;
    int __padding;
    union {
        int __reserved[28];
        struct {
            pid_t __pid;
            __uint32_t __uid;
            union {
                union sigval __value; /* sigqueue, timers */
                int __status;         /* SIGCHLD */
            } __u;
        } __sender;
        struct {
            void *__address;
        } __fault;
        struct {
            long __band;
            int __descriptor;
        } __poll;
        struct {
            void *__address; /* behind the call's instruction */
            int __number;
            unsigned __architecture;
        } __call; /* SIGSYS */
    } __fields;
} siginfo_t;

#define si_pid __fields.__sender.__pid
#define si_uid __fields.__sender.__uid
#define si_value __fields.__sender.__u.__value
#define si_int __fields.__sender.__u.__value.sival_int
#define si_ptr __fields.__sender.__u.__value.sival_ptr
#define si_status __fields.__sender.__u.__status
#define si_addr __fields.__fault.__address
#define si_band __fields.__poll.__band
#define si_fd __fields.__poll.__descriptor
#define si_call_addr __fields.__call.__address
#define si_syscall __fields.__call.__number
#define si_arch __fields.__call.__architecture

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_MESGQ (-3)
#define SI_ASYNCIO (-4)
#define SI_TKILL (-6)

#define ILL_ILLOPC 1
#define ILL_ILLOPN 2
#define ILL_ILLADR 3
#define ILL_ILLTRP 4
#define ILL_PRVOPC 5
#define ILL_PRVREG 6
#define ILL_COPROC 7
#define ILL_BADSTK 8
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define FPE_FLTSUB 8
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define SYS_SECCOMP 1 /* a filter does not allow the system call */
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#define POLL_IN 1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_ERR 4
#define POLL_PRI 5
#define POLL_HUP 6

struct sigaction {
    union {
        void (*__handler)(int);
        void (*__action)(int, siginfo_t *, void *);
    } __function;
    sigset_t sa_mask;
    int sa_flags;
};
#define sa_handler __function.__handler
#define sa_sigaction __function.__action

#define MINSIGSTKSZ 2048
#define SIGSTKSZ 8192
#define SS_ONSTACK 1
#define SS_DISABLE 2

typedef struct {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;

_sig_func_ptr signal(int, _sig_func_ptr);
int raise(int);

#if __POSIX_VISIBLE
int kill(pid_t, int);
int sigaction(int, const struct sigaction *__restrict, struct sigaction *__restrict);
int sigemptyset(sigset_t *);
int sigfillset(sigset_t *);
int sigaddset(sigset_t *, int);
int sigdelset(sigset_t *, int);
int sigismember(const sigset_t *, int);
int sigprocmask(int, const sigset_t *__restrict, sigset_t *__restrict);
int sigpending(sigset_t *);
int sigsuspend(const sigset_t *);
int sigwait(const sigset_t *__restrict, int *__restrict);
int sigwaitinfo(const sigset_t *__restrict, siginfo_t *__restrict);
int sigtimedwait(const sigset_t *__restrict, siginfo_t *__restrict, const struct timespec *__restrict);
int sigqueue(pid_t, int, union sigval);
int pthread_sigmask(int, const sigset_t *__restrict, sigset_t *__restrict);
int pthread_kill(pthread_t, int);
#endif

#if __POSIX_VISIBLE >= 200809 || __XSI_VISIBLE || __BSD_VISIBLE
int sigaltstack(const stack_t *__restrict, stack_t *__restrict);
void psiginfo(const siginfo_t *, const char *);
void psignal(int, const char *);
int siginterrupt(int, int);
int killpg(pid_t, int);
#endif

#if __GNU_VISIBLE
int sigisemptyset(const sigset_t *);
int sigandset(sigset_t *, const sigset_t *, const sigset_t *);
int sigorset(sigset_t *, const sigset_t *, const sigset_t *);
#endif

#ifdef __cplusplus
}
#endif

#if __POSIX_VISIBLE >= 200809 || __XSI_VISIBLE || __BSD_VISIBLE
#include <sys/ucontext.h>
#endif

#endif
