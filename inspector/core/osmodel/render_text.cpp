// The picture as plain text, at most 120 columns.
#include <algorithm>
#include <cstdio>

#include "inspector/core/osmodel/explain.h"
#include "inspector/core/osmodel/render_parts.h"
#include "inspector/core/osmodel/wait_graph.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

std::string padded(std::string text, std::size_t width)
{
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string seconds_since_boot(std::uint64_t time, const Snapshot& snapshot)
{
    if (snapshot.tsc_frequency == 0 || time < snapshot.boot_tsc) return "tsc " + hex(time);
    const auto ticks = time - snapshot.boot_tsc;
    const auto whole = ticks / snapshot.tsc_frequency;
    const auto rest = static_cast<double>(ticks % snapshot.tsc_frequency) / static_cast<double>(snapshot.tsc_frequency);
    char text[40];
    std::snprintf(text, sizeof text, "+%llu.%06u s", static_cast<unsigned long long>(whole),
                  static_cast<unsigned>(rest * 1e6));
    return text;
}

std::string counted(std::size_t count, std::string_view noun)
{
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

void add_machine(std::string& out, const Snapshot& snapshot)
{
    out += std::string("machine ") + name(snapshot.machine_state) + ", picture " + std::to_string(snapshot.number) + " "
        + name(snapshot.freshness);
    if (snapshot.machine_state == abi::MachineState::ended) out += "; it " + exit_text(snapshot.exit_status);
    out += "\n";
    for (const auto& cpu : snapshot.cpus) {
        out += "  CPU " + std::to_string(cpu.number) + "  ";
        const auto* thread = snapshot.thread(cpu.thread);
        if (cpu.idle || cpu.thread == 0) out += "idle";
        else out += "thread " + std::to_string(cpu.thread) + (thread != nullptr ? " (" + thread->space_name + ")" : "");
        if (cpu.registers)
            out += (cpu.registers->in_user_mode() ? ", user mode, rip " : ", kernel, rip ") + hex(cpu.registers->rip());
        out += "\n";
    }
    if (const auto memory = explain(snapshot.memory); !memory.empty()) out += "  " + memory + "\n";
}

void add_lane(std::string& out, const char* what, std::uint64_t set, bool realtime)
{
    out += "    " + padded(what, 16) + render_lanes(static_cast<std::uint32_t>(set));
    if (realtime) out += "  " + render_lanes(static_cast<std::uint32_t>(set >> 32));
    out += "\n";
}

void add_frames(std::string& out, const SignalView& signals)
{
    if (!signals.frames.empty()) out += "    frames, newest first\n";
    for (const auto& frame : signals.frames) {
        if (!frame.valid) {
            out += "      " + frame.problem + "\n";
            continue;
        }
        const auto rip = frame.registers[static_cast<unsigned>(abi::SavedRegister::rip)];
        out += "      " + hex(frame.address) + "  " + signal_text(frame.signal) + "  handler "
            + (frame.handler_name.empty() ? hex(frame.handler) : frame.handler_name) + ", goes back to rip " + hex(rip)
            + " with " + (frame.mask == 0 ? "nothing" : signal_set_text(frame.mask)) + " blocked\n";
    }
}

void add_signals(std::string& out, const ThreadView& thread, const Snapshot& snapshot)
{
    const auto& signals = thread.signals;
    if (!signals.registered) {
        out += "    signals: the thread has not told the kernel where its signal words are\n";
        return;
    }
    // Realtime lanes only where there is something to see: none pending and all allowed is the usual case.
    constexpr std::uint64_t high = 0xffff'ffff'0000'0000;
    const bool realtime = ((signals.pending | signals.process_pending) & high) != 0 || (signals.allowset & high) != high;
    out += "    signals         1       9       17      25" + std::string(realtime ? "        33      41      49      57" : "")
        + "\n";
    add_lane(out, "pending", signals.pending, realtime);
    if (signals.process_pending != 0) add_lane(out, "of the process", signals.process_pending, realtime);
    add_lane(out, "allowed", signals.allowset, realtime);
    add_lane(out, "deliverable", signals.deliverable(), realtime);
    auto of_interest = signals.pending | signals.process_pending;
    for (const auto& frame : signals.frames)
        if (frame.valid && abi::is_signal(static_cast<std::uint64_t>(frame.signal)))
            of_interest |= abi::signal_mask64(frame.signal);
    for (int signal = 1; signal <= abi::signal_count; ++signal)
        if ((of_interest & abi::signal_mask64(signal)) != 0)
            out += "    " + explain_signal(thread, signal, &snapshot) + "\n";
    add_frames(out, signals);
}

void add_threads(std::string& out, const Snapshot& snapshot)
{
    out += snapshot.threads.empty() ? "no threads\n" : "threads\n";
    for (const auto& thread : snapshot.threads) {
        out += "  thread " + std::to_string(thread.id) + (thread.space_name.empty() ? "" : " (" + thread.space_name + ")") + " "
            + thread.why + "\n";
        if (!thread.place.empty()) out += "    at " + thread.place + "\n";
        out += "    " + std::to_string(thread.switches) + (thread.switches == 1 ? " switch, " : " switches, ")
            + counted(thread.syscalls, "system call") + "\n";
        add_signals(out, thread, snapshot);
    }
}

void add_space_details(std::string& out, const SpaceView& space)
{
    if (const auto sentence = explain(space.account); !sentence.empty()) out += "    " + sentence + "\n";
    out += mappings_text(space);
    for (const auto& handle : space.handles)
        out += "    handle " + std::to_string(handle.number) + "  " + handle.label + "  rights " + hex(handle.rights) + "\n";
}

std::string charged_text(const AccountView& account)
{
    if (!account.known) return {};
    if (!account.limit) return ", " + counted(account.charged, "page") + " of memory";
    return ", " + std::to_string(account.charged) + " of " + counted(*account.limit, "page") + " of memory";
}

void add_spaces(std::string& out, const Snapshot& snapshot, bool details)
{
    if (!snapshot.spaces.empty()) out += "spaces\n";
    for (const auto& space : snapshot.spaces) {
        out += "  space " + std::to_string(space.id) + " (" + space.name + ")  ";
        if (space.ended) out += exit_text(space.exit_status) + "\n";
        else
            out += std::string(space.ending ? "is ending: " : space.stopped ? "is stopped: " : "") + counted(space.threads.size(), "thread") + ", " + counted(space.mappings.size(), "mapping") + ", "
                + counted(space.handles.size(), "handle") + charged_text(space.account) + "\n";
        if (details) add_space_details(out, space);
    }
}

void add_side(std::string& out, const char* what, const RingSideView& side)
{
    out += std::string("    ") + what + "  index " + std::to_string(side.index) + ", woke the other side "
        + counted(side.wakes, "time") + ", slept " + counted(side.sleeps, "time");
    if (side.waiting) out += ", waits";
    if (side.thread != 0) out += " (thread " + std::to_string(side.thread) + " sleeps)";
    if (side.broken != 0) out += ", gave the ring up (reason " + std::to_string(side.broken) + ")";
    out += "\n";
}

// The ring as a row of at most 64 cells: '#' holds entries, '.' is free, 'C' where the consumer reads next, 'P' where
// the producer writes next, 'X' where both are.
std::string ring_picture(const RingView& ring)
{
    const std::uint32_t cells = std::min<std::uint32_t>(ring.capacity, 64);
    const std::uint32_t slots = ring.capacity / cells;
    std::string picture(cells, '.');
    for (std::uint32_t i = 0; i < ring.used(); i += 1)
        picture[((ring.consumer.index + i) & (ring.capacity - 1)) / slots] = '#';
    const auto consumer = (ring.consumer.index & (ring.capacity - 1)) / slots;
    const auto producer = (ring.producer.index & (ring.capacity - 1)) / slots;
    picture[consumer] = 'C';
    picture[producer] = producer == consumer ? 'X' : 'P';
    return picture;
}

void add_rings(std::string& out, const Snapshot& snapshot)
{
    if (!snapshot.rings.empty()) out += "rings\n";
    for (const auto& ring : snapshot.rings) {
        out += "  ring " + std::to_string(ring.number) + "  ";
        if (!ring.valid) {
            out += ring.problem + "\n";
            continue;
        }
        out += std::to_string(ring.used()) + " of " + std::to_string(ring.capacity) + " entries of "
            + std::to_string(ring.entry_size) + " bytes";
        if (ring.kernel_broken != 0) out += ", broken (reason " + std::to_string(ring.kernel_broken) + ")";
        out += "\n    [" + ring_picture(ring) + "]\n";
        add_side(out, "producer", ring.producer);
        add_side(out, "consumer", ring.consumer);
    }
}

void add_panic(std::string& out, const Snapshot& snapshot)
{
    if (!snapshot.panic) return;
    out += "the kernel panicked on CPU " + std::to_string(snapshot.panic->cpu) + ": " + snapshot.panic->message + "\n";
    for (const auto& entry : snapshot.panic->backtrace) {
        out += "  " + hex(entry.address, 16) + "  " + (entry.function.empty() ? "?" : entry.function);
        if (entry.line != 0) out += "  " + entry.file + ":" + std::to_string(entry.line);
        out += "\n";
    }
}

} // namespace

std::string render_lanes(std::uint32_t word)
{
    std::string lanes(32, '.');
    for (unsigned bit = 0; bit < 32; ++bit)
        if ((word >> bit & 1) != 0) lanes[bit] = '#';
    return lanes;
}

std::string render_event(const TraceEvent& event, const Snapshot& snapshot)
{
    std::string line = padded(seconds_since_boot(event.time, snapshot), 14);
    line += padded(event.cpu < 0 ? "user" : "CPU " + std::to_string(event.cpu), 7);
    line += padded(event.thread == 0 ? "idle" : "thread " + std::to_string(event.thread), 11);
    if (event.phase >= abi::Phase::count) return line + "phase " + std::to_string(static_cast<unsigned>(event.phase));
    const auto& description = abi::phase_table[static_cast<std::size_t>(event.phase)];
    line += padded(description.step_name, 18);
    std::vector<std::string> arguments;
    for (unsigned i = 0; i < 3; ++i)
        if (std::string_view(description.arguments[i]) != "unused")
            arguments.push_back(std::string(description.arguments[i]) + " " + argument_text(event.phase, i, event.arguments[i], &snapshot));
    line += join(arguments, ", ");
    if (event.cause != 0) line += "  cause " + hex(event.cause);
    return line;
}

namespace {

void add_waits(std::string& out, const Snapshot& snapshot)
{
    const auto graph = wait_graph(snapshot);
    if (!graph.edges.empty()) out += "who waits for whom\n";
    for (const auto& edge : graph.edges)
        out += "  " + edge.sentence + (edge.dead ? " (neither can go on)" : edge.any ? " (or another)" : "") + "\n";
    for (const auto& sentence : graph.deadlocks) out += "  " + sentence + "\n";
}

} // namespace

std::string render_text(const Snapshot& snapshot, const RenderOptions& options)
{
    std::string out;
    add_machine(out, snapshot);
    add_panic(out, snapshot);
    add_threads(out, snapshot);
    add_spaces(out, snapshot, options.spaces);
    add_rings(out, snapshot);
    out += schemes_text(snapshot);
    add_waits(out, snapshot);
    const auto lines = std::min(options.trace_lines, snapshot.trace.size());
    if (lines != 0) out += lines == 1 ? "the last phase\n" : "the last " + std::to_string(lines) + " phases\n";
    for (auto i = snapshot.trace.size() - lines; i < snapshot.trace.size(); ++i)
        out += "  " + render_event(snapshot.trace[i], snapshot) + "\n";
    for (const auto& problem : snapshot.problems) out += "not shown: " + problem.view + ": " + problem.sentence + "\n";
    return out;
}

const char* name(Freshness freshness)
{
    switch (freshness) {
    case Freshness::live: return "live";
    case Freshness::stopped: return "stopped";
    case Freshness::stale: return "stale";
    case Freshness::torn: return "torn";
    }
    return "unknown";
}

const char* name(abi::MachineState state)
{
    switch (state) {
    case abi::MachineState::booting: return "booting";
    case abi::MachineState::running: return "running";
    case abi::MachineState::ended: return "ended";
    case abi::MachineState::panicked: return "panicked";
    }
    return "unknown";
}

} // namespace orrery::inspector
