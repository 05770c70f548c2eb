// The picture as JSON; the schema stands in render.h.
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/osmodel/render_parts.h"
#include "inspector/core/osmodel/wait_graph.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

using nlohmann::json;

constexpr int schema_version = 1;
constexpr const char* register_names[] = { "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rdi",
                                           "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "rflags" };

json signal_names(std::uint64_t set)
{
    auto names = json::array();
    for (int signal = 1; signal <= abi::signal_count; ++signal)
        if ((set & abi::signal_mask64(signal)) != 0) names.push_back(signal_text(signal));
    return names;
}

void add_exit(json& object, abi::ExitStatus status)
{
    if (status.signal != 0) object["exit_signal"] = signal_text(status.signal);
    else object["exit_code"] = status.code;
}

json registers_json(const RegisterFile& registers)
{
    json object;
    for (std::size_t i = 0; i < std::size(register_names); ++i) object[register_names[i]] = hex(registers.general[i]);
    object["cs"] = registers.cs;
    object["ss"] = registers.ss;
    object["fs_base"] = hex(registers.fs_base);
    object["gs_base"] = hex(registers.gs_base);
    object["cr3"] = hex(registers.cr3);
    object["user_mode"] = registers.in_user_mode();
    return object;
}

json frame_json(const FrameView& frame)
{
    json object { { "address", hex(frame.address) }, { "valid", frame.valid } };
    if (!frame.valid) {
        object["problem"] = frame.problem;
        return object;
    }
    object["previous"] = hex(frame.previous);
    object["signal"] = signal_text(frame.signal);
    object["handler"] = hex(frame.handler);
    object["handler_name"] = frame.handler_name;
    object["flags"] = frame.flags;
    object["cause"] = hex(frame.cause);
    object["mask"] = signal_names(frame.mask);
    for (std::size_t i = 0; i < std::size(register_names); ++i)
        object["registers"][register_names[i]] = hex(frame.registers[i]);
    return object;
}

json signals_json(const ThreadView& thread, const Snapshot& snapshot)
{
    const auto& signals = thread.signals;
    json object {
        { "pending", signal_names(signals.pending) },
        { "allowed", signal_names(signals.allowset) },
        { "process_pending", signal_names(signals.process_pending) },
        { "deliverable", signal_names(signals.deliverable()) },
        { "words",
          { { "pending", hex(signals.pending) },
            { "allowset", hex(signals.allowset) },
            { "process_pending", hex(signals.process_pending) },
            { "process_ignored", hex(signals.process_ignored) } } },
        { "inhibit", signals.inhibit },
        { "inhibit_depth", signals.inhibit_depth },
        { "reasons", json::array() },
        { "actions", json::array() },
        { "frames", json::array() },
    };
    if (signals.deferred_at != 0)
        object["deferred_at"] = { { "address", hex(signals.deferred_at) }, { "name", signals.deferred_at_name } };
    if (signals.fault.signal != 0)
        object["fault"] = { { "signal", signal_text(static_cast<int>(signals.fault.signal)) },
                            { "address", hex(signals.fault.address) },
                            { "code", signals.fault.code },
                            { "trap", signals.fault.trap } };
    if (signals.alternate_stack_size != 0)
        object["alternate_stack"] = { { "base", hex(signals.alternate_stack_base) }, { "size", signals.alternate_stack_size } };
    const auto pending = signals.pending | signals.process_pending;
    for (int signal = 1; signal <= abi::signal_count; ++signal) {
        if ((pending & abi::signal_mask64(signal)) != 0)
            object["reasons"].push_back(
                { { "signal", signal_text(signal) }, { "sentence", explain_signal(thread, signal, &snapshot) } });
        const auto& action = signals.actions[static_cast<std::size_t>(signal - 1)];
        if (signals.actions_known && action.handler != abi::handler_default)
            object["actions"].push_back({ { "signal", signal_text(signal) },
                                          { "handler", action.handler == abi::handler_ignore ? "ignore" : hex(action.handler) },
                                          { "mask", signal_names(action.mask) },
                                          { "flags", action.flags } });
    }
    for (const auto& frame : signals.frames) object["frames"].push_back(frame_json(frame));
    return object;
}

json thread_json(const ThreadView& thread, const Snapshot& snapshot)
{
    json object {
        { "id", thread.id },       { "space", thread.space }, { "space_name", thread.space_name },
        { "state", thread.state }, { "cpu", thread.cpu },     { "why", thread.why },
        { "place", thread.place }, { "switches", thread.switches }, { "syscalls", thread.syscalls },
        { "priority", thread.priority }, { "own_priority", thread.own_priority },
    };
    if (!thread.wait_reason.empty())
        object["wait"] = { { "reason", thread.wait_reason },
                           { "object", hex(thread.wait_object) },
                           { "value", hex(thread.wait_value) },
                           { "deadline", hex(thread.wait_deadline) } };
    if (thread.wait_word) object["wait"]["word"] = hex(*thread.wait_word);
    if (thread.registers) object["registers"] = registers_json(*thread.registers);
    if (thread.signals.registered) object["signals"] = signals_json(thread, snapshot);
    return object;
}

json rights_json(std::uint32_t rights)
{
    auto list = json::array();
    for (const auto& [right, text] : abi::right_names)
        if ((rights & right) != 0) list.push_back(text);
    return list;
}

json space_json(const SpaceView& space)
{
    json object { { "id", space.id },           { "name", space.name },         { "page_table", hex(space.cr3) },
                  { "ended", space.ended },     { "ending", space.ending },     { "stopped", space.stopped },
                  { "threads", space.threads }, { "mappings", json::array() },  { "handles", json::array() } };
    if (space.ended) add_exit(object, space.exit_status);
    add_memory(object, space);
    for (const auto& handle : space.handles)
        object["handles"].push_back({ { "number", handle.number },
                                      { "kind", handle.kind },
                                      { "rights", rights_json(handle.rights) },
                                      { "label", handle.label } });
    return object;
}

json side_json(const RingSideView& side)
{
    return { { "index", side.index }, { "waiting", side.waiting }, { "broken", side.broken },
             { "wakes", side.wakes }, { "sleeps", side.sleeps },   { "thread", side.thread } };
}

json ring_json(const RingView& ring)
{
    json object { { "number", ring.number },
                  { "entry_size", ring.entry_size },
                  { "capacity", ring.capacity },
                  { "valid", ring.valid },
                  { "kernel_broken", ring.kernel_broken },
                  { "producer", side_json(ring.producer) },
                  { "consumer", side_json(ring.consumer) } };
    if (ring.valid) object["used"] = ring.used();
    else object["problem"] = ring.problem;
    return object;
}

} // namespace

