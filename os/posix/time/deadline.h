// Conversions between POSIX times and the kernel's: unsigned nanoseconds, and deadlines (abi/syscall.h).
#pragma once

#include "abi/syscall.h"
#include "posix/runtime/syscall.h"

#include <cstdint>
#include <sys/time.h>
#include <time.h>

namespace orrery::time {

inline constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

// Nanoseconds since 1970 now.
inline std::uint64_t date() { return static_cast<std::uint64_t>(runtime::raw::clock_now(abi::Clock::since_1970)); }
inline std::uint64_t now() { return static_cast<std::uint64_t>(runtime::raw::clock_now()); }

// Nanoseconds of a time that POSIX calls valid (not negative, nanoseconds below a second); false if it is not. A time
// that does not fit is as good as for ever.
inline bool to_nanoseconds(const struct timespec& time, std::uint64_t& nanoseconds)
{
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= static_cast<long>(nanoseconds_per_second)) return false;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(time.tv_sec), nanoseconds_per_second, &nanoseconds)
        || __builtin_add_overflow(nanoseconds, static_cast<std::uint64_t>(time.tv_nsec), &nanoseconds))
        nanoseconds = abi::no_deadline;
    return true;
}

// The deadline that lies `length` after now.
inline std::uint64_t deadline_in(std::uint64_t length)
{
    return abi::deadline_in(abi::Clock::since_start, now(), length);
}
inline bool deadline_after(const struct timespec& length, std::uint64_t& deadline)
{
    std::uint64_t nanoseconds;
    if (!to_nanoseconds(length, nanoseconds)) return false;
    deadline = deadline_in(nanoseconds);
    return true;
}

// The deadline at which the clock shows `moment`, however it is set meanwhile.
inline std::uint64_t deadline_at(clockid_t clock, std::uint64_t moment)
{
    return abi::deadline_at(clock == CLOCK_REALTIME ? abi::Clock::since_1970 : abi::Clock::since_start, moment);
}
inline bool has_come(std::uint64_t deadline)
{
    if (deadline == abi::no_deadline) return false;
    return abi::moment_of(deadline) <= static_cast<std::uint64_t>(runtime::raw::clock_now(abi::clock_of(deadline)));
}

inline struct timespec to_timespec(std::uint64_t nanoseconds)
{
    return { .tv_sec = static_cast<time_t>(nanoseconds / nanoseconds_per_second),
        .tv_nsec = static_cast<long>(nanoseconds % nanoseconds_per_second) };
}

} // namespace orrery::time
