// System calls on rings: attach (create and map) and wait; entries never come here.
#include "kernel/ring/ring.h"

#include "kernel/memory/address_space.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<abi::Handle> create(std::uint64_t entry_size, std::uint64_t capacity)
    {
        TRY(ring, Ring::create(entry_size, capacity, own_account()));
        return current_thread().space->handles.insert(
            ring, abi::right_produce | abi::right_consume | abi::right_duplicate);
    }

    // The side that calls: a consumer may sleep as consumer, and wake the producer.
    Result<Ref<Ring>> find(abi::Handle handle, abi::RingSide acting_side)
    {
        return current_thread().space->handles.find<Ring>(
            handle, acting_side == abi::RingSide::producer ? abi::right_produce : abi::right_consume);
    }

    Status wait(abi::Handle handle, abi::RingSide side, std::uint64_t deadline)
    {
        TRY(ring, find(handle, side));
        return ring->wait(side, deadline);
    }

    Result<std::uint64_t> wake_sleeper(abi::Handle handle, abi::RingSide sleeper)
    {
        const bool producer_sleeps = sleeper == abi::RingSide::producer;
        TRY(ring, find(handle, producer_sleeps ? abi::RingSide::consumer : abi::RingSide::producer));
        return ring->wake_side(sleeper);
    }

} // namespace

SyscallValue syscall_ring_create(
    std::uint64_t entry_size, std::uint64_t capacity, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create(entry_size, capacity));
}

SyscallValue syscall_ring_wait(
    std::uint64_t ring, std::uint64_t side, std::uint64_t deadline, std::uint64_t, std::uint64_t, std::uint64_t)
{
    if (side > 1) return to_value(Error::invalid_argument);
    return to_value(wait(to_handle(ring), static_cast<abi::RingSide>(side), deadline));
}

SyscallValue syscall_ring_wake(
    std::uint64_t ring, std::uint64_t sleeper, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    if (sleeper > 1) return to_value(Error::invalid_argument);
    return to_value(wake_sleeper(to_handle(ring), static_cast<abi::RingSide>(sleeper)));
}

} // namespace orrery::kernel
