// The dispatch table that cpu/entry.S indexes, and the calls that belong to no object.
#include "kernel/syscall/syscall.h"

#include "kernel/boot/calendar.h"
#include "kernel/memory/address_space.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

extern "C" const SyscallFunction syscall_table[] = {
#define X(name, arguments, sentence) syscall_##name,
    ORRERY_SYSCALLS(X)
#undef X
};

HandleTable& own_handles() { return current_thread().space->handles; }

MemoryAccount* own_account() { return current_thread().space->account.get(); }

extern "C" SyscallValue syscall_unknown() { return to_value(Error::unsupported); }

SyscallValue syscall_nop(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return 0;
}

SyscallValue syscall_clock_now(
    std::uint64_t clock, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    if (clock > static_cast<std::uint64_t>(abi::Clock::since_1970)) return to_value(Error::invalid_argument);
    return static_cast<SyscallValue>(moment_now(static_cast<abi::Clock>(clock)));
}

} // namespace orrery::kernel
