/* newlib's configuration, with the choices that newlib makes per target: errno and stdio's state belong to a thread
   (__getreent), and read and write return ssize_t. Must agree with the flags in cmake/newlib.sh. */
#ifndef _ORRERY_SYS_CONFIG_H_
#define _ORRERY_SYS_CONFIG_H_

#ifndef __DYNAMIC_REENT__
#define __DYNAMIC_REENT__
#endif
#ifndef _READ_WRITE_RETURN_TYPE
#define _READ_WRITE_RETURN_TYPE _ssize_t
#define _READ_WRITE_BUFSIZE_TYPE __SIZE_TYPE__
#endif
#include_next <sys/config.h>

#endif
