// Writing of trace records.
#include "kernel/trace/recorder.h"

#include "kernel/thread/thread.h"

namespace orrery::kernel {

abi::TraceBuffer trace_buffers[max_cpus];

void record(abi::Phase phase, std::uint64_t cause, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2)
{
    Cpu& cpu = this_cpu();
    abi::TraceBuffer& buffer = trace_buffers[cpu.number];
    const std::uint64_t number = buffer.next.load(std::memory_order_relaxed);
    abi::TraceRecord& entry = buffer.records[number % abi::trace_capacity];
    entry.sequence.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release); // the clearing must be seen before what follows
    entry.time = read_tsc();
    entry.phase = static_cast<std::uint16_t>(phase);
    entry.cpu = static_cast<std::uint16_t>(cpu.number);
    entry.thread = cpu.current ? cpu.current->number : 0;
    entry.cause = cause;
    entry.arguments[0] = a0;
    entry.arguments[1] = a1;
    entry.arguments[2] = a2;
    entry.sequence.store(number + 1, std::memory_order_release);
    buffer.next.store(number + 1, std::memory_order_release);
}

} // namespace orrery::kernel
