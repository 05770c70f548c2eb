// How far a guest under instruction counting has come. QEMU does not tell, but the kernel's own clock does: one
// nanosecond of it is one instruction at shift 0.
#pragma once

#include <cstdint>
#include <optional>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector::lessons {

// Two sources: every phase in the flight recorder has its time; and a busy processor has a timer interrupt at the end
// of each time slice (10 million instructions), at which its slice_end is the time that it is.
class GuestClock {
public:
    // Error: the kernel has no time slices that are understood.
    static Result<GuestClock> of(const DebugInfo& kernel);

    // Where the kernel handles a timer interrupt: stopping there bounds a program that goes through no phases.
    std::uint64_t tick_address() const { return tick_address_; }
    // Nanoseconds since the kernel started its clock, at a stop at tick_address().
    std::optional<std::uint64_t> at_tick(const VirtualMemory& memory, unsigned cpus) const;
    // The same by the newest phase of a snapshot; 0 if there is none.
    static std::uint64_t newest_phase(const Snapshot& snapshot);

private:
    GuestClock() = default;
    std::uint64_t tick_address_ = 0, descriptor_ = 0, slice_end_ = 0, cpu_size_ = 0;
};

} // namespace orrery::inspector::lessons
