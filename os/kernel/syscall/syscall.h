// The kernel's side of the system-call table: one function per line of abi/syscall.h.
#pragma once

#include <cstdint>

#include "abi/handle.h"
#include "abi/syscall.h"
#include "kernel/base/error.h"

namespace orrery::kernel {

// A call's value, or minus the error: what goes back in RAX.
using SyscallValue = std::int64_t;

inline SyscallValue to_value(Error error) { return -static_cast<SyscallValue>(error); }
inline SyscallValue to_value(const Status& status) { return status ? 0 : to_value(status.error()); }
template <typename T>
SyscallValue to_value(const Result<T>& result)
{
    return result ? static_cast<SyscallValue>(*result) : to_value(result.error());
}

// A handle argument. What does not fit names nothing: cut to 32 bits it might name something.
inline abi::Handle to_handle(std::uint64_t argument)
{
    return argument <= UINT32_MAX ? static_cast<abi::Handle>(argument) : abi::no_handle;
}

class HandleTable;
class MemoryAccount;
HandleTable& own_handles();   // of the calling program
MemoryAccount* own_account(); // who pays for what it makes

// Assembly calls these with the six argument registers; a function that needs fewer ignores the rest.
#define X(name, arguments, sentence)                                                                          \
    extern "C" SyscallValue syscall_##name(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, \
        std::uint64_t);
ORRERY_SYSCALLS(X)
#undef X

using SyscallFunction = SyscallValue (*)(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);
extern "C" const SyscallFunction syscall_table[]; // by number

} // namespace orrery::kernel
