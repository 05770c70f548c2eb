// Makes the sentences about schemes.
#include "inspector/core/osmodel/explain_scheme.h"

#include "abi/scheme.h"
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

std::string counted(std::size_t count, const std::string& one, const std::string& many)
{
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string threads_text(const std::vector<std::uint32_t>& threads, const Snapshot& snapshot)
{
    constexpr std::size_t most = 4;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < threads.size() && i < most; ++i) names.push_back(thread_label(snapshot, threads[i]));
    if (threads.size() > most) names.push_back(std::to_string(threads.size() - most) + " more");
    return join(names, ", ");
}

std::size_t place_in_queue(const SchemeView& scheme, const CallView& call)
{
    std::size_t before = 0;
    for (const auto& other : scheme.waiting) {
        if (other.tag == call.tag) break;
        ++before;
    }
    return before;
}

std::string waiting_text(const SchemeView& scheme, const CallView& call)
{
    const auto before = place_in_queue(scheme, call);
    if (before == 0) return " waits: no server has taken it yet, and it is the next";
    return " waits: no server has taken it yet, and " + counted(before, "call goes", "calls go") + " first";
}

} // namespace

std::string explain_scheme(const SchemeView& scheme, const Snapshot& snapshot)
{
    const auto name = "scheme " + std::to_string(scheme.number);
    if (!scheme.valid) return name + ": " + scheme.problem;
    if (scheme.closed)
        return name + " has no server any more: the last handle that may serve is gone, and every call ends at once with peer_closed";
    const auto waiting = scheme.waiting.size(), received = scheme.received.size();
    const auto at_work = counted(received, "call is with a server", "calls are with servers");
    if (waiting != 0 && received != 0)
        return name + ": " + counted(waiting, "call waits", "calls wait") + ", and no server asks for one now: " + at_work;
    if (waiting != 0)
        return name + ": " + counted(waiting, "call waits", "calls wait")
            + (scheme.open_servers == 0 ? ", and nobody holds a handle that may serve" : ", and no server asks for one now");
    const auto receivers = scheme.receivers.empty()
        ? std::string("no server waits for the next")
        : threads_text(scheme.receivers, snapshot) + (scheme.receivers.size() == 1 ? " waits for the next" : " wait for the next");
    if (received != 0) return name + ": " + at_work + ", and " + receivers;
    if (scheme.receivers.empty()) return name + ": nobody calls, and no server waits for a call";
    return name + ": nobody calls, and " + threads_text(scheme.receivers, snapshot)
        + (scheme.receivers.size() == 1 ? " waits for a call" : " wait for a call");
}

std::string opcode_label(std::uint32_t opcode)
{
    switch (opcode) {
#define X(value, name, sentence) case value: return #name;
    ORRERY_SCHEME_OPCODES(X)
#undef X
    default: return std::to_string(opcode);
    }
}

std::string explain_call(const SchemeView& scheme, const CallView& call, const Snapshot& snapshot)
{
    auto text = "call " + std::to_string(call.tag) + " of " + thread_label(snapshot, call.thread);
    if (call.opcode == static_cast<std::uint32_t>(abi::SchemeOpcode::page_in)) text += ", which misses a page,";
    if (call.state == "submitted") return text + waiting_text(scheme, call);
    if (call.state != "received") return text + " is in the state " + call.state;
    text += call.server_thread != 0 ? " is with server " + thread_label(snapshot, call.server_thread)
                                    : " is with a server whose thread has ended";
    if (!call.cancelled) return text;
    return text + (call.cancel_untold ? "; the caller has cancelled it, which no server has heard yet"
                                      : "; the caller has cancelled it, and waits until the server gives it up or answers");
}

} // namespace orrery::inspector
