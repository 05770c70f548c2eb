/* newlib's configuration, with the one choice that newlib makes per target: errno and stdio's state belong to a thread
   (__getreent). Must agree with the flags in cmake/newlib.sh. */
#ifndef _ORRERY_SYS_CONFIG_H_
#define _ORRERY_SYS_CONFIG_H_

#ifndef __DYNAMIC_REENT__
#define __DYNAMIC_REENT__
#endif
#include_next <sys/config.h>

#endif
