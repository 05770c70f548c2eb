/* newlib's <sched.h>, and sched_yield, which newlib declares only for systems that have all of priority scheduling. */
#ifndef _ORRERY_SCHED_H_
#define _ORRERY_SCHED_H_

#include_next <sched.h>

#ifdef __cplusplus
extern "C" {
#endif
int sched_yield(void);
#ifdef __cplusplus
}
#endif

#endif
