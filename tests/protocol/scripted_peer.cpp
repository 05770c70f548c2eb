#include "tests/protocol/scripted_peer.h"

#include <poll.h>
#include <sys/socket.h>

#include "inspector/core/rsp/packet.h"
#include "inspector/core/text.h"

namespace orrery::inspector::test {

const char* const small_target_xml =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target><architecture>i386:x86-64</architecture>"
    "<feature name=\"org.gnu.gdb.i386.core\"><reg name=\"rax\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\" regnum=\"16\"/><!-- <reg name=\"no\" bitsize=\"64\"/> -->"
    "<reg name=\"eflags\" bitsize=\"32\"/><reg name=\"cr3\" bitsize=\"64\" regnum=\"29\"/></feature></target>";

namespace {
constexpr int patience_milliseconds = 20000; // hang guard
}

ScriptedPeer::ScriptedPeer()
{
    int ends[2] { -1, -1 };
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) problem_ = "no socket pair";
    ours_ = Descriptor { ends[0] };
    theirs_ = Descriptor { ends[1] };
}

ScriptedPeer::~ScriptedPeer() { finish(); }

ScriptedPeer& ScriptedPeer::expect(std::string bytes)
{
    steps_.push_back({ Step::Kind::expect, std::move(bytes), {} });
    return *this;
}

ScriptedPeer& ScriptedPeer::send(std::string bytes)
{
    steps_.push_back({ Step::Kind::send, std::move(bytes), {} });
    return *this;
}

ScriptedPeer& ScriptedPeer::send_for_ever(std::string bytes)
{
    steps_.push_back({ Step::Kind::send_for_ever, std::move(bytes), {} });
    return *this;
}

ScriptedPeer& ScriptedPeer::close()
{
    steps_.push_back({ Step::Kind::close, {}, {} });
    return *this;
}

ScriptedPeer& ScriptedPeer::run(std::function<void()> action)
{
    steps_.push_back({ Step::Kind::run, {}, std::move(action) });
    return *this;
}

ScriptedPeer& ScriptedPeer::request_only(std::string_view payload)
{
    return expect(std::string(std::exchange(owed_, 0u), '+') + rsp::frame(payload));
}

ScriptedPeer& ScriptedPeer::reply_only(std::string_view payload)
{
    ++owed_;
    return send(rsp::frame(payload));
}

ScriptedPeer& ScriptedPeer::request(std::string_view payload, std::string_view reply)
{
    return request_only(payload).reply_only(reply);
}

ScriptedPeer& ScriptedPeer::stop_reply(std::string_view payload)
{
    return send(rsp::frame(payload)).expect(std::string(std::exchange(owed_, 0u) + 1, '+'));
}

ScriptedPeer& ScriptedPeer::qemu_handshake(std::string_view extra_features)
{
    return handshake(extra_features, "ENABLE=1,NOIRQ=2,NOTIMER=4");
}

ScriptedPeer& ScriptedPeer::other_handshake() { return handshake({}, {}); }

ScriptedPeer& ScriptedPeer::handshake(std::string_view extra_features, std::string_view step_bits)
{
    request("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386",
        "PacketSize=1000;qXfer:features:read+;vContSupported+;multiprocess+" + std::string(extra_features));
    request("vCont?", "vCont;c;C;s;S");
    request("qqemu.sstepbits", step_bits);
    request("Hgp0.0", "OK");
    request("qXfer:features:read:target.xml:0,ffb", "l" + std::string(small_target_xml));
    request_only("?");
    return stop_reply("T05thread:p01.01;");
}

Descriptor ScriptedPeer::play()
{
    thread_ = std::thread([this] { play_steps(); });
    return std::move(theirs_);
}

std::string ScriptedPeer::finish()
{
    if (thread_.joinable()) thread_.join();
    return problem_;
}

void ScriptedPeer::play_steps()
{
    const auto receive = [&](char* bytes, std::size_t size) -> long {
        pollfd polled { ours_.get(), POLLIN, 0 };
        if (::poll(&polled, 1, patience_milliseconds) <= 0) return -2;
        return ::recv(ours_.get(), bytes, size, 0);
    };
    for (std::size_t number = 0; number < steps_.size(); ++number) {
        const auto& step = steps_[number];
        switch (step.kind) {
        case Step::Kind::expect: {
            std::string got;
            while (got.size() < step.bytes.size() && step.bytes.starts_with(got)) {
                char byte = 0;
                const auto count = receive(&byte, 1);
                if (count != 1) break;
                got += byte;
            }
            if (got != step.bytes) {
                problem_ = "step " + std::to_string(number) + ": expected \"" + printable(step.bytes) + "\", got \""
                    + printable(got) + "\"";
                ours_.reset();
                return;
            }
            break;
        }
        case Step::Kind::send: ::send(ours_.get(), step.bytes.data(), step.bytes.size(), MSG_NOSIGNAL); break;
        case Step::Kind::send_for_ever:
            while (::send(ours_.get(), step.bytes.data(), step.bytes.size(), MSG_NOSIGNAL) > 0) { }
            return;
        case Step::Kind::close: ours_.reset(); return;
        case Step::Kind::run: step.action(); break;
        }
    }
    // Nothing more may come than the end.
    char bytes[256];
    const auto count = receive(bytes, sizeof bytes);
    if (count > 0) problem_ = "after the script: got \"" + printable({ bytes, static_cast<std::size_t>(count) }) + "\"";
    if (count == -2) problem_ = "after the script: the client never closed";
}

Result<std::unique_ptr<rsp::Client>> attach_to(ScriptedPeer& peer, rsp::AttachOptions options)
{
    return rsp::Client::attach(rsp::Connection::adopt(peer.play(), "the scripted stub"), options);
}

} // namespace orrery::inspector::test
