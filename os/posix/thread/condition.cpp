// Condition variables: POSIX.1-2024 pthread_cond_wait and its family, on the kernel's futex.
#include "posix/runtime/syscall.h"
#include "posix/thread/mutex.h"
#include "posix/time/deadline.h"

#include "abi/futex.h"

#include <cerrno>
#include <pthread.h>

namespace orrery::thread {
namespace {

namespace raw = runtime::raw;

// The sequence is read, and the waiter counted, with the mutex held, so a signal that comes after the caller looked at
// its condition changes it, and the futex does not sleep. May wake without reason, also for a signal handler; POSIX
// allows that.
int wait(pthread_cond_t& condition, pthread_mutex_t& mutex, std::uint64_t deadline)
{
    const unsigned sequence = __atomic_load_n(&condition.__sequence, __ATOMIC_SEQ_CST);
    __atomic_store_n(&condition.__mutex, &mutex, __ATOMIC_RELAXED);
    __atomic_fetch_add(&condition.__waiters, 1, __ATOMIC_SEQ_CST);
    if (const int error = pthread_mutex_unlock(&mutex); error != 0) {
        __atomic_fetch_sub(&condition.__waiters, 1, __ATOMIC_SEQ_CST);
        return error;
    }
    const std::int64_t result = raw::futex_wait(&condition.__sequence, sequence, deadline);
    __atomic_fetch_sub(&condition.__waiters, 1, __ATOMIC_SEQ_CST);
    // Others may sleep on the mutex whom a broadcast moved there: whoever takes it must wake the next one. No count of
    // broadcasts can spare this: one may be counted before the waiter looks, and move others after that.
    lock_contended(mutex);
    return runtime::failed_with(result, abi::Error::timed_out) ? ETIMEDOUT : 0;
}

// One wakes and takes the mutex; the others would only find it taken, so they go on to sleep on that.
int wake_all(pthread_cond_t& condition)
{
    unsigned sequence = __atomic_add_fetch(&condition.__sequence, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&condition.__waiters, __ATOMIC_SEQ_CST) == 0) return 0;
    auto* const mutex = static_cast<pthread_mutex_t*>(__atomic_load_n(&condition.__mutex, __ATOMIC_RELAXED));
    const std::int64_t result = raw::futex_requeue(&condition.__sequence, sequence, 1u, ~0u, &mutex->__state, abi::FutexWord::owned);
    // Another signal came between; or the mutex is gone, because nobody waits any more.
    if (result < 0) raw::futex_wake(&condition.__sequence, ~0u);
    return 0;
}

} // namespace

extern "C" int pthread_cond_wait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex)
{
    return wait(*condition, *mutex, abi::no_deadline);
}

extern "C" int pthread_cond_timedwait(
    pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex, const struct timespec* __restrict time)
{
    std::uint64_t deadline;
    if (!time::to_nanoseconds(*time, deadline)) return EINVAL;
    deadline = time::deadline_at(condition->__clock == CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME, deadline);
    return wait(*condition, *mutex, deadline);
}

extern "C" int pthread_cond_signal(pthread_cond_t* condition)
{
    __atomic_fetch_add(&condition->__sequence, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&condition->__waiters, __ATOMIC_SEQ_CST) != 0) raw::futex_wake(&condition->__sequence, 1u);
    return 0;
}

extern "C" int pthread_cond_broadcast(pthread_cond_t* condition) { return wake_all(*condition); }

extern "C" int pthread_cond_init(
    pthread_cond_t* __restrict condition, const pthread_condattr_t* __restrict attributes)
{
    *condition = PTHREAD_COND_INITIALIZER;
    if (attributes != nullptr) condition->__clock = attributes->__clock;
    return 0;
}

extern "C" int pthread_condattr_init(pthread_condattr_t* attributes)
{
    attributes->__clock = CLOCK_REALTIME;
    return 0;
}
extern "C" int pthread_condattr_destroy(pthread_condattr_t*) { return 0; }

extern "C" int pthread_condattr_setclock(pthread_condattr_t* attributes, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return EINVAL;
    attributes->__clock = clock;
    return 0;
}
extern "C" int pthread_condattr_getclock(const pthread_condattr_t* __restrict attributes, clockid_t* __restrict clock)
{
    *clock = static_cast<clockid_t>(attributes->__clock);
    return 0;
}

extern "C" int pthread_cond_destroy(pthread_cond_t*) { return 0; }

} // namespace orrery::thread
