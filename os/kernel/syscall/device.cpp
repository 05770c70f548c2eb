// System calls on devices and events.
#include "kernel/boot/console.h"
#include "kernel/device/device.h"
#include "kernel/device/interrupt.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/user_access.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<Ref<Device>> device_of(abi::Handle handle) { return own_handles().find<Device>(handle, abi::right_manage); }

    Result<abi::Handle> create_event()
    {
        TRY(event, Event::create());
        return own_handles().insert(event, abi::right_signal | abi::right_wait | abi::right_duplicate);
    }

    Status signal_event(abi::Handle handle)
    {
        TRY(event, own_handles().find<Event>(handle, abi::right_signal));
        event->signal();
        return {};
    }

    Result<std::uint64_t> wait_for_event(abi::Handle handle, std::uint64_t deadline)
    {
        TRY(event, own_handles().find<Event>(handle, abi::right_wait));
        TRY(count, event->wait(deadline));
        return count & INT64_MAX; // a result below 0 would be an error
    }

    Result<abi::Handle> open(abi::Handle hardware, std::uint64_t index)
    {
        TRY(permission, own_handles().find<Hardware>(hardware, abi::right_manage));
        (void)permission;
        TRY(device, find_device(index));
        return own_handles().insert(device, abi::right_manage | abi::right_duplicate);
    }

    Result<std::uint32_t> read_word(abi::Handle handle, std::uint64_t offset)
    {
        TRY(device, device_of(handle));
        return device->read_configuration(offset);
    }

    Result<abi::Handle> registers(abi::Handle handle, std::uint64_t region)
    {
        TRY(device, device_of(handle));
        TRY(object, device->registers(region));
        return own_handles().insert(object, abi::right_read | abi::right_write | abi::right_duplicate);
    }

    Result<abi::Handle> interrupt(abi::Handle handle, std::uint64_t index)
    {
        TRY(device, device_of(handle));
        if (index >= Device::max_interrupts) return fail(Error::invalid_argument);
        TRY(event, DeviceInterrupt::create(device, static_cast<unsigned>(index)));
        return own_handles().insert(event, abi::right_wait | abi::right_duplicate);
    }

    Result<std::uint64_t> map(
        abi::Handle handle, abi::Handle memory, std::uint64_t offset, std::uint64_t length, std::uint64_t access)
    {
        const std::uint32_t rights = ((access & abi::device_reads) ? abi::right_read : 0)
            | ((access & abi::device_writes) ? abi::right_write : 0);
        for (;;) { // from the handles on: they may have been closed while a page was brought
            TRY(device, device_of(handle));
            TRY(object, own_handles().find<MemoryObject>(memory, rights));
            const auto address = device->map(object, offset, length, access);
            if (address || address.error() != Error::not_present) return address;
            for (std::uint64_t page = 0; page < length; page += page_size) TRY_STATUS(object->bring(offset + page, true));
            if (!preemption_point()) return fail(Error::interrupted);
        }
    }

    Status unmap(abi::Handle handle, std::uint64_t address)
    {
        TRY(device, device_of(handle));
        return device->unmap(address);
    }

    Status status(abi::Handle handle, VirtualAddress to)
    {
        TRY(device, device_of(handle));
        const abi::DeviceStatus told = device->status();
        return copy_to_user(to, &told, sizeof(told));
    }

} // namespace

SyscallValue syscall_event_create(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create_event());
}

SyscallValue syscall_event_signal(
    std::uint64_t event, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(signal_event(to_handle(event)));
}

SyscallValue syscall_event_wait(
    std::uint64_t event, std::uint64_t deadline, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(wait_for_event(to_handle(event), deadline));
}

SyscallValue syscall_device_open(
    std::uint64_t hardware, std::uint64_t index, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(open(to_handle(hardware), index));
}

SyscallValue syscall_device_read(
    std::uint64_t device, std::uint64_t offset, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(read_word(to_handle(device), offset));
}

SyscallValue syscall_device_memory(
    std::uint64_t device, std::uint64_t region, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(registers(to_handle(device), region));
}

SyscallValue syscall_device_interrupt(
    std::uint64_t device, std::uint64_t index, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(interrupt(to_handle(device), index));
}

SyscallValue syscall_device_map(
    std::uint64_t device, std::uint64_t memory, std::uint64_t offset, std::uint64_t length, std::uint64_t access,
    std::uint64_t)
{
    return to_value(map(to_handle(device), to_handle(memory), offset, length, access));
}

SyscallValue syscall_device_unmap(
    std::uint64_t device, std::uint64_t address, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(unmap(to_handle(device), address));
}

SyscallValue syscall_device_status(
    std::uint64_t device, std::uint64_t address, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(status(to_handle(device), address));
}

} // namespace orrery::kernel
