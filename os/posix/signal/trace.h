// The thread's own flight recorder: signal and ring phases that never enter the kernel, kept in its control page where
// the Inspector reads them.
#pragma once

#include "abi/phase.h"
#include "abi/signal.h"

#include <atomic>
#include <cstdint>

namespace orrery::signal {

// The slow half of trace(): writes one record. A reader accepts a record only if `sequence` is the same before and
// after its copy; the running number is taken by one atomic add, so that a handler in the middle of a write gets its
// own.
inline void write_trace(abi::ThreadControl& control, abi::Phase phase, std::uint64_t cause, std::uint64_t argument_0,
    std::uint64_t argument_1, std::uint64_t argument_2)
{
    const std::uint64_t number = control.user_trace_next.fetch_add(1, std::memory_order_relaxed);
    abi::UserTraceRecord& record = control.user_trace[number % abi::user_trace_capacity];
    __atomic_store_n(&record.sequence, 0, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_release);
    record.time = __builtin_ia32_rdtsc();
    record.phase = static_cast<std::uint32_t>(phase);
    record.cause = cause;
    record.arguments[0] = argument_0;
    record.arguments[1] = argument_1;
    record.arguments[2] = argument_2;
    __atomic_store_n(&record.sequence, number + 1, __ATOMIC_RELEASE);
}

// Records a phase if the thread's recorder is on. Costs a test and a branch if it is off.
inline void trace(abi::ThreadControl& control, abi::Phase phase, std::uint64_t cause, std::uint64_t argument_0,
    std::uint64_t argument_1, std::uint64_t argument_2)
{
    if (control.user_trace_enabled != 0) [[unlikely]]
        write_trace(control, phase, cause, argument_0, argument_1, argument_2);
}

} // namespace orrery::signal

// One phase, seen by both: the probe for who stops there, the recorder for who looks later.
#define ORRERY_USER_PHASE(control, group, name, cause, argument_0, argument_1, argument_2)                             \
    do {                                                                                                               \
        ORRERY_PROBE_WITH_CAUSE(group, name, argument_0, argument_1, argument_2, cause);                               \
        ::orrery::signal::trace(control, ::orrery::abi::Phase::group##_##name, cause,                                  \
            static_cast<std::uint64_t>(argument_0), static_cast<std::uint64_t>(argument_1),                            \
            static_cast<std::uint64_t>(argument_2));                                                                   \
    } while (false)
