// What newlib needs per thread (struct _reent: errno, stdio) and to lock itself against other threads.
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

#include "abi/syscall.h"

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
    std::atomic<std::uint32_t> state { 0 }; // 0 free, 1 taken, 2 taken and somebody may sleep (futex)
    std::uint32_t depth = 0;
    void* owner = nullptr;
};

namespace {

void acquire(__lock& lock)
{
    void* const self = orrery::runtime::thread_control();
    if (__atomic_load_n(&lock.owner, __ATOMIC_RELAXED) == self) {
        lock.depth++;
        return;
    }
    std::uint32_t expected = 0;
    if (!lock.state.compare_exchange_strong(expected, 1, std::memory_order_acquire)) {
        // Says "somebody may sleep" each time, because whoever woke us could not know whether there are more.
        while (lock.state.exchange(2, std::memory_order_acquire) != 0)
            orrery::runtime::raw::futex_wait(&lock.state, 2u, orrery::abi::no_deadline);
    }
    __atomic_store_n(&lock.owner, self, __ATOMIC_RELAXED);
    lock.depth = 1;
}

bool try_acquire(__lock& lock)
{
    void* const self = orrery::runtime::thread_control();
    std::uint32_t expected = 0;
    if (__atomic_load_n(&lock.owner, __ATOMIC_RELAXED) == self)
        lock.depth++;
    else if (lock.state.compare_exchange_strong(expected, 1, std::memory_order_acquire)) {
        __atomic_store_n(&lock.owner, self, __ATOMIC_RELAXED);
        lock.depth = 1;
    } else
        return false;
    return true;
}

void release(__lock& lock)
{
    if (--lock.depth != 0) return;
    __atomic_store_n(&lock.owner, nullptr, __ATOMIC_RELAXED);
    if (lock.state.exchange(0, std::memory_order_release) == 2) orrery::runtime::raw::futex_wake(&lock.state, 1u);
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
