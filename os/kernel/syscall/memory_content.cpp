// System calls on what memory objects hold: clones, replacement, advice, physical memory.
#include "kernel/boot/console.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/pressure.h"
#include "kernel/memory/reclaim.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint32_t memory_rights
        = abi::right_read | abi::right_write | abi::right_execute | abi::right_duplicate;

    Result<abi::Handle> clone(abi::Handle handle, std::uint64_t offset, std::uint64_t length)
    {
        TRY(object, own_handles().find<MemoryObject>(handle, abi::right_read));
        TRY(copy, with_reclaim([&] { return object->clone(offset, length, own_account()); }));
        return own_handles().insert(copy, memory_rights);
    }

    Result<VirtualAddress> move(abi::Handle space, std::uint64_t from, std::uint64_t length, std::uint64_t to)
    {
        TRY(target, own_handles().find<AddressSpace>(space, abi::right_manage));
        return target->move(from, length, to);
    }

    Status advise(abi::Handle space, std::uint64_t address, std::uint64_t length, std::uint64_t advice)
    {
        if (advice >= static_cast<std::uint64_t>(abi::Advice::count)) return fail(Error::invalid_argument);
        TRY(target, own_handles().find<AddressSpace>(space, abi::right_manage));
        const Status advised = target->advise(address, length, static_cast<abi::Advice>(advice));
        consider_pressure(); // pages were made, or given back
        return advised;
    }

    Result<std::uint64_t> wait_until_short(std::uint64_t level, std::uint64_t deadline)
    {
        if (level > static_cast<std::uint64_t>(abi::MemoryPressure::critical)) return fail(Error::invalid_argument);
        TRY(told, wait_for_pressure(static_cast<abi::MemoryPressure>(level), deadline));
        return static_cast<std::uint64_t>(told);
    }

    Status replace(abi::Handle memory, std::uint64_t offset, abi::Handle source, std::uint64_t source_offset)
    {
        TRY(target, own_handles().find<MemoryObject>(memory, abi::right_write));
        TRY(origin, own_handles().find<MemoryObject>(source, abi::right_read | abi::right_write));
        if (origin->has_pager()) return fail(Error::invalid_argument); // before its page counts as changed
        TRY_STATUS(origin->bring(source_offset, true));
        return with_reclaim([&] { return target->replace(offset, *origin, source_offset); });
    }

    Result<abi::Handle> create_physical(
        abi::Handle hardware, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t flags)
    {
        if (flags > UINT32_MAX) return fail(Error::invalid_argument);
        TRY(permission, own_handles().find<Hardware>(hardware, abi::right_manage));
        (void)permission;
        TRY(object, with_reclaim([&] {
            return MemoryObject::create_physical(minimum, maximum, static_cast<std::uint32_t>(flags), own_account());
        }));
        return own_handles().insert(object, memory_rights & ~abi::right_execute);
    }

    Result<PhysicalAddress> physical_address(abi::Handle hardware, abi::Handle memory, std::uint64_t offset)
    {
        TRY(permission, own_handles().find<Hardware>(hardware, abi::right_manage));
        (void)permission;
        TRY(object, own_handles().find<MemoryObject>(memory, abi::right_read | abi::right_write));
        return object->physical_address(offset);
    }

    Result<std::uint64_t> size(abi::Handle memory)
    {
        TRY(object, own_handles().find<MemoryObject>(memory, 0));
        return object->size();
    }

} // namespace

SyscallValue syscall_memory_pressure_wait(
    std::uint64_t level, std::uint64_t deadline, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(wait_until_short(level, deadline));
}

SyscallValue syscall_memory_clone(
    std::uint64_t memory, std::uint64_t offset, std::uint64_t length, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(clone(to_handle(memory), offset, length));
}

SyscallValue syscall_memory_move(
    std::uint64_t space, std::uint64_t from, std::uint64_t length, std::uint64_t to, std::uint64_t, std::uint64_t)
{
    return to_value(move(to_handle(space), from, length, to));
}

SyscallValue syscall_memory_advise(
    std::uint64_t space, std::uint64_t address, std::uint64_t length, std::uint64_t advice, std::uint64_t,
    std::uint64_t)
{
    return to_value(advise(to_handle(space), address, length, advice));
}

SyscallValue syscall_memory_replace(
    std::uint64_t memory, std::uint64_t offset, std::uint64_t source, std::uint64_t source_offset, std::uint64_t,
    std::uint64_t)
{
    return to_value(replace(to_handle(memory), offset, to_handle(source), source_offset));
}

SyscallValue syscall_memory_create_physical(
    std::uint64_t hardware, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t flags, std::uint64_t,
    std::uint64_t)
{
    return to_value(create_physical(to_handle(hardware), minimum, maximum, flags));
}

SyscallValue syscall_memory_physical_address(
    std::uint64_t hardware, std::uint64_t memory, std::uint64_t offset, std::uint64_t, std::uint64_t,
    std::uint64_t)
{
    return to_value(physical_address(to_handle(hardware), to_handle(memory), offset));
}

SyscallValue syscall_memory_size(
    std::uint64_t memory, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(size(to_handle(memory)));
}

} // namespace orrery::kernel
