// The thread's timer signal: POSIX.1-2024 alarm; setitimer and getitimer (ITIMER_REAL) of POSIX.1-2017.
//
// The kernel has one timer a thread and raises at that thread; POSIX says the process, which is the same as long as a
// process has one thread that uses it.
#include "posix/signal/delivery.h"
#include "posix/time/deadline.h"

#include <cerrno>
#include <orrery/orrery.h>
#include <signal.h>
#include <unistd.h>

namespace orrery::time {
namespace {

// What is armed, for getitimer and for alarm's return value. `deadline` 0 = nothing.
struct Armed {
    std::uint64_t deadline = 0;
    std::uint64_t interval = 0;
};
constinit thread_local Armed armed;

// Time until the next expiry; 0 if there is none.
std::uint64_t remaining(const Armed& timer)
{
    if (timer.deadline == 0) return 0;
    const std::uint64_t moment = now();
    if (timer.deadline > moment) return timer.deadline - moment;
    if (timer.interval == 0) return 0;
    return timer.interval - (moment - timer.deadline) % timer.interval;
}

bool arm(std::uint64_t length, std::uint64_t interval, int number)
{
    const signal::InhibitSection section; // the kernel's timer and our note of it change together
    const std::uint64_t deadline = length == 0 ? 0 : deadline_in(length);
    if (runtime::raw::signal_timer(deadline, interval, number) < 0) return false;
    armed = { deadline, interval };
    return true;
}

constexpr std::uint64_t from_timeval(const struct timeval& time)
{
    return static_cast<std::uint64_t>(time.tv_sec) * nanoseconds_per_second
        + static_cast<std::uint64_t>(time.tv_usec) * 1000;
}

// Rounded up, so that a running timer never shows 0.
struct timeval to_timeval(std::uint64_t nanoseconds)
{
    const std::uint64_t microseconds = (nanoseconds + 999) / 1000;
    return { .tv_sec = static_cast<time_t>(microseconds / 1'000'000),
        .tv_usec = static_cast<suseconds_t>(microseconds % 1'000'000) };
}

constexpr bool valid(const struct timeval& time)
{
    return time.tv_sec >= 0 && time.tv_sec < (std::int64_t { 1 } << 33) && time.tv_usec >= 0
        && time.tv_usec < 1'000'000;
}

int fail(int error)
{
    errno = error;
    return -1;
}

} // namespace

extern "C" unsigned alarm(unsigned seconds)
{
    const std::uint64_t left = remaining(armed);
    arm(seconds * nanoseconds_per_second, 0, SIGALRM);
    return static_cast<unsigned>((left + nanoseconds_per_second - 1) / nanoseconds_per_second);
}

extern "C" int getitimer(int which, struct itimerval* value)
{
    if (which != ITIMER_REAL) return fail(EINVAL);
    value->it_value = to_timeval(remaining(armed));
    value->it_interval = to_timeval(armed.interval);
    return 0;
}

extern "C" int setitimer(int which, const struct itimerval* __restrict value, struct itimerval* __restrict old)
{
    if (which != ITIMER_REAL || !valid(value->it_value) || !valid(value->it_interval)) return fail(EINVAL);
    const struct itimerval wanted = *value;
    if (old != nullptr) getitimer(which, old);
    if (!arm(from_timeval(wanted.it_value), from_timeval(wanted.it_interval), SIGALRM)) return fail(EINVAL);
    return 0;
}

extern "C" int orrery_signal_timer(std::uint64_t deadline, std::uint64_t interval, int number)
{
    if (runtime::raw::signal_timer(deadline, interval, number) < 0) return fail(EINVAL);
    return 0;
}

} // namespace orrery::time
