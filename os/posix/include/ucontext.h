/* The interrupted thread's state, as a signal handler's third argument. The context-switching functions of older POSIX
   (getcontext and its family) were withdrawn from the standard in 2008 and are not provided. */
#ifndef _UCONTEXT_H_
#define _UCONTEXT_H_

#include <signal.h>
#include <sys/ucontext.h>

#endif
