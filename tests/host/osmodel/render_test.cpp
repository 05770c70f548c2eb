// The whole text and the whole JSON of a picture, against files that are read and approved by people.
//
// After a wanted change: ORRERY_UPDATE_GOLDEN=1 writes the files anew; read the difference before it is committed.
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>

#include "inspector/core/osmodel/explain.h"
#include "inspector/core/osmodel/render.h"
#include "kept_tables.h"

namespace orrery::inspector {
namespace {

void expect_golden(const std::string& name, const std::string& text)
{
    const std::string path = ORRERY_SOURCE_DIR "/tests/host/osmodel/golden/" + name;
    if (std::getenv("ORRERY_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << text;
        return;
    }
    std::ifstream stream(path);
    const std::string golden { std::istreambuf_iterator<char>(stream), {} };
    EXPECT_EQ(text, golden) << "differs from " << path;
}

ThreadView ping()
{
    ThreadView thread;
    thread.id = 1;
    thread.space = 1;
    thread.space_name = "ping";
    thread.state = "running";
    thread.cpu = 0;
    thread.switches = 12;
    thread.syscalls = 40;
    thread.place = "main+0x12 (ping.cpp:34)";
    auto& signals = thread.signals;
    signals.registered = true;
    signals.pending = abi::signal_mask64(10) | abi::signal_mask64(35);
    signals.process_pending = abi::signal_mask64(15);
    signals.allowset = ~abi::signal_mask64(10);
    signals.actions_known = true;
    signals.actions[9].handler = 0x402000;
    signals.actions[11].handler = abi::handler_ignore;
    FrameView frame;
    frame.valid = true;
    frame.address = 0x7ffe0800;
    frame.previous = 0x7ffe2000;
    frame.signal = 12;
    frame.handler = 0x403000;
    frame.handler_name = "on_usr2";
    frame.registers[static_cast<unsigned>(abi::SavedRegister::rip)] = 0x401234;
    frame.mask = abi::signal_mask64(2);
    FrameView bad;
    bad.address = 0x7ffe2000;
    bad.problem = "the frame at 0x7ffe2000 is not in memory";
    signals.frames = { frame, bad };
    return thread;
}

Snapshot picture()
{
    Snapshot snapshot;
    snapshot.number = 7;
    snapshot.freshness = Freshness::stopped;
    snapshot.machine_state = abi::MachineState::running;
    snapshot.tsc_frequency = 1'000'000'000;
    snapshot.boot_tsc = 1000;
    snapshot.threads.push_back(ping());
    ThreadView pong;
    pong.id = 2;
    pong.space = 2;
    pong.space_name = "pong";
    pong.state = "blocked";
    pong.cpu = 1;
    pong.wait_reason = "ring_entries";
    pong.wait_object = 1;
    pong.wait_deadline = abi::no_deadline;
    snapshot.threads.push_back(pong);
    for (auto& thread : snapshot.threads) thread.why = explain(thread, &snapshot);
    CpuView cpu0;
    cpu0.thread = 1;
    cpu0.registers.emplace();
    cpu0.registers->cs = 0x23;
    cpu0.registers->general[static_cast<unsigned>(abi::SavedRegister::rip)] = 0x401012;
    CpuView cpu1;
    cpu1.number = 1;
    cpu1.idle = true;
    snapshot.cpus = { cpu0, cpu1 };
    SpaceView space;
    space.id = 1;
    space.name = "ping";
    space.cr3 = 0x123000;
    space.threads = { 1 };
    space.mappings.push_back({ 0x400000, 0x404000, 0, abi::protection_read | abi::protection_execute, "memory 3" });
    space.handles.push_back({ 2, "ring", abi::right_produce | abi::right_read, 0xffff800000123000, "ring 1" });
    enter_page(space, 0x401000, 0x300000 | 0x25);
    space.account = { .known = true, .charged = 12, .objects = 7, .limit = 100, .charged_above = {}, .limit_above = {} };
    SpaceView ended;
    ended.id = 2;
    ended.name = "pong";
    ended.ended = true;
    ended.exit_status = { 0, 11 };
    snapshot.spaces = { space, ended };
    RingView ring;
    ring.number = 1;
    ring.entry_size = 64;
    ring.capacity = 16;
    ring.valid = true;
    ring.producer.index = 21;
    ring.producer.wakes = 4;
    ring.consumer.index = 14;
    ring.consumer.waiting = true;
    ring.consumer.sleeps = 5;
    ring.consumer.thread = 2;
    RingView broken;
    broken.number = 2;
    broken.problem = "a program overwrote the ring's header: its magic is 0x0";
    snapshot.rings = { ring, broken };
    SchemeView scheme;
    scheme.number = 3;
    scheme.open_servers = 1;
    scheme.next_tag = 20;
    scheme.valid = true;
    scheme.received.push_back({ .tag = 17, .thread = 1, .space = 1, .server_thread = 2, .server_space = 2, .state = "received", .opcode = 16, .flags = 1,
        .priority = 16, .buffer = 0x403000, .buffer_size = 64, .cause = 0x51, .cancelled = true, .cancel_untold = true });
    scheme.waiting.push_back({ .tag = 18, .thread = 1, .space = 1, .state = "submitted", .opcode = 17, .priority = 16 });
    SchemeView torn;
    torn.number = 4;
    torn.problem = "a list of its calls runs in a circle at 0xffff800000123000";
    snapshot.schemes = { scheme, torn };
    snapshot.trace.push_back({ 1'500'001'000, 1, abi::Phase::signal_raised, 1, 2, 0x200000000000001, { 1, 10, 2 } });
    snapshot.trace.push_back({ 1'500'003'000, 1, abi::Phase::ring_pushed, -1, 1, 0, { 1, 20, 99 } });
    snapshot.trace.push_back({ 1'500'004'000, 2, abi::Phase::thread_ended, 0, 0, 0, { 1, 1, 0 } });
    snapshot.problems.push_back({ "mappings", "orrery::kernel::AddressSpace has no field 'mapping_count_'" });
    return snapshot;
}

TEST(RenderText, AWholePicture) { expect_golden("picture.txt", render_text(picture())); }

TEST(RenderText, WithSpaces) { expect_golden("picture-spaces.txt", render_text(picture(), { .trace_lines = 1, .spaces = true })); }

TEST(RenderText, APanic)
{
    Snapshot snapshot;
    snapshot.number = 1;
    snapshot.freshness = Freshness::live;
    snapshot.machine_state = abi::MachineState::panicked;
    snapshot.panic = PanicView { "a pointer was wild", 1, { { 0xffffffff80201234, "orrery::kernel::panic", "panic.cpp", 80 }, { 0x10, "", "", 0 } } };
    expect_golden("panic.txt", render_text(snapshot));
}

TEST(RenderText, AnEndedMachine)
{
    Snapshot snapshot;
    snapshot.machine_state = abi::MachineState::ended;
    snapshot.exit_status = { 3, 0 };
    EXPECT_EQ(render_text(snapshot), "machine ended, picture 0 stale; it exited with status 3\nno threads\n");
}

TEST(RenderText, NoLineIsWiderThanATerminal)
{
    const auto text = render_text(picture());
    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = text.find('\n', begin);
        EXPECT_LE(end - begin, 160u) << text.substr(begin, end - begin);
        begin = end + 1;
    }
}

TEST(RenderText, Lanes)
{
    EXPECT_EQ(render_lanes(0), "................................");
    EXPECT_EQ(render_lanes(0x80000001), "#..............................#");
}

TEST(RenderJson, AWholePicture) { expect_golden("picture.json", render_json(picture()).dump(2) + "\n"); }

} // namespace
} // namespace orrery::inspector
