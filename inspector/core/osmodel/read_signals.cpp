// Signals of one thread: its two words, its process's page, and the frames on its stack.
#include <bit>
#include <cstddef>

#include "inspector/core/osmodel/read_context.h"
#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector {

namespace {

using abi::ProcessControl;
using abi::SignalFrame;
using abi::ThreadControl;
using Page = std::array<std::byte, abi::page_size>;

constexpr std::size_t maximum_frames = 64;

std::optional<Page> read_page(ReadContext& context, const char* what, std::uint64_t address)
{
    Page page;
    if (address % abi::page_size != 0 || !context.memory.in_direct_map(address, sizeof page)) {
        context.garbage(view::signals, std::string("the kernel keeps a ") + what + " at " + hex(address)
                            + ", which is no page of RAM");
        return std::nullopt;
    }
    if (context.memory.read(address, page)) return page;
    context.garbage(view::signals, std::string("the ") + what + " at " + hex(address) + " can't be read");
    return std::nullopt;
}

// Slots belong to a signal only while its bit is pending; what else is in them is of an earlier one.
std::vector<SlotView> pending_slots(std::span<const std::byte> page, std::size_t offset, std::uint64_t pending)
{
    std::vector<SlotView> slots;
    for (int signal = 1; signal <= abi::standard_signal_count; ++signal) {
        if ((pending & abi::signal_mask64(signal)) == 0) continue;
        const auto at = offset + static_cast<std::size_t>(signal - 1) * sizeof(abi::SignalInfo);
        slots.push_back({ signal, value_at<abi::SignalInfo>(page, at) });
    }
    return slots;
}

void take_thread_page(SignalView& signals, const Page& page)
{
    const auto standard = value_at<std::uint64_t>(page, offsetof(ThreadControl, words));
    const auto realtime = value_at<std::uint64_t>(page, offsetof(ThreadControl, words) + sizeof(abi::SignalWord));
    using abi::SignalWord;
    signals.pending = std::uint64_t { SignalWord::pending_of(realtime) } << 32 | SignalWord::pending_of(standard);
    signals.allowset = std::uint64_t { SignalWord::allowset_of(realtime) } << 32 | SignalWord::allowset_of(standard);
    signals.inhibit = value_at<std::uint32_t>(page, offsetof(ThreadControl, inhibit)) != 0;
    signals.inhibit_depth = value_at<std::uint32_t>(page, offsetof(ThreadControl, inhibit_depth));
    signals.deferred_at = value_at<std::uint64_t>(page, offsetof(ThreadControl, deferred_at));
    signals.saved_rip = value_at<std::uint64_t>(page, offsetof(ThreadControl, saved_rip));
    signals.saved_rflags = value_at<std::uint64_t>(page, offsetof(ThreadControl, saved_rflags));
    signals.fault = value_at<abi::FaultRecord>(page, offsetof(ThreadControl, fault));
    signals.alternate_stack_base = value_at<std::uint64_t>(page, offsetof(ThreadControl, alternate_stack_base));
    signals.alternate_stack_size = value_at<std::uint64_t>(page, offsetof(ThreadControl, alternate_stack_size));
    signals.thread_slots = pending_slots(page, offsetof(ThreadControl, slots), signals.pending);
}

void take_process_page(SignalView& signals, const Page& page)
{
    signals.process_pending = value_at<std::uint64_t>(page, offsetof(ProcessControl, pending));
    signals.process_ignored = value_at<std::uint64_t>(page, offsetof(ProcessControl, ignored));
    for (std::size_t i = 0; i < signals.actions.size(); ++i)
        signals.actions[i] = value_at<abi::SignalAction>(
            page, offsetof(ProcessControl, actions) + i * sizeof(abi::SignalAction));
    signals.actions_known = true;
    signals.process_slots = pending_slots(page, offsetof(ProcessControl, slots), signals.process_pending);
}

void take_user_trace(ReadContext& context, const ThreadView& thread, const Page& page)
{
    for (std::size_t i = 0; i < abi::user_trace_capacity; ++i) {
        const auto record = value_at<abi::UserTraceRecord>(
            page, offsetof(ThreadControl, user_trace) + i * sizeof(abi::UserTraceRecord));
        if (record.sequence == 0 || record.phase >= abi::phase_count) continue; // empty, or being written
        if ((record.sequence - 1) % abi::user_trace_capacity != i) continue;    // torn
        TraceEvent event;
        event.time = record.time;
        event.sequence = record.sequence;
        event.phase = static_cast<abi::Phase>(record.phase);
        event.cpu = -1;
        event.thread = thread.id;
        event.cause = record.cause;
        std::ranges::copy(record.arguments, event.arguments.begin());
        context.snapshot.trace.push_back(event);
    }
}

FrameView frame_from(std::span<const std::byte> bytes, std::uint64_t address)
{
    FrameView frame;
    frame.address = address;
    frame.previous = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, previous));
    frame.cause = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, cause));
    frame.signal = value_at<std::int32_t>(bytes, offsetof(SignalFrame, signal));
    frame.flags = value_at<std::uint32_t>(bytes, offsetof(SignalFrame, flags));
    frame.handler = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, handler));
    frame.info = value_at<abi::SignalInfo>(bytes, offsetof(SignalFrame, info));
    for (std::size_t i = 0; i < frame.registers.size(); ++i)
        frame.registers[i] = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, registers) + i * 8);
    frame.extended_state = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, extended_state));
    frame.mask = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, mask));
    frame.valid = true;
    return frame;
}

} // namespace

