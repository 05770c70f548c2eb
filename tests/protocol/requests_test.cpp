// Requests byte by byte: how memory is cut and pipelined, how registers are written, what other stubs need.
#include <gtest/gtest.h>
#include <poll.h>

#include "inspector/core/rsp/packet.h"
#include "inspector/core/wait.h"
#include "tests/protocol/scripted_peer.h"

namespace orrery::inspector::test {

using namespace std::chrono_literals;
using rsp::frame;

namespace {
std::string zeroes(std::size_t bytes) { return std::string(2 * bytes, '0'); }
} // namespace

TEST(Requests, memory_is_cut_at_pages_and_at_half_a_packet_and_pipelined)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Hgp1.1", "OK");
    // All three are sent before the first answer comes.
    peer.expect("+" + frame("mf00,100") + frame("m1000,800") + frame("m1800,80"));
    peer.send(frame(zeroes(0x100)) + frame(zeroes(0x800)) + frame(std::string(2 * 0x80, '1')));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    std::vector<std::byte> bytes(0x980, std::byte { 0xff });
    const auto done = (*client)->read_memory(cpu_0, 0xf00, bytes);
    ASSERT_TRUE(done) << done.error().sentence;
    EXPECT_EQ(bytes[0x8ff], std::byte { 0 });
    EXPECT_EQ(bytes[0x900], std::byte { 0x11 });
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, an_unmapped_page_is_named_and_the_pipeline_stays_in_step)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Hgp1.1", "OK");
    peer.expect("+" + frame("m0,800") + frame("m800,800") + frame("m1000,8"));
    peer.send(frame(zeroes(0x800)) + frame("E14") + frame(zeroes(8)));
    peer.expect("+++" + frame("m0,1")).send(frame("2a"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    std::vector<std::byte> bytes(0x1008);
    const auto done = (*client)->read_memory(cpu_0, 0, bytes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unmapped);
    EXPECT_NE(done.error().sentence.find("0x800"), std::string::npos) << done.error().sentence;
    ASSERT_TRUE((*client)->read_memory(cpu_0, 0, std::span(bytes).first(1)));
    EXPECT_EQ(bytes[0], std::byte { 0x2a });
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, wrong_lengths_of_memory_are_refused)
{
    for (const auto* answer : { "0011", "00112", "00112233445566xx", "", "001122334455667788" }) {
        ScriptedPeer peer;
        peer.qemu_handshake().request("Hgp1.1", "OK").request("m0,8", answer);
        auto client = attach_to(peer);
        ASSERT_TRUE(client) << client.error().sentence;
        std::byte bytes[8];
        const auto done = (*client)->read_memory(cpu_0, 0, bytes);
        ASSERT_FALSE(done) << answer;
        EXPECT_FALSE(done.error().sentence.empty());
        client->reset();
        EXPECT_EQ(peer.finish(), "");
    }
}

TEST(Requests, physical_mode_is_left_also_after_an_error)
{
    ScriptedPeer peer;
    peer.qemu_handshake();
    peer.expect(frame("Qqemu.PhyMemMode:1") + frame("m1000,8")).send(frame("OK") + frame("E14"));
    peer.expect("++" + frame("Qqemu.PhyMemMode:0")).send(frame("OK"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    std::byte bytes[8];
    EXPECT_EQ((*client)->read_physical(0x1000, bytes).error().code, ErrorCode::unmapped);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, registers_are_written_little_endian_by_number)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Hgp1.2", "OK").request("P10=efbeaddeffffffff", "OK").request("P11=02000000", "E22");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_TRUE((*client)->write_register(cpu_1, "rip", 0xffff'ffff'dead'beef));
    EXPECT_EQ((*client)->write_register(cpu_1, "eflags", 2).error().code, ErrorCode::refused);
    EXPECT_EQ((*client)->write_register(cpu_1, "rsp", 2).error().code, ErrorCode::invalid_argument);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, without_single_registers_all_are_written_back)
{
    ScriptedPeer peer;
    const std::string before = "0100000000000000"
                               "1000000000000000"
                               "02000000"
                               "0040100000000000";
    const std::string after = "0100000000000000"
                              "2a00000000000000"
                              "02000000"
                              "0040100000000000";
    peer.qemu_handshake().request("Hgp1.1", "OK").request("P10=2a00000000000000", "").request("g", before);
    peer.request("G" + after, "OK").request("g", after);
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_TRUE((*client)->write_register(cpu_0, "rip", 42));
    EXPECT_EQ(*(*client)->read_register(cpu_0, "rip"), 42u);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, breakpoints_are_set_once_and_the_choice_of_vcpu_is_remembered_until_it_runs)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Z1,ffffffff80001000,1", "OK").request("Z2,2000,8", "OK").request("Z4,3000,1", "E22");
    peer.request("z1,ffffffff80001000,1", "OK");
    peer.request("Hgp1.2", "OK").request("p0", zeroes(8)).request("p10", zeroes(8));
    peer.request_only("vCont;s:p1.2").stop_reply("T05thread:p01.02;").request("Hgp1.2", "OK").request("p0", zeroes(8));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    const rsp::Point breakpoint { rsp::PointKind::hardware_breakpoint, 0xffff'ffff'8000'1000, 1 };
    EXPECT_TRUE((*client)->insert(breakpoint));
    EXPECT_TRUE((*client)->insert(breakpoint));
    EXPECT_TRUE((*client)->insert({ rsp::PointKind::write_watch, 0x2000, 8 }));
    EXPECT_EQ((*client)->insert({ rsp::PointKind::access_watch, 0x3000, 1 }).error().code, ErrorCode::refused);
    EXPECT_EQ((*client)->inserted().size(), 2u);
    EXPECT_TRUE((*client)->remove(breakpoint));
    EXPECT_TRUE((*client)->remove(breakpoint));
    EXPECT_TRUE((*client)->read_register(cpu_1, "rax"));
    EXPECT_TRUE((*client)->read_register(cpu_1, "rip"));
    EXPECT_TRUE((*client)->step(cpu_1));
    EXPECT_TRUE((*client)->read_register(cpu_1, "rax"));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

// A stub may take a hardware breakpoint that its machine never hits, so only QEMU's is asked for one.
TEST(Requests, breakpoints_are_of_the_kind_that_the_stub_can_be_relied_on_to_hit)
{
    for (const bool qemu : { true, false }) {
        ScriptedPeer peer;
        (qemu ? peer.qemu_handshake() : peer.other_handshake()).request(qemu ? "Z1,401000,1" : "Z0,401000,1", "OK");
        auto client = attach_to(peer);
        ASSERT_TRUE(client) << client.error().sentence;
        EXPECT_TRUE((*client)->insert({ (*client)->breakpoint_kind(), 0x401000, 1 }));
        client->reset();
        EXPECT_EQ(peer.finish(), "");
    }
}

TEST(Requests, single_vcpus_run_while_others_stand)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c:p1.2").stop_reply("T05thread:p01.02;");
    peer.request_only("vCont;s:p1.1;c").stop_reply("T05thread:p01.01;");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_TRUE((*client)->resume_only(cpu_1));
    EXPECT_EQ((*client)->wait_for_stop(deadline_in(20s))->thread, cpu_1);
    EXPECT_TRUE((*client)->begin_step_others_run(cpu_0));
    EXPECT_EQ((*client)->wait_for_stop(deadline_in(20s))->thread, cpu_0);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, a_stop_behind_an_acknowledgement_is_seen_at_once)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c").send("+" + frame("T05thread:p01.01;")).expect("+");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    ASSERT_EQ(wait_for({ (*client)->connection().descriptor() }, POLLIN, deadline_in(20s)), WaitResult::ready);
    // Both came together; left in the buffer, the stop would never make the socket readable again.
    EXPECT_TRUE((*client)->wait_for_stop(Clock::now()));
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, a_stub_that_is_no_qemu_steps_off_its_breakpoints_without_them)
{
    ScriptedPeer peer;
    peer.request("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386",
        "PacketSize=1000;qXfer:features:read+;multiprocess+");
    peer.request("vCont?", "vCont;c;C;s;S").request("qqemu.sstepbits", "").request("Hgp0.0", "OK");
    peer.request("qXfer:features:read:target.xml:0,ffb", "l" + std::string(small_target_xml));
    peer.request_only("?").stop_reply("T05thread:p01.01;");
    peer.request("Z1,10,1", "OK").request("Hgp1.1", "OK").request("p10", "1000000000000000").request("z1,10,1", "OK");
    peer.request_only("vCont;s:p1.1").stop_reply("T05thread:p01.01;").request("Z1,10,1", "OK");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->insert({ rsp::PointKind::hardware_breakpoint, 0x10, 1 }));
    EXPECT_TRUE((*client)->step(cpu_0));
    EXPECT_EQ((*client)->inserted().size(), 1u);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, a_step_that_never_ends_is_interrupted)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;s:p1.1").expect("\x03").stop_reply("T02thread:p01.01;");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    const auto stop = (*client)->step(cpu_0, 20ms);
    ASSERT_TRUE(stop) << stop.error().sentence;
    EXPECT_EQ(stop->signal, 2);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, single_step_flags_are_checked_before_they_are_sent)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("qqemu.sstep", "0x7").request("Qqemu.sstep=1", "OK");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ(*(*client)->step_flags(), 7u);
    EXPECT_TRUE((*client)->set_step_flags(1));
    EXPECT_EQ((*client)->set_step_flags(6).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ((*client)->set_step_flags(9).error().code, ErrorCode::invalid_argument);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, several_registers_come_in_one_round_trip)
{
    static constexpr std::string_view names[] = { "rip", "eflags", "cr3" };
    ScriptedPeer peer;
    peer.qemu_handshake().expect(frame("Hgp1.2") + frame("p10") + frame("p11") + frame("p1d"));
    peer.send(frame("OK") + frame("2a00000000000000") + frame("02000000") + frame("0040100000000000"));
    peer.expect("++++" + frame("p10") + frame("p11") + frame("p1d"));
    peer.send(frame("2a00000000000000") + frame("E22") + frame("0040100000000000"));
    peer.expect("+++" + frame("p0")).send(frame("0100000000000000")); // still in step
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    const auto values = (*client)->read_several(cpu_1, names);
    ASSERT_TRUE(values) << values.error().sentence;
    EXPECT_EQ(*values, (std::vector<std::uint64_t> { 0x2a, 2, 0x104000 }));
    EXPECT_EQ((*client)->read_several(cpu_1, names).error().code, ErrorCode::refused);
    EXPECT_EQ(*(*client)->read_register(cpu_1, "rax"), 1u);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Requests, another_stub_without_acknowledgements)
{
    ScriptedPeer peer;
    peer.expect(frame("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386"));
    peer.send("+" + frame("PacketSize=47ff;qXfer:features:read+;QStartNoAckMode+;multiprocess+"));
    peer.expect("+" + frame("QStartNoAckMode")).send("+" + frame("OK")).expect("+");
    peer.expect(frame("vCont?")).send(frame("vCont;c;C;s;S;t"));
    peer.expect(frame("qqemu.sstepbits")).send(frame(""));
    peer.expect(frame("Hgp0.0")).send(frame("OK"));
    peer.expect(frame("qXfer:features:read:target.xml:0,47fa")).send(frame("l" + std::string(small_target_xml)));
    peer.expect(frame("?")).send(frame("T05thread:p3e8.3e8;"));
    peer.expect(frame("vCont;c")).send(frame("T05thread:p3e8.3e8;"));
    peer.expect(frame("D;3e8")).send(frame("OK"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    std::byte bytes[8];
    EXPECT_EQ((*client)->read_physical(0, bytes).error().code, ErrorCode::unsupported);
    EXPECT_EQ((*client)->step_flags().error().code, ErrorCode::unsupported);
    EXPECT_TRUE((*client)->resume_all());
    EXPECT_TRUE((*client)->wait_for_stop(deadline_in(20s)));
    EXPECT_TRUE((*client)->detach());
    EXPECT_EQ(peer.finish(), "");
}

} // namespace orrery::inspector::test
