// The kernel's flight recorder: one ring of records per CPU, written without a lock and read by the Inspector.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace orrery::abi {

// One event. The writer clears `sequence`, fills the rest, then stores 1 + running number: a reader accepts a record
// only if `sequence` is the expected number before and after its copy.
struct alignas(64) TraceRecord {
    std::atomic<std::uint64_t> sequence;
    std::uint64_t time;  // TSC
    std::uint16_t phase; // abi::Phase
    std::uint16_t cpu;
    std::uint32_t thread; // id of the thread that was running, 0 = none
    std::uint64_t cause;  // groups everything that one action led to; 0 = nothing to group by
    std::uint64_t arguments[3];
};
static_assert(sizeof(TraceRecord) == 64);

inline constexpr std::size_t trace_capacity = 1024; // records per CPU, a power of two

struct alignas(64) TraceBuffer {
    std::atomic<std::uint64_t> next; // running number of the next record
    std::uint64_t reserved[7];
    TraceRecord records[trace_capacity];
};

} // namespace orrery::abi
