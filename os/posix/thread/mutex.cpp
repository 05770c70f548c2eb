// Mutexes and pthread_once: POSIX.1-2024 pthread_mutex_lock and its family, on the kernel's futex.
#include "posix/thread/mutex.h"
#include "posix/runtime/owned_lock.h"

#include <cerrno>

namespace orrery::thread {
namespace {

namespace raw = runtime::raw;

bool try_take(pthread_mutex_t& mutex)
{
    if (!runtime::try_take_owned(mutex.__state)) return false;
    mutex.__depth = 1;
    return true;
}

// 0: the caller owns it already and it is recursive. -1: go on and take it. Else the error.
int own_already(pthread_mutex_t& mutex, int error_if_owned)
{
    if (mutex.__type == PTHREAD_MUTEX_NORMAL || !runtime::is_owner(mutex.__state)) return -1;
    if (mutex.__type != PTHREAD_MUTEX_RECURSIVE) return error_if_owned;
    mutex.__depth++;
    return 0;
}

} // namespace

// A signal handler may run and the wait goes on (POSIX: never EINTR).
void lock_contended(pthread_mutex_t& mutex)
{
    runtime::take_contended_owned(mutex.__state);
    mutex.__depth = 1;
}

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex)
{
    if (const int result = own_already(*mutex, EDEADLK); result >= 0) return result;
    if (!try_take(*mutex)) lock_contended(*mutex);
    return 0;
}

extern "C" int pthread_mutex_trylock(pthread_mutex_t* mutex)
{
    if (const int result = own_already(*mutex, EBUSY); result >= 0) return result;
    return try_take(*mutex) ? 0 : EBUSY;
}

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex)
{
    if (mutex->__type != PTHREAD_MUTEX_NORMAL) {
        if (!runtime::is_owner(mutex->__state)) return EPERM;
        if (--mutex->__depth != 0) return 0;
    }
    runtime::release_owned(mutex->__state);
    return 0;
}

extern "C" int pthread_mutex_init(pthread_mutex_t* __restrict mutex, const pthread_mutexattr_t* __restrict attributes)
{
    *mutex = PTHREAD_MUTEX_INITIALIZER;
    if (attributes != nullptr) mutex->__type = attributes->__type;
    return 0;
}

extern "C" int pthread_mutex_destroy(pthread_mutex_t* mutex)
{
    return __atomic_load_n(&mutex->__state, __ATOMIC_RELAXED) == 0 ? 0 : EBUSY;
}

extern "C" int pthread_mutexattr_init(pthread_mutexattr_t* attributes)
{
    attributes->__type = PTHREAD_MUTEX_DEFAULT;
    return 0;
}

extern "C" int pthread_mutexattr_destroy(pthread_mutexattr_t*) { return 0; }

extern "C" int pthread_mutexattr_settype(pthread_mutexattr_t* attributes, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK) return EINVAL;
    attributes->__type = type;
    return 0;
}

extern "C" int pthread_mutexattr_gettype(const pthread_mutexattr_t* __restrict attributes, int* __restrict type)
{
    *type = attributes->__type;
    return 0;
}

extern "C" int pthread_once(pthread_once_t* once, void (*function)())
{
    constexpr unsigned never = 0;
    constexpr unsigned done = abi::futex_owner + 1; // no thread's number
    while (__atomic_load_n(&once->__state, __ATOMIC_ACQUIRE) != done) {
        unsigned expected = never;
        if (__atomic_compare_exchange_n(
                &once->__state, &expected, runtime::own_number(), false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            function();
            __atomic_store_n(&once->__state, done, __ATOMIC_RELEASE);
            raw::futex_wake(&once->__state, ~0u);
            return 0;
        }
        if (expected != done) raw::futex_wait_owned(&once->__state, expected, abi::no_deadline);
    }
    return 0;
}

} // namespace orrery::thread
