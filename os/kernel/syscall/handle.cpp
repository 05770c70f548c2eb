// System calls on handles.
#include "kernel/memory/address_space.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<abi::Handle> install(abi::Handle space_handle, abi::Handle handle, std::uint64_t rights)
    {
        AddressSpace& own = *current_thread().space;
        TRY(target, own.handles.find<AddressSpace>(space_handle, abi::right_manage));
        TRY(entry, own.handles.find_any(handle));
        if (!(entry.rights & abi::right_duplicate) || (rights & ~std::uint64_t { entry.rights }))
            return fail(Error::access_denied);
        return target->handles.insert(entry.object, static_cast<std::uint32_t>(rights));
    }

    Result<abi::Handle> duplicate(abi::Handle handle, std::uint64_t rights)
    {
        AddressSpace& own = *current_thread().space;
        TRY(entry, own.handles.find_any(handle));
        if (!(entry.rights & abi::right_duplicate)) return fail(Error::access_denied);
        if (rights & ~std::uint64_t { entry.rights }) return fail(Error::access_denied);
        return own.handles.insert(entry.object, static_cast<std::uint32_t>(rights));
    }

} // namespace

SyscallValue syscall_handle_close(
    std::uint64_t handle, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(current_thread().space->handles.close(to_handle(handle)));
}

SyscallValue syscall_handle_duplicate(
    std::uint64_t handle, std::uint64_t rights, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(duplicate(to_handle(handle), rights));
}

SyscallValue syscall_handle_install(std::uint64_t space, std::uint64_t handle, std::uint64_t rights, std::uint64_t,
    std::uint64_t, std::uint64_t)
{
    return to_value(install(to_handle(space), to_handle(handle), rights));
}

} // namespace orrery::kernel
