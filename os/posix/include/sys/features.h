/* newlib's feature macros, and the POSIX options that Orrery has. An option that is not here is not provided: its
   functions are missing at link time. */
#ifndef _ORRERY_SYS_FEATURES_H_
#define _ORRERY_SYS_FEATURES_H_

#include_next <sys/features.h>

#ifndef _POSIX_TIMERS
#define _POSIX_TIMERS 200809L
#endif
#ifndef _POSIX_CLOCK_SELECTION
#define _POSIX_CLOCK_SELECTION 200809L
#endif
#ifndef _POSIX_MONOTONIC_CLOCK
#define _POSIX_MONOTONIC_CLOCK 200809L
#endif

#endif
