/* The types of threads, which POSIX wants in <sys/types.h>. Replaces newlib's. */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <stddef.h>

typedef struct __orrery_thread *pthread_t;

typedef struct {
    size_t __stack_size; /* 0 = default */
    int __detached;
} pthread_attr_t;

typedef struct {
    int __type;
} pthread_mutexattr_t;

typedef struct {
    unsigned __state; /* 0 free, else the number of the thread that has it; top bit: somebody may sleep */
    int __type;
    unsigned __depth;
} pthread_mutex_t;

typedef struct {
    int __clock;
} pthread_condattr_t;

typedef struct {
    unsigned __sequence;   /* counts signals and broadcasts */
    int __clock;
    unsigned __waiters;
    void *__mutex;         /* of whoever waited last */
} pthread_cond_t;

typedef struct {
    unsigned __state; /* 0 never, the number of the thread that runs the function, then done */
} pthread_once_t;

#endif
