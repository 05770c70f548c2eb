// The hazards H1 to H10 of QEMU's stub, as byte-exact talks with a scripted one. The same hazards against the real QEMU
// are in qemu_stub_test.cpp.
#include <gtest/gtest.h>

#include "inspector/core/rsp/packet.h"
#include "tests/protocol/scripted_peer.h"

namespace orrery::inspector::test {

using namespace std::chrono_literals;
using rsp::RunState;

TEST(Hazard, H1_backwards_is_never_sent_unless_announced)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("qfThreadInfo", "mp01.01").request("qsThreadInfo", "l");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    for (const auto& refused : { (*client)->begin_reverse_step(), (*client)->begin_reverse_continue() }) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
    }
    EXPECT_EQ((*client)->state(), RunState::stopped);
    EXPECT_TRUE((*client)->threads()); // the next bytes on the wire: nothing came between
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H1_backwards_is_sent_when_announced)
{
    ScriptedPeer peer;
    peer.qemu_handshake(";ReverseStep+;ReverseContinue+");
    peer.request_only("bs").stop_reply("T05thread:p01.01;");
    peer.request_only("bc").stop_reply("T05thread:p01.01;");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->begin_reverse_step());
    EXPECT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    ASSERT_TRUE((*client)->begin_reverse_continue());
    EXPECT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H2_not_a_byte_is_sent_while_the_guest_runs)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c").expect("\x03").stop_reply("T02thread:p01.01;");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    auto& c = **client;
    ASSERT_TRUE(c.resume_all());
    std::byte bytes[8] {};
    const std::vector<Result<void>> refused = { c.read_memory(cpu_0, 0, bytes), c.write_memory(cpu_0, 0, bytes),
        c.read_physical(0, bytes), c.write_physical(0, bytes), c.write_register(cpu_0, "rax", 1),
        c.insert({ rsp::PointKind::hardware_breakpoint, 16, 1 }), c.set_step_flags(7), c.resume_all(),
        c.begin_step(cpu_0) };
    for (const auto& result : refused) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::busy);
        EXPECT_NE(result.error().sentence.find("pause it first"), std::string::npos) << result.error().sentence;
    }
    EXPECT_EQ(c.read_registers(cpu_0).error().code, ErrorCode::busy);
    EXPECT_EQ(c.read_register(cpu_0, "rax").error().code, ErrorCode::busy);
    EXPECT_EQ(c.threads().error().code, ErrorCode::busy);
    EXPECT_EQ(c.step_flags().error().code, ErrorCode::busy);
    EXPECT_EQ(c.thread_description(cpu_0).error().code, ErrorCode::busy);
    EXPECT_EQ(c.state(), RunState::running);
    ASSERT_TRUE(c.interrupt());
    EXPECT_TRUE(c.wait_for_stop(deadline_in(20s)));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H3_nothing_is_acknowledged_after_a_resume)
{
    ScriptedPeer peer;
    peer.qemu_handshake();
    // The register's '+' must go in front of the resume, and the stop's before anything else.
    peer.request("Hgp1.1", "OK").request("p0", "0100000000000000");
    peer.expect("+" + rsp::frame("vCont;c")).send(rsp::frame("T05thread:p01.01;")).expect("+" + rsp::frame("vCont;c"));
    peer.send(rsp::frame("T05thread:p01.01;")).expect("+");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ(*(*client)->read_register(cpu_0, "rax"), 1u);
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE((*client)->resume_all());
        ASSERT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    }
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H4_a_stop_is_acknowledged_at_once_so_that_it_swallows_no_interrupt)
{
    ScriptedPeer peer;
    peer.qemu_handshake();
    // Somebody resumes through QMP: the '+' has been sent at the stop, and the interrupt comes bare.
    peer.request_only("vCont;c").stop_reply("T05thread:p01.01;").expect("\x03").stop_reply("T02thread:p01.01;");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    ASSERT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    (*client)->note_resumed_elsewhere();
    EXPECT_EQ((*client)->state(), RunState::running);
    ASSERT_TRUE((*client)->interrupt());
    EXPECT_EQ((*client)->wait_for_stop(deadline_in(20s))->signal, 2);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H4_an_owed_acknowledgement_goes_before_the_interrupt)
{
    ScriptedPeer peer;
    // The stub holds an answer that nobody has acknowledged when somebody resumes through QMP.
    peer.qemu_handshake().request("Hgp1.1", "OK").request("p0", "0000000000000000");
    peer.expect("+\x03").send(rsp::frame("T02thread:p01.01;")).expect("+");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->read_register(cpu_0, "rax"));
    (*client)->note_resumed_elsewhere();
    ASSERT_TRUE((*client)->interrupt());
    EXPECT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H5_detach_says_so_and_acknowledges_nothing_afterwards)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Z1,101000,1", "OK").request_only("D;1").send(rsp::frame("OK"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->insert({ rsp::PointKind::hardware_breakpoint, 0x101000, 1 }));
    EXPECT_TRUE((*client)->detach());
    EXPECT_EQ((*client)->state(), RunState::lost);
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H5_detach_of_a_running_guest_stops_it_first)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c").expect("\x03").stop_reply("T02thread:p01.01;");
    peer.request_only("D;1").send(rsp::frame("OK"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    EXPECT_TRUE((*client)->detach());
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H6_a_stub_that_never_answers_has_another_debugger)
{
    ScriptedPeer peer;
    peer.request_only("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386");
    const auto client = attach_to(peer, { .connect_timeout = 50ms, .reply_timeout = 20s });
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::cannot_connect);
    EXPECT_NE(client.error().sentence.find("another one is attached"), std::string::npos) << client.error().sentence;
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H7_stops_that_nobody_asked_for_are_taken_in)
{
    ScriptedPeer peer;
    // At attach of a running guest, and between a request and its answer (QMP stop).
    peer.request_only("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386");
    peer.send(rsp::frame("T02thread:01;")).expect("+");
    peer.reply_only("PacketSize=1000;qXfer:features:read+;vContSupported+;multiprocess+");
    peer.request("vCont?", "vCont;c;C;s;S");
    peer.request("qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4");
    peer.request("Hgp0.0", "OK").request("qXfer:features:read:target.xml:0,ffb", "l" + std::string(small_target_xml));
    peer.request_only("?").stop_reply("T05thread:p01.01;");
    peer.request_only("qfThreadInfo").send(rsp::frame("T02thread:p01.01;")).expect("+");
    peer.reply_only("mp01.01,p01.02").request("qsThreadInfo", "l");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    const auto threads = (*client)->threads();
    ASSERT_TRUE(threads) << threads.error().sentence;
    EXPECT_EQ(*threads, (std::vector { cpu_0, cpu_1 }));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Hazard, H8_ends_of_a_replay_are_stops_and_not_silence)
{
    ScriptedPeer peer;
    peer.qemu_handshake(";ReverseStep+;ReverseContinue+");
    peer.request_only("bc").stop_reply("T05thread:p01.01;"); // a watchpoint in reverse: no "watch:"
    peer.request_only("bs").send(rsp::frame("E14")).expect("+"); // the beginning
    peer.request_only("vCont;c").send(rsp::frame("W00")).expect("+"); // the end
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->begin_reverse_continue());
    auto stop = (*client)->wait_for_stop(deadline_in(20s));
    ASSERT_TRUE(stop);
    EXPECT_FALSE(stop->watch);
    ASSERT_TRUE((*client)->begin_reverse_step());
    stop = (*client)->wait_for_stop(deadline_in(20s));
    ASSERT_TRUE(stop) << stop.error().sentence;
    EXPECT_EQ(stop->reason, "refused:E14");
    EXPECT_EQ((*client)->state(), RunState::stopped);
    ASSERT_TRUE((*client)->resume_all());
    stop = (*client)->wait_for_stop(deadline_in(20s));
    ASSERT_TRUE(stop);
    EXPECT_EQ(stop->kind, rsp::StopReply::Kind::exited);
    EXPECT_EQ((*client)->state(), RunState::ended);
    EXPECT_EQ((*client)->threads().error().code, ErrorCode::ended);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

