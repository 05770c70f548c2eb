// A stub that lies, babbles, stalls or dies: one clear error each, and never a hang.
#include <gtest/gtest.h>

#include "inspector/core/rsp/packet.h"
#include "tests/protocol/scripted_peer.h"

namespace orrery::inspector::test {

using namespace std::chrono_literals;
using rsp::RunState;

namespace {
constexpr auto hello = "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386";

// The error of an attach to a stub that answers the first request with these bytes.
Error attach_error(ScriptedPeer& peer, std::chrono::milliseconds timeout = 20s)
{
    const auto client = attach_to(peer, { .connect_timeout = timeout, .reply_timeout = timeout });
    if (client) return { "attached" };
    return client.error();
}

// After the handshake the stub answers a register read with `bytes`.
Error register_error(const std::string& bytes, std::chrono::milliseconds timeout = 20s)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request("Hgp1.1", "OK").request_only("p0").send(bytes).close();
    auto client = attach_to(peer, { .connect_timeout = 20s, .reply_timeout = timeout });
    if (!client) return client.error();
    const auto value = (*client)->read_register(cpu_0, "rax");
    return value ? Error { "accepted" } : value.error();
}
} // namespace

#define EXPECT_SAYS(error, words) EXPECT_NE((error).sentence.find(words), std::string::npos) << (error).sentence

TEST(HostileStub, is_no_stub_at_all)
{
    ScriptedPeer peer;
    peer.request_only(hello).send_for_ever("HTTP/1.1 400 Bad Request\r\n");
    const auto error = attach_error(peer);
    EXPECT_SAYS(error, "no debug stub");
    EXPECT_EQ(error.code, ErrorCode::connection_lost);
}

TEST(HostileStub, closes_before_the_first_word)
{
    ScriptedPeer peer;
    peer.request_only(hello).close();
    EXPECT_SAYS(attach_error(peer), "closed the connection");
}

TEST(HostileStub, closes_in_the_middle_of_a_packet)
{
    ScriptedPeer peer;
    peer.request_only(hello).send("$PacketSi").close();
    EXPECT_SAYS(attach_error(peer), "in the middle of a packet");
}

TEST(HostileStub, breaks_a_checksum) { EXPECT_SAYS(register_error("$0011223344556677#00"), "wrong checksum"); }

TEST(HostileStub, sends_a_packet_without_end)
{
    ScriptedPeer peer;
    peer.request_only(hello).send("$").send_for_ever(std::string(65536, '0'));
    EXPECT_SAYS(attach_error(peer), "which no reply needs");
}

TEST(HostileStub, only_acknowledges)
{
    ScriptedPeer peer;
    peer.request_only(hello).send_for_ever("+++++++++++++++++");
    EXPECT_SAYS(attach_error(peer), "acknowledgements without end");
}

TEST(HostileStub, claims_damaged_requests)
{
    ScriptedPeer peer;
    peer.request_only(hello).send("-").close();
    EXPECT_SAYS(attach_error(peer), "arrived damaged");
}

TEST(HostileStub, sends_stop_replies_without_end)
{
    // Each is acknowledged, so they are as many as the client takes.
    ScriptedPeer peer;
    peer.request_only(hello).send_for_ever(rsp::frame("T02thread:01;"));
    EXPECT_SAYS(attach_error(peer), "stop replies without end");
}

TEST(HostileStub, says_nothing)
{
    const auto start = Clock::now();
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("qfThreadInfo");
    auto client = attach_to(peer, { .connect_timeout = 20s, .reply_timeout = 60ms });
    ASSERT_TRUE(client) << client.error().sentence;
    const auto threads = (*client)->threads();
    ASSERT_FALSE(threads);
    EXPECT_SAYS(threads.error(), "did not answer \"qfThreadInfo\" within 60 ms");
    // A late answer would be taken for that of the next request, so there is no next one.
    EXPECT_EQ((*client)->state(), RunState::lost);
    EXPECT_EQ((*client)->threads().error().code, ErrorCode::connection_lost);
    EXPECT_LT(Clock::now() - start, 15s);
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(HostileStub, takes_a_resume_and_stays_silent)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    EXPECT_EQ((*client)->wait_for_stop(deadline_in(20ms)).error().code, ErrorCode::timed_out);
    Cancellation button;
    button.cancel();
    EXPECT_EQ((*client)->wait_for_stop(deadline_in(20s), &button).error().code, ErrorCode::cancelled);
    EXPECT_EQ((*client)->state(), RunState::running); // and it may be waited for again
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(HostileStub, answers_data_while_the_guest_runs)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c").send(rsp::frame("00112233"));
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    const auto stop = (*client)->wait_for_stop(deadline_in(20s));
    ASSERT_FALSE(stop);
    EXPECT_SAYS(stop.error(), "which answers nothing");
    EXPECT_EQ((*client)->state(), RunState::lost);
}

