// A picture with something in every view.
#include <cstring>

#include "abi/ring.h"
#include "abi/syscall.h"
#include "tests/gui/fake_source.h"
#include "tests/host/osmodel/kept_tables.h"

namespace orrery::inspector::test {
namespace {

using abi::SavedRegister;

RegisterFile some_registers(std::uint64_t rip, std::uint64_t rsp)
{
    RegisterFile registers;
    for (unsigned i = 0; i < registers.general.size(); ++i) registers.general[i] = i * 3;
    const auto set = [&](SavedRegister which, std::uint64_t value) { registers.general[static_cast<unsigned>(which)] = value; };
    set(SavedRegister::rip, rip);
    set(SavedRegister::rsp, rsp);
    set(SavedRegister::rbp, rsp + 0x40);
    set(SavedRegister::rflags, 0x246);
    set(SavedRegister::rdi, 10);
    set(SavedRegister::rsi, 0x7fff'ffee'f1c0);
    registers.fs_base = 0x7f00'0000'1000;
    registers.cs = 0x23;
    return registers;
}

FrameView frame(std::uint64_t address, int signal, const char* handler, std::uint64_t rip)
{
    FrameView result;
    result.address = address;
    result.signal = signal;
    result.handler = 0x401180 + static_cast<unsigned>(signal) * 0x40;
    result.handler_name = handler;
    result.flags = abi::action_siginfo | abi::action_restart;
    result.cause = 0x51;
    const auto registers = some_registers(rip, address + 0x400);
    for (unsigned i = 0; i < registers.general.size(); ++i) result.registers[i] = registers.general[i];
    result.registers[static_cast<unsigned>(SavedRegister::rax)] = 42;
    result.registers[static_cast<unsigned>(SavedRegister::rdi)] = 0x404010;
    result.mask = signal == 10 ? 0 : abi::signal_mask64(10);
    result.info.code = 0;
    result.info.process_id = 3;
    result.valid = true;
    return result;
}

ThreadView thread(std::uint32_t id, std::uint32_t space, const char* name, const char* state, int cpu, const char* why)
{
    ThreadView result;
    result.id = id;
    result.space = space;
    result.space_name = name;
    result.state = state;
    result.cpu = cpu;
    result.why = why;
    result.address = 0xffff'8000'0010'0000 + id * 0x1000;
    result.switches = 1200 * id + 7;
    result.syscalls = 340 * id;
    result.signals.registered = true;
    result.signals.control_address = 0x7f00'0000'0000 + id * 0x1000;
    result.signals.allowset = ~std::uint64_t { 0 };
    result.signals.actions_known = true;
    return result;
}

RingView sample_ring()
{
    RingView ring;
    ring.number = 1;
    ring.entry_size = sizeof(abi::Sqe);
    ring.capacity = 16;
    ring.producer.index = 1'037;
    ring.consumer.index = 1'032;
    ring.producer.wakes = 214;
    ring.producer.sleeps = 3;
    ring.consumer.wakes = 3;
    ring.consumer.sleeps = 214;
    ring.valid = true;
    ring.entries.resize(std::size_t { ring.capacity } * ring.entry_size);
    for (std::uint32_t slot = 0; slot < ring.capacity; ++slot) {
        abi::Sqe sqe {};
        sqe.opcode = static_cast<std::uint8_t>(1 + slot % 3);
        sqe.tag = 1'024 + slot - (slot >= 13 ? 16 : 0);
        sqe.arguments[0] = slot * 8;
        sqe.arguments[1] = 0x1000;
        std::memcpy(ring.entries.data() + std::size_t { slot } * ring.entry_size, &sqe, sizeof sqe);
    }
    return ring;
}

TraceEvent event(std::uint64_t at, abi::Phase phase, int cpu, std::uint32_t thread, std::uint64_t cause,
                 std::array<std::uint64_t, 3> arguments)
{
    TraceEvent result;
    result.time = 2'000'000 + at * 1'900;
    result.sequence = at + 1;
    result.phase = phase;
    result.cpu = cpu;
    result.thread = thread;
    result.cause = cause;
    result.arguments = arguments;
    return result;
}

// Page tables and memory objects of ping: code that is partly present, data of which one page is shared with a clone, and a
// stack whose end was touched.
void fill_memory(Snapshot& snapshot, SpaceView& space)
{
    snapshot.physical_end = 128 << 20;
    std::uint64_t frame = 0x40'0000;
    std::uint32_t number = 7;
    for (auto& mapping : space.mappings) {
        mapping.object_address = 0xffff'8000'0030'0000 + number * 0x100;
        const auto pages = (mapping.end - mapping.begin + mapping.offset) / abi::page_size;
        auto& object = add_object(snapshot, mapping.object_address, number++, pages);
        const auto enter = [&](std::uint64_t address, std::uint64_t bits, std::uint32_t flags = 0) {
            object.leaves[0].pages[(mapping.offset + address - mapping.begin) / abi::page_size] = { frame, flags };
            enter_page(space, address, frame | bits);
            frame += abi::page_size;
        };
        const bool code = (mapping.protection & abi::protection_execute) != 0;
        const auto bits = code ? 0x25 : 0x67 | no_execute_bit;
        if (code) {
            enter(mapping.begin, bits);
            enter(mapping.begin + abi::page_size, bits);
        } else if (mapping.end - mapping.begin > 8 * abi::page_size) { // the stack
            for (auto address = mapping.end - 3 * abi::page_size; address < mapping.end; address += abi::page_size) enter(address, bits);
        } else {
            enter(mapping.begin, mapping.begin == 0x403000 ? 0x25 | no_execute_bit : bits, mapping.begin == 0x403000 ? abi::slot_shared : 0);
        }
    }
}

SchemeView sample_scheme()
{
    SchemeView scheme;
    scheme.number = 1;
    scheme.valid = true;
    scheme.open_servers = 1;
    scheme.next_tag = 212;
    scheme.received.push_back({ .tag = 209, .thread = 4, .space = 2, .server_thread = 5, .server_space = 3, .state = "received",
        .opcode = 17, .flags = 1, .priority = 16, .buffer = 0x404000, .buffer_size = 512, .cause = 0x51 });
    scheme.waiting.push_back({ .tag = 210, .thread = 6, .space = 3, .state = "submitted", .opcode = 16, .priority = 16 });
    scheme.waiting.push_back({ .tag = 211, .thread = 1, .space = 1, .state = "submitted", .opcode = 18, .priority = 8 });
    return scheme;
}

SpaceView space(std::uint32_t id, const char* name, std::uint64_t address, std::uint64_t cr3, std::vector<std::uint32_t> threads)
{
    SpaceView view;
    view.id = id;
    view.name = name;
    view.address = address;
    view.cr3 = cr3;
    view.threads = std::move(threads);
    return view;
}

} // namespace

Snapshot sample_snapshot()
{
    Snapshot snapshot;
    snapshot.number = 4'711;
    snapshot.freshness = Freshness::live;
    snapshot.machine_state = abi::MachineState::running;
    snapshot.tsc_frequency = 1'000'000'000;
    snapshot.boot_tsc = 1'000'000;
    snapshot.cpus = { CpuView { 0, 4, false, {} }, CpuView { 1, 5, false, {} } };

    auto init = thread(1, 1, "init", "blocked", 0, "waits for space 2 (ping) to end");
    init.signals.registered = false;
    auto ping = thread(4, 2, "ping", "running", 0, "runs on CPU 0");
    ping.place = "on_signal+0x12 (ping.cpp:14)";
    ping.signals.pending = abi::signal_mask64(14) | abi::signal_mask64(17);
    ping.signals.process_pending = abi::signal_mask64(2);
    ping.signals.allowset = ~(abi::signal_mask64(10) | abi::signal_mask64(12) | abi::signal_mask64(17) | abi::signal_mask64(34));
    ping.signals.actions[9].handler = 0x401400;
    ping.signals.actions[11].handler = 0x401480;
    ping.signals.actions[13].handler = 0x401480;
    ping.signals.frames = { frame(0x7fff'ffee'e800, 12, "on_signal", 0x4011c4),
        frame(0x7fff'ffee'f000, 10, "on_first", 0x401236) };
    ping.signals.alternate_stack_base = 0x7f00'0010'0000;
    ping.signals.alternate_stack_size = 16'384;
    ping.registers = some_registers(0x401192, 0x7fff'ffee'e7c0);
    auto pong = thread(5, 3, "pong", "running", 1, "runs on CPU 1");
    pong.place = "main+0x9e (pong.cpp:51)";
    auto worker = thread(6, 3, "pong", "blocked", 1, "waits for entries on ring 1 (consumer side)");
    worker.place = "consume+0x31 (pong.cpp:27)";
    worker.wait_reason = "ring_entries";
    snapshot.threads = { init, ping, pong, worker };

    auto init_space = space(1, "init", 0xffff'8000'0020'0000, 0x1000, { 1 });
    auto ping_space = space(2, "ping", 0xffff'8000'0020'1000, 0x2000, { 4 });
    ping_space.mappings = { { 0x400000, 0x403000, 0, abi::protection_read | abi::protection_execute, "memory 7" },
        { 0x403000, 0x405000, 0x3000, abi::protection_read | abi::protection_write, "memory 8" },
        { 0x7f00'0000'0000, 0x7f00'0000'2000, 0, abi::protection_read | abi::protection_write, "memory 9" },
        { 0x7f00'0020'0000, 0x7f00'0020'2000, 0, abi::protection_read | abi::protection_write, "ring 1" },
        { 0x7fff'ffee'0000, 0x7fff'ffef'0000, 0, abi::protection_read | abi::protection_write, "memory 10" } };
    ping_space.handles = { { 1, "space", abi::all_rights, 2, "space 2 (ping)" },
        { 2, "console", abi::right_write, 1, "console" },
        { 3, "ring", abi::right_read | abi::right_write | abi::right_produce, 1, "ring 1" },
        { 4, "space", abi::right_signal, 3, "space 3 (pong)" } };
    auto pong_space = space(3, "pong", 0xffff'8000'0020'2000, 0x3000, { 5, 6 });
    fill_memory(snapshot, ping_space);
    snapshot.spaces = { init_space, ping_space, pong_space };
    snapshot.rings = { sample_ring() };
    SchemeView idle_scheme;
    idle_scheme.number = 2;
    idle_scheme.valid = true;
    idle_scheme.open_servers = 1;
    idle_scheme.next_tag = 40;
    idle_scheme.receivers = { 6 };
    snapshot.schemes = { sample_scheme(), idle_scheme };

    using P = abi::Phase;
    snapshot.trace = { event(1, P::thread_created, 0, 1, 0x11, { 4, 2, 0x401000 }),
        event(2, P::thread_created, 0, 1, 0x12, { 5, 3, 0x401000 }),
        event(3, P::thread_switched, 0, 1, 0, { 1, 4, 0 }),
        event(4, P::ring_slept, 1, 6, 0x20, { 1, 1, 6 }),
        event(5, P::ring_pushed, -1, 4, 0x31, { 1, 1'036, 1'036 }),
        event(6, P::ring_rung, 0, 4, 0x31, { 1, 1, 4 }),
        event(7, P::thread_woken, 0, 4, 0x31, { 6, 0, 1 }),
        event(8, P::ring_popped, -1, 6, 0x31, { 1, 1'036, 1'036 }),
        event(9, P::signal_raised, 1, 5, 0x51, { 4, 10, 5 }),
        event(10, P::signal_noticed, 0, 4, 0x51, { 4, abi::signal_mask64(10), 0x401236 }),
        event(11, P::signal_diverted, 0, 4, 0x51, { 4, 0, 0x401236 }),
        event(12, P::signal_framed, -1, 4, 0x51, { 0x7fff'ffee'f000, 10, 0x401236 }),
        event(13, P::signal_handled, -1, 4, 0x51, { 0x7fff'ffee'f000, 10, 0x401400 }),
        event(14, P::signal_raised, 1, 5, 0x52, { 4, 12, 5 }),
        event(15, P::signal_framed, -1, 4, 0x52, { 0x7fff'ffee'e800, 12, 0x4011c4 }) };
    return snapshot;
}

CodePicture sample_code()
{
    CodePicture code;
    code.thread = 4;
    code.rip = 0x401192;
    code.function = QStringLiteral("on_signal+0x12");
    code.file = QStringLiteral(ORRERY_SOURCE_DIR "/tests/gui/sample/ping.cpp");
    code.line = 14;
    const char* const lines[] = { "push rbp", "mov rbp, rsp", "sub rsp, 0x20", "mov dword ptr [rbp-0x4], edi",
        "mov qword ptr [rbp-0x10], rsi", "mov rax, qword ptr [rip+0x2e77]", "add rax, 0x1", "mov qword ptr [rip+0x2e6c], rax",
        "cmp dword ptr [rbp-0x4], 0xa", "jnz 0x4011b8", "call 0x401300 <count_up>", "leave", "ret" };
    std::uint64_t address = 0x401180;
    int line = 11;
    for (const auto* text : lines) {
        InstructionLine instruction;
        instruction.address = address;
        instruction.text = QLatin1String(text);
        instruction.bytes = QStringLiteral("48 89 e5");
        instruction.symbol = QStringLiteral("on_signal+0x%1").arg(address - 0x401180, 0, 16);
        instruction.line = line++ / 2 + 6;
        code.instructions.push_back(instruction);
        address += address == 0x401180 ? 1 : address == 0x401181 ? 3 : 7;
    }
    code.rip = code.instructions[4].address;
    return code;
}

StopReport sample_stop()
{
    StopReport report;
    report.sentence = QStringLiteral("SIGUSR2 was framed on thread 4 (ping): the interrupted registers are in a frame on "
                                     "the stack, and the handler on_signal is about to run.");
    report.cpu = 0;
    report.thread = 4;
    report.phase = static_cast<int>(abi::Phase::signal_framed);
    report.signal = 12;
    report.rip = 0x401192;
    return report;
}

Snapshot sample_deadlock()
{
    auto snapshot = sample_snapshot();
    const auto add = [&](std::uint32_t id, const char* name, const char* reason, std::uint64_t object, std::uint64_t value) {
        ThreadView thread;
        thread.id = id;
        thread.space = id;
        thread.space_name = name;
        thread.state = "blocked";
        thread.wait_reason = reason;
        thread.wait_object = object;
        thread.wait_value = value;
        thread.wait_deadline = abi::no_deadline;
        snapshot.threads.push_back(thread);
    };
    add(20, "shell", "scheme_call", 1, 21);
    add(21, "file server", "scheme_call", 2, 22);
    add(22, "disk driver", "scheme_call", 1, 21);
    add(23, "editor", "space_end", 20, 0);
    return snapshot;
}

} // namespace orrery::inspector::test
