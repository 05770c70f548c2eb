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

} // namespace orrery::kernel