TEST(HostileStub, sends_garbage_for_a_register)
{
    EXPECT_SAYS(register_error(rsp::frame("zz11223344556677")), "makes no sense");
    EXPECT_SAYS(register_error(rsp::frame("0011")), "makes no sense");
    EXPECT_SAYS(register_error(rsp::frame("OK")), "makes no sense");
    EXPECT_SAYS(register_error(rsp::frame("E22")), "was refused by the debug stub (E22)");
    EXPECT_SAYS(register_error("$0011"), "in the middle of a packet");
}

TEST(HostileStub, sends_a_malformed_stop)
{
    ScriptedPeer peer;
    peer.qemu_handshake().request_only("vCont;c").send(rsp::frame("T05thread:pzz.01;")).expect("+");
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    ASSERT_TRUE((*client)->resume_all());
    const auto stop = (*client)->wait_for_stop(deadline_in(20s));
    ASSERT_FALSE(stop);
    EXPECT_SAYS(stop.error(), "is malformed");
    EXPECT_EQ((*client)->state(), RunState::lost); // nobody knows whether it runs
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(HostileStub, lists_impossible_threads)
{
    for (const auto* list : { "mp0.0", "m", "mzz", "x", "", "mp1.-1" }) {
        ScriptedPeer peer;
        peer.qemu_handshake().request("qfThreadInfo", list);
        auto client = attach_to(peer);
        ASSERT_TRUE(client) << client.error().sentence;
        const auto threads = (*client)->threads();
        ASSERT_FALSE(threads) << list;
        EXPECT_EQ(threads.error().code, ErrorCode::protocol);
        client->reset();
        EXPECT_EQ(peer.finish(), "");
    }
    ScriptedPeer none;
    none.qemu_handshake().request("qfThreadInfo", "l");
    auto client = attach_to(none);
    ASSERT_TRUE(client);
    EXPECT_SAYS((*client)->threads().error(), "no vCPU at all");
}

TEST(HostileStub, lists_threads_without_end)
{
    ScriptedPeer peer;
    std::string many = "m1";
    for (int i = 0; i < 300; ++i)
        many += ",1";
    peer.qemu_handshake().request("qfThreadInfo", many);
    for (int i = 0; i < 13; ++i)
        peer.request("qsThreadInfo", many);
    auto client = attach_to(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ((*client)->threads().error().code, ErrorCode::protocol);
}

TEST(HostileStub, knows_no_single_stepping_of_threads)
{
    ScriptedPeer peer;
    peer.request(hello, "PacketSize=1000;qXfer:features:read+").request("vCont?", "");
    EXPECT_SAYS(attach_error(peer), "use QEMU 7.2 or newer");
}

TEST(HostileStub, announces_an_impossible_packet_size)
{
    for (const auto* size :
        { "PacketSize=0", "PacketSize=zz", "PacketSize=", "PacketSize=3f", "PacketSize=11111111111111111" }) {
        ScriptedPeer peer;
        peer.request(hello, size);
        EXPECT_SAYS(attach_error(peer), "impossible packet size");
    }
}

TEST(HostileStub, describes_its_registers_without_end)
{
    ScriptedPeer peer;
    peer.request(hello, "PacketSize=1000;qXfer:features:read+;multiprocess+").request("vCont?", "vCont;c;C;s;S");
    peer.request("qqemu.sstepbits", "").request("Hgp0.0", "OK").request("qXfer:features:read:target.xml:0,ffb", "m");
    EXPECT_SAYS(attach_error(peer), "never ends");
}

TEST(HostileStub, includes_a_file_whose_name_is_a_command)
{
    ScriptedPeer peer;
    peer.request(hello, "PacketSize=1000;qXfer:features:read+;multiprocess+").request("vCont?", "vCont;c;C;s;S");
    peer.request("qqemu.sstepbits", "").request("Hgp0.0", "OK");
    peer.request("qXfer:features:read:target.xml:0,ffb", "l<target><xi:include href=\"a:0,1\"/></target>");
    EXPECT_SAYS(attach_error(peer), "impossible name");
    EXPECT_EQ(peer.finish(), "");
}

TEST(HostileStub, its_words_in_our_sentence_are_harmless)
{
    const auto error = register_error(rsp::frame("\x1b[2J\x07" + std::string(10000, 'q')));
    EXPECT_EQ(error.sentence.find('\x1b'), std::string::npos);
    EXPECT_LT(error.sentence.size(), 400u);
}

} // namespace orrery::inspector::test
