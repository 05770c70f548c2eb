#include "inspector/core/rsp/stop_reply.h"

#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
std::unexpected<Error> malformed(std::string_view payload, std::string_view why)
{
    return failure(ErrorCode::protocol,
        "the stub's stop reply \"" + printable(payload, 60) + "\" is malformed: " + std::string(why));
}

std::optional<std::int64_t> parse_id(std::string_view text)
{
    if (text == "-1") return -1;
    const auto value = parse_hex(text);
    if (!value || *value > 0x7fff'ffff) return std::nullopt;
    return static_cast<std::int64_t>(*value);
}
} // namespace

bool looks_like_stop_reply(std::string_view payload)
{
    return payload.size() >= 3 && (payload[0] == 'T' || payload[0] == 'S' || payload[0] == 'W' || payload[0] == 'X')
        && hex_digit(payload[1]) >= 0 && hex_digit(payload[2]) >= 0;
}

Result<ThreadId> parse_thread_id(std::string_view text)
{
    const auto wrong = [&] {
        return failure(ErrorCode::protocol, "the stub named a thread \"" + printable(text, 40) + "\", which is no id");
    };
    ThreadId id;
    if (text.starts_with('p')) text.remove_prefix(1);
    const auto dot = text.find('.');
    if (dot != std::string_view::npos) {
        const auto process = parse_id(text.substr(0, dot));
        if (!process) return wrong();
        id.process = *process;
        text.remove_prefix(dot + 1);
    }
    const auto thread = parse_id(text);
    if (!thread) return wrong();
    id.thread = *thread;
    return id;
}

Result<StopReply> parse_stop_reply(std::string_view payload)
{
    if (!looks_like_stop_reply(payload)) return malformed(payload, "it does not begin like one");
    StopReply stop;
    const auto number = static_cast<int>(*parse_hex(payload.substr(1, 2)));
    auto rest = payload.substr(3);
    if (payload[0] == 'W' || payload[0] == 'X') {
        stop.kind = payload[0] == 'W' ? StopReply::Kind::exited : StopReply::Kind::terminated;
        (payload[0] == 'W' ? stop.exit_status : stop.signal) = number;
        return stop;
    }
    stop.signal = number;
    if (payload[0] == 'S')
        return rest.empty() ? Result<StopReply>(stop) : malformed(payload, "text follows the signal");

    for (const auto part : split(rest, ';')) {
        if (part.empty()) continue; // QEMU ends its list with ';'
        const auto colon = part.find(':');
        if (colon == std::string_view::npos) return malformed(payload, "a part has no ':'");
        const auto key = part.substr(0, colon);
        const auto value = part.substr(colon + 1);
        if (key == "thread") {
            const auto thread = parse_thread_id(value);
            if (!thread) return malformed(payload, "the thread is no id");
            // "all" or "any" cannot be what stopped.
            if (thread->thread <= 0 || thread->process <= 0) return malformed(payload, "the thread is no single one");
            stop.thread = *thread;
        } else if (key == "watch" || key == "rwatch" || key == "awatch") {
            const auto address = parse_hex(value);
            if (!address) return malformed(payload, "the watched address is no number");
            stop.watch = key == "watch" ? WatchKind::write : key == "rwatch" ? WatchKind::read : WatchKind::access;
            stop.watch_address = *address;
        } else if (!parse_hex(key)) { // a number is an expedited register: we ask for registers ourselves
            stop.reason = std::string(key) + (value.empty() ? "" : ":" + printable(value, 40));
        }
    }
    return stop;
}

} // namespace orrery::inspector::rsp
