// What newlib needs per thread (struct _reent: errno, stdio) and to lock itself against other threads.
#include "posix/runtime/owned_lock.h"
#include "posix/runtime/thread.h"

#include <atomic>
#include <cstdint>
#include <reent.h>
#include <sys/lock.h>

namespace {

// The first thread uses newlib's own static structure; a thread that is made later gets one that shares its stdio.
constinit thread_local struct _reent* thread_reent = nullptr;

} // namespace

void orrery::runtime::use_reent(struct _reent* reent) { thread_reent = reent; }

extern "C" struct _reent* __getreent()
{
    struct _reent* const reent = thread_reent;
    return reent != nullptr ? reent : _GLOBAL_REENT;
}

// newlib's retargetable locks. All are recursive: the plain ones are never taken twice by one thread.
struct __lock {
    unsigned state = 0; // posix/runtime/owned_lock.h
    std::uint32_t depth = 0;
};

namespace {

using namespace orrery;

bool try_acquire(__lock& lock)
{
    if (!runtime::try_take_owned(lock.state) && !runtime::is_owner(lock.state)) return false;
    lock.depth++;
    return true;
}

void acquire(__lock& lock)
{
    if (try_acquire(lock)) return;
    runtime::take_contended_owned(lock.state);
    lock.depth++;
}

void release(__lock& lock)
{
    if (--lock.depth == 0) runtime::release_owned(lock.state);
}

} // namespace

extern "C" {

#define ORRERY_NEWLIB_LOCKS(X)                                                                                         \
    X(sinit_recursive_mutex)                                                                                           \
    X(sfp_recursive_mutex)                                                                                             \
    X(atexit_recursive_mutex) X(at_quick_exit_mutex) X(malloc_recursive_mutex) X(env_recursive_mutex) X(tz_mutex)      \
        X(dd_hash_mutex) X(arc4random_mutex)
#define X(name) struct __lock __lock___##name;
ORRERY_NEWLIB_LOCKS(X)
#undef X

// stdio makes one for every FILE. There is no memory to be had safely here (malloc takes locks itself), so files share
// a few; sharing is only slower, and being recursive they cannot deadlock a thread with itself.
void __retarget_lock_init_recursive(_LOCK_T* lock)
{
    static constinit struct __lock shared[16];
    static constinit std::atomic<unsigned> next { 0 };
    *lock = &shared[next.fetch_add(1) % 16];
}
void __retarget_lock_init(_LOCK_T* lock) { __retarget_lock_init_recursive(lock); }
void __retarget_lock_close(_LOCK_T) { }
void __retarget_lock_close_recursive(_LOCK_T) { }
void __retarget_lock_acquire(_LOCK_T lock) { acquire(*lock); }
void __retarget_lock_acquire_recursive(_LOCK_T lock) { acquire(*lock); }
int __retarget_lock_try_acquire(_LOCK_T lock) { return try_acquire(*lock) ? 1 : 0; }
int __retarget_lock_try_acquire_recursive(_LOCK_T lock) { return try_acquire(*lock) ? 1 : 0; }
void __retarget_lock_release(_LOCK_T lock) { release(*lock); }
void __retarget_lock_release_recursive(_LOCK_T lock) { release(*lock); }

} // extern "C"
