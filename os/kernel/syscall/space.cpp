// System calls on address spaces.
#include <algorithm>

#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/memory/user_access.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<abi::Handle> create(VirtualAddress name_address, std::uint64_t name_length)
    {
        char name[AddressSpace::name_size] = {};
        const std::uint64_t length = std::min<std::uint64_t>(name_length, sizeof(name) - 1);
        TRY_STATUS(copy_from_user(name, name_address, length));
        TRY(space, with_reclaim([&] {
            return AddressSpace::create(std::span(name).first(length), current_thread().space);
        }));
        return current_thread().space->handles.insert(
            space, abi::right_manage | abi::right_signal | abi::right_wait | abi::right_duplicate);
    }

    Result<std::uint64_t> wait(abi::Handle handle, std::uint64_t deadline)
    {
        TRY(space, current_thread().space->handles.find<AddressSpace>(handle, abi::right_wait));
        if (space.get() == current_thread().space) return fail(Error::invalid_argument); // it would wait for ever
        TRY(status, space->wait_for_end(deadline));
        return status.word();
    }

    Status end(abi::Handle handle, std::uint64_t status)
    {
        TRY(space, current_thread().space->handles.find<AddressSpace>(handle, abi::right_manage));
        space->end(abi::ExitStatus::from_word(status));
        return {};
    }

    Status limit(abi::Handle handle, std::uint64_t which, std::uint64_t value)
    {
        TRY(space, current_thread().space->handles.find<AddressSpace>(handle, abi::right_manage));
        if (which >= static_cast<std::uint64_t>(abi::SpaceLimit::count)) return fail(Error::invalid_argument);
        return space->shrink_limit(static_cast<abi::SpaceLimit>(which), value);
    }

} // namespace

SyscallValue syscall_space_limit(
    std::uint64_t space, std::uint64_t which, std::uint64_t value, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(limit(to_handle(space), which, value));
}

SyscallValue syscall_space_create(
    std::uint64_t name, std::uint64_t name_length, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create(name, name_length));
}

SyscallValue syscall_space_end(
    std::uint64_t space, std::uint64_t status, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(end(to_handle(space), status));
}

SyscallValue syscall_space_wait(
    std::uint64_t space, std::uint64_t deadline, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(wait(to_handle(space), deadline));
}

} // namespace orrery::kernel
