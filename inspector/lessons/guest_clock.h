// How far a guest under instruction counting has come. QEMU does not tell, and the guest's own clock jumps to the next
// timer at every stop for a debugger (QEMU 7.2 takes a stopped processor for an idle one); but a program that computes
// gets a time slice of 10 million instructions after the other.
#pragma once

#include <cstdint>
#include <optional>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector::lessons {

// Nanoseconds of kernel::time_slice, and so instructions at shift 0.
inline constexpr std::uint64_t instructions_per_slice = 10'000'000;

class GuestClock {
public:
    // Error: the kernel has no time slices that are understood.
    static Result<GuestClock> of(const DebugInfo& kernel);

    // Where the kernel handles a timer interrupt: stopping there bounds a program that goes through no phases.
    std::uint64_t tick_address() const { return tick_address_; }
    // At a stop there: true if a whole slice has passed since the last stop there. A stop elsewhere lets the clock
    // jump, so that the slice after it is not whole: tell of it by interrupted().
    bool slice_passed(const VirtualMemory& memory, unsigned cpus);
    void interrupted() { last_end_.reset(); }

private:
    GuestClock() = default;
    std::uint64_t tick_address_ = 0, descriptor_ = 0, slice_end_ = 0, cpu_size_ = 0;
    std::optional<std::uint64_t> last_end_; // of the slice at the last tick, ns; nothing: there was a stop since
};

} // namespace orrery::inspector::lessons
