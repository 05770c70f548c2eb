// The flight recorder of all CPUs, and the record that a panic leaves.
#include <algorithm>
#include <cstddef>
#include <tuple>

#include "abi/trace.h"
#include "inspector/core/debuginfo/backtrace.h"
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

namespace {

using abi::TraceBuffer;
using abi::TraceRecord;

void read_buffer(ReadContext& context, std::uint64_t address, unsigned cpu, std::vector<std::byte>& bytes)
{
    if (!context.memory.read(address, bytes)) {
        context.garbage(view::trace, "the trace buffer of CPU " + std::to_string(cpu) + " at " + hex(address)
                            + " can't be read");
        return;
    }
    // The writer goes on while we copy: what it may have overwritten meanwhile is known from its number afterwards.
    const auto next = context.memory.value<std::uint64_t>(address + offsetof(TraceBuffer, next));
    const auto before = value_at<std::uint64_t>(bytes, offsetof(TraceBuffer, next));
    if (!next || *next < before) {
        context.garbage(view::trace, "the trace buffer of CPU " + std::to_string(cpu) + " counts backwards");
        return;
    }
    const bool exact = context.snapshot.freshness == Freshness::stopped && *next == before;
    // Record number `next` may be half written over number next - capacity.
    const auto overwritten = *next >= abi::trace_capacity ? *next - abi::trace_capacity + (exact ? 0 : 1) : 0;
    for (std::size_t i = 0; i < abi::trace_capacity; ++i) {
        const auto record = std::span(bytes).subspan(offsetof(TraceBuffer, records) + i * sizeof(TraceRecord),
                                                     sizeof(TraceRecord));
        const auto sequence = value_at<std::uint64_t>(record, offsetof(TraceRecord, sequence));
        const auto phase = value_at<std::uint16_t>(record, offsetof(TraceRecord, phase));
        if (sequence == 0 || (sequence - 1) % abi::trace_capacity != i || sequence - 1 >= *next
            || sequence - 1 < overwritten || phase >= abi::phase_count)
            continue;
        TraceEvent event;
        event.sequence = sequence;
        event.time = value_at<std::uint64_t>(record, offsetof(TraceRecord, time));
        event.phase = static_cast<abi::Phase>(phase);
        event.cpu = static_cast<int>(cpu);
        event.thread = value_at<std::uint32_t>(record, offsetof(TraceRecord, thread));
        event.cause = value_at<std::uint64_t>(record, offsetof(TraceRecord, cause));
        for (std::size_t a = 0; a < event.arguments.size(); ++a)
            event.arguments[a] = value_at<std::uint64_t>(record, offsetof(TraceRecord, arguments) + a * 8);
        context.snapshot.trace.push_back(event);
    }
}

} // namespace

void read_trace(ReadContext& context)
{
    const auto base = context.descriptor.trace_buffers;
    const auto count = std::min<std::uint32_t>(context.descriptor.cpu_count, 64);
    if (base == 0) return;
    if (!context.memory.holds_objects(base, sizeof(TraceBuffer) * count)) {
        context.garbage(view::trace, "the trace buffers cannot lie at " + hex(base));
        return;
    }
    std::vector<std::byte> bytes(sizeof(TraceBuffer));
    for (std::uint32_t cpu = 0; cpu < count; ++cpu)
        read_buffer(context, base + cpu * sizeof(TraceBuffer), cpu, bytes);
    // Users' records came in with their threads. One order for all: time, and for equal times the writer's own.
    std::ranges::sort(context.snapshot.trace, [](const TraceEvent& a, const TraceEvent& b) {
        return std::tie(a.time, a.cpu, a.thread, a.sequence) < std::tie(b.time, b.cpu, b.thread, b.sequence);
    });
}

void read_panic(ReadContext& context)
{
    auto address = context.descriptor.panic;
    if (address == 0) { // so early that the descriptor is not filled
        const auto symbol = context.kernel.symbol_named("orrery::kernel::panic_record");
        address = symbol ? symbol->address : 0;
    }
    const auto object = context.object(view::panic, "orrery::kernel::PanicRecord", address);
    if (!object) return;
    const auto reader = object->reader();
    Fields fields(context, view::panic, reader);
    PanicView panic;
    panic.message = fields.text("message");
    panic.cpu = fields.get<std::uint32_t>("cpu");
    const auto depth = std::min<std::uint32_t>(fields.get<std::uint32_t>("depth"), 32);
    const auto trap = fields.get<std::uint64_t>("rip");
    const auto program = context.reader.kernel();
    for (std::uint32_t i = 0; i < depth; ++i) {
        const auto return_address = fields.get<std::uint64_t>("addresses[" + std::to_string(i) + "]");
        const bool exact = i == 0 && trap != 0 && return_address == trap;
        panic.backtrace.push_back(symbolise(return_address, std::span(&program, 1), !exact));
    }
    context.snapshot.panic = std::move(panic);
}

} // namespace orrery::inspector
