// Schemes as text and as JSON.
#include "inspector/core/osmodel/explain_scheme.h"
#include "inspector/core/osmodel/render_parts.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

using nlohmann::json;

std::string schemes_text(const Snapshot& snapshot)
{
    std::string out;
    if (!snapshot.schemes.empty()) out += "schemes\n";
    for (const auto& scheme : snapshot.schemes) {
        out += "  " + explain_scheme(scheme, snapshot) + "\n";
        for (const auto* calls : { &scheme.received, &scheme.waiting })
            for (const auto& call : *calls) {
                out += "    " + explain_call(scheme, call, snapshot) + "\n";
                out += "      opcode " + opcode_label(call.opcode) + ", priority " + std::to_string(call.priority);
                if (call.buffer_size != 0)
                    out += ", offers " + std::to_string(call.buffer_size) + " bytes at " + hex(call.buffer);
                out += "\n";
            }
    }
    return out;
}

namespace {

json call_json(const SchemeView& scheme, const CallView& call, const Snapshot& snapshot)
{
    json object { { "tag", call.tag },
                  { "state", call.state },
                  { "thread", call.thread },
                  { "space", call.space },
                  { "opcode", call.opcode },
                  { "flags", call.flags },
                  { "priority", call.priority },
                  { "cancelled", call.cancelled },
                  { "cause", hex(call.cause) },
                  { "sentence", explain_call(scheme, call, snapshot) } };
    if (call.server_thread != 0) object["server_thread"] = call.server_thread;
    if (call.server_space != 0) object["server_space"] = call.server_space;
    if (call.cancelled) object["server_told"] = !call.cancel_untold;
    if (call.buffer_size != 0) object["buffer"] = { { "address", hex(call.buffer) }, { "size", hex(call.buffer_size) } };
    return object;
}

} // namespace

json scheme_json(const SchemeView& scheme, const Snapshot& snapshot)
{
    json object { { "number", scheme.number },
                  { "valid", scheme.valid },
                  { "closed", scheme.closed },
                  { "open_servers", scheme.open_servers },
                  { "next_tag", scheme.next_tag },
                  { "receivers", scheme.receivers },
                  { "waiting", json::array() },
                  { "received", json::array() },
                  { "sentence", explain_scheme(scheme, snapshot) } };
    for (const auto& call : scheme.waiting) object["waiting"].push_back(call_json(scheme, call, snapshot));
    for (const auto& call : scheme.received) object["received"].push_back(call_json(scheme, call, snapshot));
    if (!scheme.valid) object["problem"] = scheme.problem;
    return object;
}

} // namespace orrery::inspector
