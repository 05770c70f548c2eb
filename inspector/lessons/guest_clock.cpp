// Finds and reads the end of the kernel's time slices.
#include "inspector/lessons/guest_clock.h"

#include <algorithm>
#include <cstddef>

#include "abi/descriptor.h"
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

bool GuestClock::slice_passed(const VirtualMemory& memory, unsigned cpus)
{
    const auto first = memory.value<std::uint64_t>(descriptor_ + offsetof(abi::Descriptor, cpus));
    std::uint64_t latest = 0;
    for (unsigned cpu = 0; first && cpu < cpus; ++cpu)
        if (const auto end = memory.value<std::uint64_t>(*first + cpu * cpu_size_ + slice_end_))
            latest = std::max(latest, *end);
    // A timer that is due within the slice leaves its end as it is: only a new end is a slice more.
    const bool passed = last_end_ && *last_end_ != latest;
    last_end_ = latest;
    return passed;
}

} // namespace orrery::inspector::lessons