// H9 (breakpoints are virtual, and hit in every address space) is only visible on the real machine: qemu_control_test.

TEST(Hazard, H10_registers_are_read_as_described_and_not_as_remembered)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Hgp1.1", "OK");
    peer.request("g",
        "0102030405060708"
        "1000000000000000"
        "02000000"
        "0040100000000000"); // all 28 bytes
    peer.request("g",
        "0102030405060708"
        "1000000000000000"
        "xxxxxxxx"); // shorter, and without eflags
    peer.request("g",
        "0102030405060708"
        "1000000000000000"
        "02000000"
        "0040100000000000"
        "00"); // longer
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    auto registers = (*client)->read_registers(cpu_0);
    ASSERT_TRUE(registers) << registers.error().sentence;
    EXPECT_EQ(registers->value("rax"), 0x0807060504030201u);
    EXPECT_EQ(registers->value("rip"), 0x10u);
    EXPECT_EQ(registers->value("eflags"), 2u);
    EXPECT_EQ(registers->value("cr3"), 0x104000u);
    registers = (*client)->read_registers(cpu_0);
    ASSERT_TRUE(registers) << registers.error().sentence;
    EXPECT_EQ(registers->value("rip"), 0x10u);
    EXPECT_EQ(registers->value("eflags"), std::nullopt);
    EXPECT_EQ(registers->value("cr3"), std::nullopt);
    registers = (*client)->read_registers(cpu_0);
    ASSERT_FALSE(registers);
    EXPECT_NE(registers.error().sentence.find("describes registers of 28 bytes"), std::string::npos);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

} // namespace orrery::inspector::test
