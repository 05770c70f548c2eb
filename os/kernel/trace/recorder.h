// The flight recorder: ORRERY_TRACE marks a phase for debuggers (SDT probe) and writes it down (per-CPU ring).
#pragma once

#include <cstdint>

#include "abi/phase.h"
#include "abi/phase_probe.h"
#include "abi/trace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"

namespace orrery::kernel {

extern abi::TraceBuffer trace_buffers[max_cpus];

// A number for a new chain of events: unique over all CPUs and never 0.
inline std::uint64_t next_cause()
{
    Cpu& cpu = this_cpu();
    return std::uint64_t { cpu.number + 1 } << 56 | ++cpu.next_cause;
}

// Interrupts are off and the buffer is this CPU's own, so a record needs no lock. It is published by its sequence.
void record(abi::Phase phase, std::uint64_t cause, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2);

#define ORRERY_TRACE(group, name, cause, a0, a1, a2)                                                      \
    do {                                                                                                  \
        ORRERY_PROBE(group, name, a0, a1, a2);                                                            \
        ::orrery::kernel::record(::orrery::abi::Phase::group##_##name, cause, static_cast<std::uint64_t>(a0), \
            static_cast<std::uint64_t>(a1), static_cast<std::uint64_t>(a2));                              \
    } while (false)

} // namespace orrery::kernel
