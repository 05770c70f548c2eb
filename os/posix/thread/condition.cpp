// Condition variables: POSIX.1-2024 pthread_cond_wait and its family, on the kernel's futex.
#include "posix/runtime/syscall.h"
#include "posix/time/deadline.h"

#include <cerrno>
#include <pthread.h>

namespace orrery::thread {
namespace {

namespace raw = runtime::raw;

// The sequence is read with the mutex held, so a signal that comes after the caller looked at its condition changes it,
// and the futex does not sleep. May wake without reason, also for a signal handler; POSIX allows that.
int wait(pthread_cond_t& condition, pthread_mutex_t& mutex, std::uint64_t deadline)
{
    const unsigned sequence = __atomic_load_n(&condition.__sequence, __ATOMIC_SEQ_CST);
    if (const int error = pthread_mutex_unlock(&mutex); error != 0) return error;
    const std::int64_t result = raw::futex_wait(&condition.__sequence, sequence, deadline);
    pthread_mutex_lock(&mutex);
    return runtime::failed_with(result, abi::Error::timed_out) ? ETIMEDOUT : 0;
}

int wake(pthread_cond_t& condition, unsigned count)
{
    __atomic_fetch_add(&condition.__sequence, 1, __ATOMIC_SEQ_CST);
    raw::futex_wake(&condition.__sequence, count);
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
    return wait(*condition, *mutex, deadline);
}

extern "C" int pthread_cond_signal(pthread_cond_t* condition) { return wake(*condition, 1); }

extern "C" int pthread_cond_broadcast(pthread_cond_t* condition) { return wake(*condition, ~0u); }

extern "C" int pthread_cond_init(pthread_cond_t* __restrict condition, const pthread_condattr_t* __restrict)
{
    *condition = PTHREAD_COND_INITIALIZER;
    return 0;
}

extern "C" int pthread_cond_destroy(pthread_cond_t*) { return 0; }

} // namespace orrery::thread
