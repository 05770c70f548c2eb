// System calls on futexes.
#include "kernel/thread/futex.h"

#include "kernel/syscall/syscall.h"

namespace orrery::kernel {

SyscallValue syscall_futex_wait(
    std::uint64_t address, std::uint64_t expected, std::uint64_t deadline, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    return to_value(futex_wait(address, static_cast<std::uint32_t>(expected), deadline));
}

SyscallValue syscall_futex_wake(
    std::uint64_t address, std::uint64_t count, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(futex_wake(address, count));
}

SyscallValue syscall_futex_wait_wide(
    std::uint64_t address, std::uint64_t expected, std::uint64_t deadline, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    return to_value(futex_wait_wide(address, expected, deadline));
}

SyscallValue syscall_futex_requeue(
    std::uint64_t address, std::uint64_t expected, std::uint64_t wakes, std::uint64_t moves, std::uint64_t target,
    std::uint64_t)
{
    return to_value(futex_requeue(address, static_cast<std::uint32_t>(expected), wakes, moves, target));
}

} // namespace orrery::kernel
