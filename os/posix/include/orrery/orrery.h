/* What Orrery has beyond POSIX: handles. A handle is authority; a number that anyone may name, such as a pid, is not. */
#ifndef _ORRERY_ORRERY_H_
#define _ORRERY_ORRERY_H_

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t orrery_handle_t;

/* The value of the index-th auxiliary vector entry of this type (abi/startup.h), or `otherwise` if there are fewer. */
uint64_t orrery_auxiliary(uint64_t type, unsigned index, uint64_t otherwise);

/* Raises a signal at a process or thread through its handle (right_signal). As kill() and sigqueue(): 0, or -1 and
   EINVAL (signal), EBADF (handle), EPERM (right), ESRCH (it has ended), ENOSYS (realtime signal). */
int orrery_kill(orrery_handle_t target, int signal_number);
int orrery_sigqueue(orrery_handle_t target, int signal_number, union sigval value);

/* The calling thread's one timer: raises the signal at `deadline` (nanoseconds of CLOCK_MONOTONIC; 0 disarms), and then
   every `interval` ns unless 0. alarm() and setitimer() use the same timer. 0, or -1 and EINVAL. */
int orrery_signal_timer(uint64_t deadline, uint64_t interval, int signal_number);

/* Switches the thread's own flight recorder (signal and ring phases that never enter the kernel) on or off. */
void orrery_trace_enable(int on);

#ifdef __cplusplus
}
#endif

#endif
