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

SyscallValue syscall_futex_wait_owned(
    std::uint64_t address, std::uint64_t expected, std::uint64_t deadline, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    return to_value(futex_wait(address, static_cast<std::uint32_t>(expected), deadline, abi::FutexWord::owned));
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
    std::uint64_t target_word)
{
    if (target_word > static_cast<std::uint64_t>(abi::FutexWord::owned)) return to_value(Error::invalid_argument);
    return to_value(futex_requeue(address, static_cast<std::uint32_t>(expected), wakes, moves, target,
        static_cast<abi::FutexWord>(target_word)));
}

} // namespace orrery::kernel
