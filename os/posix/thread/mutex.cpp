// Mutexes and pthread_once: POSIX.1-2024 pthread_mutex_lock and its family, on the kernel's futex.
#include "posix/runtime/syscall.h"
#include "posix/thread/mutex.h"
#include "posix/thread/thread_object.h"

#include <cerrno>

namespace orrery::thread {
namespace {

namespace raw = runtime::raw;

constexpr unsigned free_mutex = 0;
constexpr unsigned taken = 1;
constexpr unsigned contended = 2; // taken, and somebody may sleep

bool try_take(pthread_mutex_t& mutex)
{
    unsigned expected = free_mutex;
    return __atomic_compare_exchange_n(&mutex.__state, &expected, taken, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// 0: the caller owns it already and it is recursive. -1: go on and take it. Else the error.
int own_already(pthread_mutex_t& mutex, int error_if_owned)
{
    if (mutex.__type == PTHREAD_MUTEX_NORMAL || __atomic_load_n(&mutex.__owner, __ATOMIC_RELAXED) != pthread_self())
        return -1;
    if (mutex.__type != PTHREAD_MUTEX_RECURSIVE) return error_if_owned;
    mutex.__depth++;
    return 0;
}

void become_owner(pthread_mutex_t& mutex)
{
    if (mutex.__type == PTHREAD_MUTEX_NORMAL) return;
    __atomic_store_n(&mutex.__owner, pthread_self(), __ATOMIC_RELAXED);
    mutex.__depth = 1;
}

} // namespace

// "Contended" each time: whoever was woken cannot know whether others still sleep. A signal handler may run and the
// wait goes on (POSIX: never EINTR).
void lock_contended(pthread_mutex_t& mutex)
{
    while (__atomic_exchange_n(&mutex.__state, contended, __ATOMIC_ACQUIRE) != free_mutex)
        raw::futex_wait(&mutex.__state, contended, abi::no_deadline);
    become_owner(mutex);
}

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex)
{
    if (const int result = own_already(*mutex, EDEADLK); result >= 0) return result;
    if (try_take(*mutex)) become_owner(*mutex);
    else lock_contended(*mutex);
    return 0;
}

extern "C" int pthread_mutex_trylock(pthread_mutex_t* mutex)
{
    if (const int result = own_already(*mutex, EBUSY); result >= 0) return result;
    if (!try_take(*mutex)) return EBUSY;
    become_owner(*mutex);
    return 0;
}

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex)
{
    if (mutex->__type != PTHREAD_MUTEX_NORMAL) {
        if (__atomic_load_n(&mutex->__owner, __ATOMIC_RELAXED) != pthread_self()) return EPERM;
        if (--mutex->__depth != 0) return 0;
        __atomic_store_n(&mutex->__owner, nullptr, __ATOMIC_RELAXED);
    }
    if (__atomic_exchange_n(&mutex->__state, free_mutex, __ATOMIC_RELEASE) == contended)
        raw::futex_wake(&mutex->__state, 1u);
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
    return __atomic_load_n(&mutex->__state, __ATOMIC_RELAXED) == free_mutex ? 0 : EBUSY;
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
    constexpr unsigned running = 1;
    constexpr unsigned done = 2;
    while (__atomic_load_n(&once->__state, __ATOMIC_ACQUIRE) != done) {
        unsigned expected = never;
        if (__atomic_compare_exchange_n(
                &once->__state, &expected, running, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            function();
            __atomic_store_n(&once->__state, done, __ATOMIC_RELEASE);
            raw::futex_wake(&once->__state, ~0u);
            return 0;
        }
        if (expected == running) raw::futex_wait(&once->__state, running, abi::no_deadline);
    }
    return 0;
}

} // namespace orrery::thread
