/* Non-local jumps. Replaces newlib's, because a jump out of a signal handler must also tell the runtime which signal
   frames are gone. _setjmp and setjmp do not save the signal mask; sigsetjmp does if asked to. */
#ifndef _SETJMP_H_
#define _SETJMP_H_

#include <sys/cdefs.h>
#include <sys/features.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RBX, RBP, R12..R15, RSP, RIP, newest signal frame, mask saved?, mask; see signal/jump.S. */
typedef unsigned long jmp_buf[11];

int setjmp(jmp_buf) __attribute__((__returns_twice__));
void longjmp(jmp_buf, int) __attribute__((__noreturn__));
#define setjmp(environment) setjmp(environment)

#if __POSIX_VISIBLE
typedef jmp_buf sigjmp_buf;
int sigsetjmp(sigjmp_buf, int) __attribute__((__returns_twice__));
void siglongjmp(sigjmp_buf, int) __attribute__((__noreturn__));
#define sigsetjmp(environment, save_mask) sigsetjmp(environment, save_mask)
#endif

#if __XSI_VISIBLE || __BSD_VISIBLE
int _setjmp(jmp_buf) __attribute__((__returns_twice__));
void _longjmp(jmp_buf, int) __attribute__((__noreturn__));
#endif

#ifdef __cplusplus
}
#endif

#endif
