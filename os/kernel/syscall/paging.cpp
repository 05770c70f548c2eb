// System calls of pagers: memory whose pages a server brings and takes back.
#include <algorithm>
#include <span>

#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/memory/user_access.h"
#include "kernel/scheme/scheme_pager.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<abi::Handle> create_paged(abi::Handle scheme, std::uint64_t key, std::uint64_t size)
    {
        TRY(server, own_handles().find<Scheme>(scheme, abi::right_serve));
        TRY(object, MemoryObject::create_paged(size, make_scheme_pager(server, key), own_account()));
        return own_handles().insert(object,
            abi::right_read | abi::right_write | abi::right_execute | abi::right_duplicate | abi::right_page);
    }

    Status supply(abi::Handle memory, std::uint64_t offset, abi::Handle source, std::uint64_t source_offset)
    {
        TRY(target, own_handles().find<MemoryObject>(memory, abi::right_page));
        TRY(origin, own_handles().find<MemoryObject>(source, abi::right_read | abi::right_write));
        if (origin->has_pager()) return fail(Error::invalid_argument); // before its page counts as changed
        TRY_STATUS(origin->bring(source_offset, true));
        return with_reclaim([&] { return target->supply(offset, *origin, source_offset); });
    }

    Result<std::uint64_t> collect(abi::Handle memory, std::uint64_t offset, VirtualAddress words, std::uint64_t count)
    {
        TRY(object, own_handles().find<MemoryObject>(memory, abi::right_page));
        std::uint64_t offsets[abi::memory_collect_maximum];
        count = std::min(count, abi::memory_collect_maximum);
        // Whoever can't be told must not have begun: a page that is written back by nobody would stay for ever.
        TRY_STATUS(current_thread().space->make_present(words, count * sizeof(offsets[0]), abi::protection_write));
        TRY(found, object->collect_changed(offset, std::span(offsets).first(count)));
        const Status told = copy_to_user(words, offsets, found * sizeof(offsets[0]));
        for (std::size_t index = 0; !told && index < found; ++index)
            object->mark_changed(offsets[index]);
        TRY_STATUS(told);
        return found;
    }

    Status settle(abi::Handle memory, std::uint64_t offset, std::uint64_t length, std::uint64_t settlement)
    {
        if (settlement >= static_cast<std::uint64_t>(abi::Settlement::count)) return fail(Error::invalid_argument);
        TRY(object, own_handles().find<MemoryObject>(memory, abi::right_page));
        return object->settle(offset, length, static_cast<abi::Settlement>(settlement));
    }

} // namespace

SyscallValue syscall_memory_create_paged(
    std::uint64_t scheme, std::uint64_t key, std::uint64_t size, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create_paged(to_handle(scheme), key, size));
}

SyscallValue syscall_memory_supply(
    std::uint64_t memory, std::uint64_t offset, std::uint64_t source, std::uint64_t source_offset, std::uint64_t,
    std::uint64_t)
{
    return to_value(supply(to_handle(memory), offset, to_handle(source), source_offset));
}

SyscallValue syscall_memory_collect(
    std::uint64_t memory, std::uint64_t offset, std::uint64_t words, std::uint64_t count, std::uint64_t, std::uint64_t)
{
    return to_value(collect(to_handle(memory), offset, words, count));
}

SyscallValue syscall_memory_settle(
    std::uint64_t memory, std::uint64_t offset, std::uint64_t length, std::uint64_t settlement, std::uint64_t,
    std::uint64_t)
{
    return to_value(settle(to_handle(memory), offset, length, settlement));
}

} // namespace orrery::kernel