// Frames lie in the program's own memory, which may hold anything: a bad one is shown as such, and ends the list.
void read_frames(ReadContext& context, ThreadView& thread, std::uint64_t innermost)
{
    const auto* space = context.snapshot.space(thread.space);
    if (innermost == 0 || space == nullptr) return;
    const ram::AddressSpace memory(context.memory.physical(), space->cr3);
    auto& frames = thread.signals.frames;
    const auto bad = [&frames](std::uint64_t address, std::string sentence) {
        FrameView frame;
        frame.address = address;
        frame.problem = std::move(sentence);
        frames.push_back(std::move(frame));
    };
    for (auto address = innermost; address != 0;) {
        const auto known = std::ranges::find(frames, address, &FrameView::address);
        if (known != frames.end()) return bad(address, "the chain of frames runs in a circle at " + hex(address));
        if (frames.size() == maximum_frames) return bad(address, "more than 64 frames are nested; the older ones are left out");
        if (address % 8 != 0 || address < abi::user_begin || address >= abi::user_end)
            return bad(address, "the frame's address " + hex(address) + " is no address of the program");
        std::array<std::byte, sizeof(SignalFrame)> bytes;
        if (!memory.read(address, bytes)) return bad(address, "the frame at " + hex(address) + " is not in memory");
        const auto magic = value_at<std::uint64_t>(bytes, offsetof(SignalFrame, magic));
        if (magic != abi::signal_frame_magic)
            return bad(address, "there is no signal frame at " + hex(address) + ": its first word is " + hex(magic));
        auto frame = frame_from(bytes, address);
        address = frame.previous;
        frames.push_back(std::move(frame));
    }
}

void read_signals(ReadContext& context, ThreadView& thread, const StructReader& kernel_thread)
{
    Fields fields(context, view::signals, kernel_thread);
    auto& signals = thread.signals;
    const auto control_page = fields.get<std::uint64_t>("control_page");
    const auto process_page = fields.get<std::uint64_t>("process_page");
    signals.control_address = fields.get<std::uint64_t>("control_address");
    signals.trampoline = fields.get<std::uint64_t>("trampoline");
    if (control_page == 0) return;
    const auto page = read_page(context, "thread control page", control_page);
    if (!page) return;
    signals.registered = true;
    take_thread_page(signals, *page);
    take_user_trace(context, thread, *page);
    if (process_page != 0) {
        if (const auto process = read_page(context, "process control page", process_page))
            take_process_page(signals, *process);
    }
    if (thread.state != "ended")
        read_frames(context, thread, value_at<std::uint64_t>(*page, offsetof(ThreadControl, innermost_frame)));
}

} // namespace orrery::inspector