nlohmann::json event_json(const TraceEvent& event, const Snapshot& snapshot)
{
    json object { { "time", hex(event.time) }, { "cpu", event.cpu }, { "thread", event.thread }, { "cause", hex(event.cause) } };
    if (snapshot.tsc_frequency != 0 && event.time >= snapshot.boot_tsc)
        object["seconds"] = static_cast<double>(event.time - snapshot.boot_tsc) / static_cast<double>(snapshot.tsc_frequency);
    if (event.phase >= abi::Phase::count) return object;
    const auto& description = abi::phase_table[static_cast<std::size_t>(event.phase)];
    object["phase"] = description.step_name;
    object["arguments"] = json::object();
    for (unsigned i = 0; i < 3; ++i)
        if (std::string_view(description.arguments[i]) != "unused")
            object["arguments"][description.arguments[i]] = argument_text(event.phase, i, event.arguments[i], &snapshot);
    return object;
}

nlohmann::json render_json(const Snapshot& snapshot, const RenderOptions& options)
{
    json root { { "schema", schema_version },    { "number", snapshot.number },     { "freshness", name(snapshot.freshness) },
                { "cpus", json::array() },       { "threads", json::array() },      { "spaces", json::array() },
                { "rings", json::array() },      { "schemes", json::array() },   { "trace", json::array() } };
    auto& machine = root["machine"];
    machine = { { "state", name(snapshot.machine_state) }, { "tsc_frequency", snapshot.tsc_frequency }, { "problems", json::array() } };
    if (snapshot.machine_state == abi::MachineState::ended) add_exit(machine, snapshot.exit_status);
    if (const auto& memory = snapshot.memory; memory.known)
        machine["memory"] = { { "total", memory.total }, { "free", memory.free }, { "sentence", explain(memory) } };
    for (const auto& problem : snapshot.problems)
        machine["problems"].push_back({ { "view", problem.view }, { "sentence", problem.sentence } });
    for (const auto& cpu : snapshot.cpus) {
        json object { { "number", cpu.number }, { "thread", cpu.thread }, { "idle", cpu.idle } };
        if (cpu.registers) object["registers"] = registers_json(*cpu.registers);
        root["cpus"].push_back(std::move(object));
    }
    for (const auto& thread : snapshot.threads) root["threads"].push_back(thread_json(thread, snapshot));
    for (const auto& space : snapshot.spaces) root["spaces"].push_back(space_json(space));
    for (const auto& ring : snapshot.rings) root["rings"].push_back(ring_json(ring));
    for (const auto& scheme : snapshot.schemes) root["schemes"].push_back(scheme_json(scheme, snapshot));
    const auto graph = wait_graph(snapshot);
    auto& waits = root["waits"];
    waits = { { "edges", json::array() }, { "stuck", graph.stuck }, { "deadlocks", graph.deadlocks } };
    for (const auto& edge : graph.edges)
        waits["edges"].push_back({ { "from", edge.from }, { "to", edge.to }, { "any", edge.any }, { "dead", edge.dead }, { "sentence", edge.sentence } });
    const auto events = std::min(options.trace_lines, snapshot.trace.size());
    for (auto i = snapshot.trace.size() - events; i < snapshot.trace.size(); ++i)
        root["trace"].push_back(event_json(snapshot.trace[i], snapshot));
    if (snapshot.panic) {
        auto& panic = root["panic"];
        panic = { { "message", snapshot.panic->message }, { "cpu", snapshot.panic->cpu }, { "backtrace", json::array() } };
        for (const auto& entry : snapshot.panic->backtrace)
            panic["backtrace"].push_back({ { "address", hex(entry.address) },
                                           { "function", entry.function },
                                           { "file", entry.file },
                                           { "line", entry.line } });
    }
    return root;
}

} // namespace orrery::inspector
