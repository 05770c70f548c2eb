// The monitor's client against a scripted QEMU: greeting, answers among events, and every kind of nonsense.
#include <gtest/gtest.h>

#include "inspector/core/qmp/client.h"
#include "tests/protocol/scripted_peer.h"

namespace orrery::inspector::test {

using namespace std::chrono_literals;

namespace {
const std::string greeting =
    R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}})"
    "\r\n";

std::string command(const std::string& name, int id)
{
    return R"({"execute":")" + name + R"(","id":)" + std::to_string(id) + "}\n";
}
std::string answer(const std::string& value, int id)
{
    return R"({"return": )" + value + R"(, "id": )" + std::to_string(id) + "}\r\n";
}
ScriptedPeer& greeted(ScriptedPeer& peer)
{
    return peer.send(greeting).expect(command("qmp_capabilities", 1)).send(answer("{}", 1));
}
Result<std::unique_ptr<qmp::Client>> connect(ScriptedPeer& peer, std::chrono::milliseconds timeout = 20s)
{
    return qmp::Client::adopt(peer.play(), deadline_in(timeout));
}
std::string refusal(const std::string& bytes)
{
    ScriptedPeer peer;
    peer.send(bytes).close();
    const auto client = connect(peer);
    return client ? "accepted" : client.error().sentence;
}
} // namespace

TEST(Monitor, greets_answers_and_keeps_events)
{
    ScriptedPeer peer;
    greeted(peer).expect(command("query-status", 2));
    peer.send(R"({"timestamp": {"seconds": 1700000000, "microseconds": 5}, "event": "STOP"})"
              "\r\n"
              R"({"timestamp": {"seconds": -1, "microseconds": -1}, "event": "SHUTDOWN", "data": {"guest": true}})"
              "\r\n");
    peer.send(answer(R"({"status": "paused", "singlestep": false, "running": false})", 2));
    auto client = connect(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ((*client)->version(), (qmp::Version { 7, 2, 22, "Debian" }));
    const auto status = (*client)->status();
    ASSERT_TRUE(status) << status.error().sentence;
    EXPECT_FALSE(status->running);
    EXPECT_EQ(status->text, "paused");
    auto event = (*client)->take_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->name, "STOP");
    EXPECT_EQ(event->time, 1'700'000'000'000'005us);
    event = (*client)->take_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->data["guest"], true);
    EXPECT_FALSE((*client)->take_event());
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Monitor, waits_for_events)
{
    ScriptedPeer peer;
    Cancellation ready;
    greeted(peer).run([&] {
        while (!ready.cancelled())
            std::this_thread::yield();
    });
    peer.send(R"({"event": "RESUME"})"
              "\n");
    auto client = connect(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ((*client)->wait_for_event(deadline_in(10ms)).error().code, ErrorCode::timed_out);
    Cancellation button;
    button.cancel();
    EXPECT_EQ((*client)->wait_for_event(deadline_in(20s), &button).error().code, ErrorCode::cancelled);
    ready.cancel();
    const auto event = (*client)->wait_for_event(deadline_in(20s));
    ASSERT_TRUE(event) << event.error().sentence;
    EXPECT_EQ(event->name, "RESUME");
    client->reset();
    EXPECT_EQ(peer.finish(), "");
}

TEST(Monitor, passes_human_commands_and_refusals_on)
{
    ScriptedPeer peer;
    greeted(peer);
    peer.expect(R"({"arguments":{"command-line":"info mem"},"execute":"human-monitor-command","id":2})"
                "\n");
    peer.send(answer(R"("none\r\n")", 2)).expect(command("inject-nmi", 3));
    peer.send(R"({"error": {"class": "GenericError", "desc": "no NMI"}, "id": 3})"
              "\n");
    peer.expect(command("quit", 4)).send(answer("{}", 4)).close();
    auto client = connect(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    EXPECT_EQ(*(*client)->human_command("info mem"), "none\r\n");
    const auto refused = (*client)->inject_nmi();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_EQ(refused.error().sentence, "QEMU refused \"inject-nmi\": no NMI");
    EXPECT_TRUE((*client)->quit());
    EXPECT_EQ((*client)->status().error().code, ErrorCode::connection_lost);
    EXPECT_EQ(peer.finish(), "");
}

TEST(Monitor, refuses_what_is_no_qemu)
{
    EXPECT_NE(refusal("220 mail.example ESMTP\r\n").find("no JSON object"), std::string::npos);
    EXPECT_NE(refusal("[1,2]\n").find("no JSON object"), std::string::npos);
    EXPECT_NE(refusal("{}\n").find("no QEMU"), std::string::npos);
    EXPECT_NE(refusal(R"({"QMP": {"version": {"qemu": 7}}})"
                      "\n")
                  .find("no QEMU"),
        std::string::npos);
    EXPECT_NE(refusal(R"({"QMP": 1})"
                      "\n")
                  .find("no QEMU"),
        std::string::npos);
    EXPECT_NE(refusal(R"({"QMP": {"version": {"qemu": {"major": "x", "minor": {}}}}})"
                      "\n")
                  .find("no QEMU"),
        std::string::npos);
    EXPECT_NE(refusal("").find("closed its monitor"), std::string::npos);
    EXPECT_NE(refusal(greeting.substr(0, 20)).find("closed its monitor"), std::string::npos);
    EXPECT_NE(refusal(std::string(200'000, '[') + "\n").find("no JSON object"), std::string::npos);
}

TEST(Monitor, another_client_has_it)
{
    ScriptedPeer peer;
    const auto client = connect(peer, 30ms);
    ASSERT_FALSE(client);
    EXPECT_NE(client.error().sentence.find("another one is connected"), std::string::npos) << client.error().sentence;
    EXPECT_EQ(peer.finish(), "");
}

TEST(Monitor, a_line_without_end)
{
    ScriptedPeer peer;
    peer.send_for_ever(std::string(65536, '{'));
    const auto client = connect(peer);
    ASSERT_FALSE(client);
    EXPECT_NE(client.error().sentence.find("without end"), std::string::npos) << client.error().sentence;
}

TEST(Monitor, events_without_end_are_no_answer)
{
    ScriptedPeer peer;
    greeted(peer).expect(command("query-status", 2)).send_for_ever("{\"event\": \"RTC_CHANGE\"}\n");
    auto client = connect(peer);
    ASSERT_TRUE(client) << client.error().sentence;
    (*client)->set_reply_timeout(100ms);
    EXPECT_EQ((*client)->status().error().code, ErrorCode::connection_lost);
}

TEST(Monitor, silence_and_wrong_answers_end_it)
{
    ScriptedPeer silent;
    greeted(silent).expect(command("query-status", 2));
    auto client = connect(silent);
    ASSERT_TRUE(client) << client.error().sentence;
    (*client)->set_reply_timeout(30ms);
    EXPECT_NE((*client)->status().error().sentence.find("did not answer"), std::string::npos);
    EXPECT_TRUE((*client)->lost());
    client->reset();
    EXPECT_EQ(silent.finish(), "");

    for (const auto& wrong :
        { answer("{}", 7), std::string("{\"id\": 2}\n"), answer("[]", 2), answer("{\"running\": 1}", 2) }) {
        ScriptedPeer peer;
        greeted(peer).expect(command("query-status", 2)).send(wrong);
        auto other = connect(peer);
        ASSERT_TRUE(other) << other.error().sentence;
        EXPECT_FALSE((*other)->status()) << wrong;
    }
}

} // namespace orrery::inspector::test
