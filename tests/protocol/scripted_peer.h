// The other end of a protocol, byte for byte as a test writes it down: says, expects, stays silent, dies.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "inspector/core/descriptor.h"
#include "inspector/core/rsp/client.h"

namespace orrery::inspector::test {

// Plays its script in a thread on one end of a socket pair. All that the client sends must be in the script, exactly.
class ScriptedPeer {
public:
    ScriptedPeer();
    ~ScriptedPeer(); // finish()

    ScriptedPeer& expect(std::string bytes);
    ScriptedPeer& send(std::string bytes);
    // The same bytes again and again until the client closes.
    ScriptedPeer& send_for_ever(std::string bytes);
    ScriptedPeer& close(); // without a word, from here on
    ScriptedPeer& run(std::function<void()> action);

    Descriptor play(); // begins; returns the client's end
    // Waits until the client has closed and the script is through. "" or what went otherwise than written.
    std::string finish();

    // Of a debug stub: framed, and with the '+' that the client owes for the data reply before.
    ScriptedPeer& request(std::string_view payload, std::string_view reply);
    ScriptedPeer& request_only(std::string_view payload);
    ScriptedPeer& reply_only(std::string_view payload); // data: its '+' is owed
    ScriptedPeer& stop_reply(std::string_view payload); // acknowledged at once
    // All that a client asks at attach, answered like QEMU 7.2 with the registers of small_target_xml.
    ScriptedPeer& qemu_handshake(std::string_view extra_features = "");
    ScriptedPeer& other_handshake(); // the same of a stub that knows none of QEMU's own packets

private:
    struct Step {
        enum class Kind { expect, send, send_for_ever, close, run } kind;
        std::string bytes;
        std::function<void()> action;
    };
    ScriptedPeer& handshake(std::string_view extra_features, std::string_view step_bits);
    void play_steps();

    Descriptor ours_, theirs_;
    std::vector<Step> steps_;
    std::thread thread_;
    std::string problem_;
    unsigned owed_ = 0;
};

// rax (number 0), rip (16), eflags (17, 32 bits), cr3 (29): 28 bytes in a g reply.
extern const char* const small_target_xml;

// A client that has shaken hands over the peer's script.
Result<std::unique_ptr<rsp::Client>> attach_to(ScriptedPeer& peer,
    rsp::AttachOptions options = {
        .connect_timeout = std::chrono::seconds { 20 }, .reply_timeout = std::chrono::seconds { 20 } });

inline constexpr rsp::ThreadId cpu_0 { 1, 1 }, cpu_1 { 1, 2 };

} // namespace orrery::inspector::test
