// System calls on memory objects and mappings.
#include "kernel/memory/address_space.h"
#include "kernel/ring/ring.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    std::uint32_t rights_for(std::uint32_t protection)
    {
        return ((protection & abi::protection_read) ? abi::right_read : 0)
            | ((protection & abi::protection_write) ? abi::right_write : 0)
            | ((protection & abi::protection_execute) ? abi::right_execute : 0);
    }

    // A handle of a memory object with the rights that the protection needs, or of a ring: both sides of a ring write
    // their own line of its header, so whoever may act for a side may map it readable and writable.
    Result<Ref<MemoryObject>> mappable(abi::Handle handle, std::uint32_t protection)
    {
        TRY(entry, current_thread().space->handles.find_any(handle));
        if (entry.object->kind == abi::ObjectKind::ring) {
            if (!(entry.rights & (abi::right_produce | abi::right_consume)) || (protection & abi::protection_execute))
                return fail(Error::access_denied);
            return static_cast<Ring*>(entry.object.get())->memory();
        }
        return current_thread().space->handles.find<MemoryObject>(handle, rights_for(protection));
    }

    Result<VirtualAddress> map(abi::Handle space, abi::Handle memory, std::uint64_t offset, std::uint64_t address,
        std::uint64_t length, std::uint64_t protection)
    {
        if (protection > UINT32_MAX) return fail(Error::invalid_argument);
        TRY(target, current_thread().space->handles.find<AddressSpace>(space, abi::right_manage));
        TRY(object, mappable(memory, static_cast<std::uint32_t>(protection)));
        return target->map(object, offset, address, length, static_cast<std::uint32_t>(protection));
    }

    Status unmap(abi::Handle space, std::uint64_t address, std::uint64_t length)
    {
        TRY(target, current_thread().space->handles.find<AddressSpace>(space, abi::right_manage));
        return target->unmap(address, length);
    }

    Status protect(abi::Handle space, std::uint64_t address, std::uint64_t length, std::uint64_t protection)
    {
        if (protection > UINT32_MAX) return fail(Error::invalid_argument);
        TRY(target, current_thread().space->handles.find<AddressSpace>(space, abi::right_manage));
        return target->protect(address, length, static_cast<std::uint32_t>(protection));
    }

    Result<abi::Handle> create(std::uint64_t size, std::uint64_t flags)
    {
        if (flags > UINT32_MAX) return fail(Error::invalid_argument);
        TRY(object, MemoryObject::create(size, static_cast<std::uint32_t>(flags)));
        return current_thread().space->handles.insert(
            object, abi::right_read | abi::right_write | abi::right_execute | abi::right_duplicate);
    }

} // namespace

SyscallValue syscall_memory_create(
    std::uint64_t size, std::uint64_t flags, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create(size, flags));
}

SyscallValue syscall_memory_map(
    std::uint64_t space, std::uint64_t memory, std::uint64_t offset, std::uint64_t address, std::uint64_t length,
    std::uint64_t protection)
{
    return to_value(map(static_cast<abi::Handle>(space), static_cast<abi::Handle>(memory), offset, address, length,
        protection));
}

SyscallValue syscall_memory_unmap(
    std::uint64_t space, std::uint64_t address, std::uint64_t length, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(unmap(static_cast<abi::Handle>(space), address, length));
}

SyscallValue syscall_memory_protect(
    std::uint64_t space, std::uint64_t address, std::uint64_t length, std::uint64_t protection, std::uint64_t,
    std::uint64_t)
{
    return to_value(protect(static_cast<abi::Handle>(space), address, length, protection));
}

} // namespace orrery::kernel
