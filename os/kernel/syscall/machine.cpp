// System calls on the machine: its console and its end.
#include <algorithm>

#include "kernel/boot/calendar.h"
#include "kernel/boot/console.h"
#include "kernel/boot/descriptor.h"
#include "kernel/boot/panic.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/user_access.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"
#include "kernel/thread/timer.h"

namespace orrery::kernel {
namespace {

    // At most one piece a call, so that a caller with a huge buffer can be interrupted between pieces.
    Result<std::uint64_t> write(abi::Handle handle, VirtualAddress address, std::uint64_t length)
    {
        TRY(console, current_thread().space->handles.find<Console>(handle, abi::right_write));
        (void)console; // its presence is the permission; there is one console
        char piece[512];
        const std::uint64_t count = std::min<std::uint64_t>(length, sizeof(piece));
        TRY_STATUS(copy_from_user(piece, address, count));
        console_write(std::span(piece).first(count));
        return count;
    }

    Status end(abi::Handle handle, std::uint64_t status)
    {
        TRY(power, current_thread().space->handles.find<Power>(handle, abi::right_manage));
        (void)power;
        orrery_descriptor.exit_status.store(status);
        orrery_descriptor.machine_state.store(static_cast<std::uint32_t>(abi::MachineState::ended));
        end_machine(static_cast<std::uint8_t>(abi::ExitStatus::from_word(status).shell_status()));
    }

    Status set_date(abi::Handle handle, std::uint64_t now)
    {
        TRY(hardware, current_thread().space->handles.find<Hardware>(handle, abi::right_manage));
        (void)hardware;
        if (now > latest_date) return fail(Error::invalid_argument);
        set_calendar(now);
        follow_calendar();
        return {};
    }

} // namespace

SyscallValue syscall_clock_set(
    std::uint64_t hardware, std::uint64_t now, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(set_date(to_handle(hardware), now));
}

SyscallValue syscall_console_write(
    std::uint64_t console, std::uint64_t address, std::uint64_t length, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    return to_value(write(to_handle(console), address, length));
}

SyscallValue syscall_machine_end(
    std::uint64_t power, std::uint64_t status, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(end(to_handle(power), status));
}

} // namespace orrery::kernel
