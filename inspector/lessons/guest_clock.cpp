// Reads the kernel's clock from the outside.
#include "inspector/lessons/guest_clock.h"

#include <algorithm>
#include <cstddef>

#include "inspector/core/debuginfo/types.h"

namespace orrery::inspector::lessons {

Result<GuestClock> GuestClock::of(const DebugInfo& kernel)
{
    GuestClock clock;
    const auto tick = kernel.symbol_named("orrery::kernel::run_expired_timers");
    const auto descriptor = kernel.symbol_named("orrery_descriptor");
    const auto cpu = TRY(kernel.structure("orrery::kernel::Cpu"));
    const auto* slice_end = cpu->field("slice_end");
    if (!tick || !descriptor || slice_end == nullptr || slice_end->type.size != sizeof(std::uint64_t))
        return failure("the kernel's time slices are not where they are expected");
    clock.tick_address_ = tick->address;
    clock.descriptor_ = descriptor->address;
    clock.slice_end_ = slice_end->offset;
    clock.cpu_size_ = cpu->size;
    return clock;
}

std::optional<std::uint64_t> GuestClock::at_tick(const VirtualMemory& memory, unsigned cpus) const
{
    const auto first = memory.value<std::uint64_t>(descriptor_ + offsetof(abi::Descriptor, cpus));
    if (!first) return std::nullopt;
    std::uint64_t latest = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
        if (const auto end = memory.value<std::uint64_t>(*first + cpu * cpu_size_ + slice_end_))
            latest = std::max(latest, *end);
    return latest;
}

std::uint64_t GuestClock::newest_phase(const Snapshot& snapshot)
{
    std::uint64_t newest = 0;
    for (const auto& event : snapshot.trace)
        newest = std::max(newest, event.time);
    if (newest <= snapshot.boot_tsc || snapshot.tsc_frequency == 0) return 0;
    // At shift 0 the time-stamp counter runs at one tick a nanosecond, whatever the kernel measured.
    return newest - snapshot.boot_tsc;
}

} // namespace orrery::inspector::lessons
