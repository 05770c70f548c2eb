// The dispatch table that cpu/entry.S indexes, and the calls that belong to no object.
#include "kernel/syscall/syscall.h"

#include "kernel/cpu/clock.h"

namespace orrery::kernel {

using SyscallFunction = SyscallValue (*)(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);

extern "C" const SyscallFunction syscall_table[] = {
#define X(name, arguments, sentence) syscall_##name,
    ORRERY_SYSCALLS(X)
#undef X
};

extern "C" SyscallValue syscall_unknown() { return to_value(Error::unsupported); }

SyscallValue syscall_nop(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return 0;
}

SyscallValue syscall_clock_now(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return static_cast<SyscallValue>(clock_now());
}

} // namespace orrery::kernel
