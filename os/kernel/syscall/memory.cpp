// System calls on memory objects and mappings.
#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/ring/ring.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    std::uint32_t protection_for(std::uint32_t rights)
    {
        return ((rights & abi::right_read) ? abi::protection_read : 0)
            | ((rights & abi::right_write) ? abi::protection_write : 0)
            | ((rights & abi::right_execute) ? abi::protection_execute : 0);
    }

    struct Mappable {
        Ref<MemoryObject> object;
        std::uint32_t allowed; // abi::Protection
    };
    // A handle of a memory object, or of a ring: both sides of a ring write their own line of its header, so whoever
    // may act for a side may map it readable and writable.
    Result<Mappable> mappable(abi::Handle handle)
    {
        TRY(entry, current_thread().space->handles.find_any(handle));
        if (entry.object->kind == abi::ObjectKind::ring) {
            if (!(entry.rights & (abi::right_produce | abi::right_consume))) return fail(Error::access_denied);
            return Mappable { static_cast<Ring*>(entry.object.get())->memory(),
                abi::protection_read | abi::protection_write };
        }
        if (entry.object->kind != abi::ObjectKind::memory) return fail(Error::wrong_kind);
        return Mappable { Ref<MemoryObject>(static_cast<MemoryObject*>(entry.object.get())),
            protection_for(entry.rights) };
    }

    Result<VirtualAddress> map(abi::Handle space, abi::Handle memory, std::uint64_t offset, std::uint64_t address,
        std::uint64_t length, std::uint64_t protection)
    {
        if (protection > UINT32_MAX) return fail(Error::invalid_argument);
        TRY(target, current_thread().space->handles.find<AddressSpace>(space, abi::right_manage));
        TRY(source, mappable(memory));
        return with_reclaim([&] {
            return target->map(
                source.object, offset, address, length, static_cast<std::uint32_t>(protection), source.allowed);
        });
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
        TRY(object, with_reclaim([&] {
            return MemoryObject::create(size, static_cast<std::uint32_t>(flags), own_account());
        }));
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
    return to_value(map(to_handle(space), to_handle(memory), offset, address, length,
        protection));
}

SyscallValue syscall_memory_unmap(
    std::uint64_t space, std::uint64_t address, std::uint64_t length, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(unmap(to_handle(space), address, length));
}

SyscallValue syscall_memory_protect(
    std::uint64_t space, std::uint64_t address, std::uint64_t length, std::uint64_t protection, std::uint64_t,
    std::uint64_t)
{
    return to_value(protect(to_handle(space), address, length, protection));
}

} // namespace orrery::kernel
