// Clocks and sleeping: POSIX.1-2024 clock_gettime, clock_getres, clock_settime, clock_nanosleep, nanosleep, sleep,
// usleep, gettimeofday, sched_yield.
//
// CLOCK_MONOTONIC starts at 0 with the machine. CLOCK_REALTIME is that plus the date at which it started; on a machine
// that does not know the date it starts in 1970.
#include "abi/handle.h"
#include "abi/startup.h"
#include "posix/signal/delivery.h"
#include "posix/time/deadline.h"

#include <cerrno>
#include <orrery/orrery.h>
#include <sched.h>
#include <sys/times.h>
#include <unistd.h>

namespace orrery::time {
namespace {

constexpr bool known(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC; }

// Sleeps until the deadline or until a handler has run. True if the time is over.
bool sleep_until(std::uint64_t deadline)
{
    while (true) {
        const auto waited = signal::interruptible([&] { return runtime::raw::signal_wait(deadline); });
        if (runtime::failed_with(waited.result, abi::Error::timed_out)) return true;
        // Never restarted, SA_RESTART or not (POSIX nanosleep). Woken for a signal that was then ignored: sleep on.
        if (waited.handler_ran) return has_come(deadline);
    }
}

} // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* time)
{
    if (!known(clock)) {
        errno = EINVAL;
        return -1;
    }
    *time = to_timespec(clock == CLOCK_REALTIME ? date() : now());
    return 0;
}

// EPERM for all but drivers and whoever else holds the right to use the hardware.
extern "C" int clock_settime(clockid_t clock, const struct timespec* time)
{
    std::uint64_t moment;
    if (clock != CLOCK_REALTIME || !to_nanoseconds(*time, moment)) {
        errno = EINVAL;
        return -1;
    }
    const auto hardware = orrery_auxiliary(static_cast<std::uint64_t>(abi::Auxiliary::hardware_handle), 0, abi::no_handle);
    const std::int64_t result = runtime::raw::clock_set(hardware, moment);
    if (result == 0) return 0;
    errno = runtime::failed_with(result, abi::Error::invalid_argument) ? EINVAL : EPERM;
    return -1;
}

extern "C" int clock_getres(clockid_t clock, struct timespec* resolution)
{
    if (!known(clock)) {
        errno = EINVAL;
        return -1;
    }
    if (resolution != nullptr) *resolution = { .tv_sec = 0, .tv_nsec = 1 };
    return 0;
}

// Returns the error number.
extern "C" int clock_nanosleep(clockid_t clock, int flags, const struct timespec* request, struct timespec* remaining)
{
    if (!known(clock)) return EINVAL;
    std::uint64_t deadline;
    if (!to_nanoseconds(*request, deadline)) return EINVAL;
    const bool absolute = (flags & TIMER_ABSTIME) != 0;
    deadline = absolute ? deadline_at(clock, deadline) : deadline_in(deadline);
    if (sleep_until(deadline)) return 0;
    if (!absolute && remaining != nullptr) {
        const std::uint64_t moment = now();
        *remaining = to_timespec(deadline > moment ? deadline - moment : 0);
    }
    return EINTR;
}

extern "C" int nanosleep(const struct timespec* request, struct timespec* remaining)
{
    const int error = clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
    if (error == 0) return 0;
    errno = error;
    return -1;
}

extern "C" unsigned sleep(unsigned seconds)
{
    struct timespec time { .tv_sec = static_cast<time_t>(seconds), .tv_nsec = 0 };
    if (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == 0) return 0;
    return static_cast<unsigned>(time.tv_sec) + (time.tv_nsec != 0 ? 1 : 0);
}

extern "C" int usleep(useconds_t microseconds)
{
    const struct timespec time = to_timespec(std::uint64_t { microseconds } * 1000);
    return nanosleep(&time, nullptr);
}

extern "C" int gettimeofday(struct timeval* __restrict time, void* __restrict)
{
    const std::uint64_t moment = date();
    time->tv_sec = static_cast<time_t>(moment / nanoseconds_per_second);
    time->tv_usec = static_cast<suseconds_t>(moment % nanoseconds_per_second / 1000);
    return 0;
}

extern "C" int sched_yield()
{
    runtime::raw::thread_yield();
    return 0;
}

} // namespace orrery::time
