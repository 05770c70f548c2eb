// System calls for signals. There is none for masks, handlers or returns: those are memory (abi/signal.h).
#include "kernel/signal/signal.h"

#include "kernel/memory/address_space.h"
#include "kernel/memory/user_access.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Status raise(abi::Handle handle, std::uint64_t number, VirtualAddress info_address)
    {
        TRY(entry, current_thread().space->handles.find_any(handle));
        const abi::ObjectKind kind = entry.object->kind;
        if (kind != abi::ObjectKind::space && kind != abi::ObjectKind::thread) return fail(Error::wrong_kind);
        if (!(entry.rights & abi::right_signal)) return fail(Error::access_denied);
        if (number > abi::signal_count) return fail(Error::invalid_argument);
        abi::SignalInfo info {};
        if (info_address != 0) TRY_STATUS(copy_from_user(&info, info_address, sizeof(info)));
        if (kind == abi::ObjectKind::space)
            return raise_to_space(*static_cast<AddressSpace*>(entry.object.get()), static_cast<int>(number), info);
        return raise_to_thread(*static_cast<Thread*>(entry.object.get()), static_cast<int>(number), info);
    }

} // namespace

SyscallValue syscall_signal_register(
    std::uint64_t thread_control, std::uint64_t process_control, std::uint64_t trampoline, std::uint64_t,
    std::uint64_t, std::uint64_t)
{
    return to_value(register_signals(thread_control, process_control, trampoline));
}

SyscallValue syscall_signal_raise(
    std::uint64_t target, std::uint64_t number, std::uint64_t info, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(raise(to_handle(target), number, info));
}

SyscallValue syscall_signal_timer(
    std::uint64_t deadline, std::uint64_t interval, std::uint64_t number, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    if (number > abi::signal_count) return to_value(Error::invalid_argument);
    return to_value(set_signal_timer(current_thread(), deadline, interval, static_cast<int>(number)));
}

// The thread parks on its way back to user mode, with all others of its process.
SyscallValue syscall_signal_stop(
    std::uint64_t continued, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    if (continued > UINT32_MAX) return to_value(Error::invalid_argument);
    current_thread().space->stop_unless_continued(static_cast<std::uint32_t>(continued));
    return 0;
}

SyscallValue syscall_signal_wait(
    std::uint64_t deadline, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(wait_for_signal(deadline));
}

} // namespace orrery::kernel
