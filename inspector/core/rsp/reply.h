// What replies that are no data look like.
#pragma once

#include <string>
#include <string_view>

#include "inspector/core/result.h"
#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

// "E14" (never data: that has an even number of digits) or "E.text".
inline bool is_error_reply(std::string_view reply)
{
    return reply.starts_with("E.")
        || (reply.size() == 3 && reply[0] == 'E' && hex_digit(reply[1]) >= 0 && hex_digit(reply[2]) >= 0);
}

// The error for a reply that is not what was asked for. `what`: "reading register rax".
inline std::unexpected<Error> reply_error(std::string_view what, std::string_view reply)
{
    const std::string task(what);
    if (reply.empty()) return failure(ErrorCode::unsupported, "the debug stub does not know how to do this: " + task);
    if (is_error_reply(reply))
        return failure(ErrorCode::refused, task + " was refused by the debug stub (" + printable(reply, 40) + ")");
    return failure(ErrorCode::protocol,
        task + " got a reply that makes no sense from the debug stub: \"" + printable(reply, 40) + "\"");
}

} // namespace orrery::inspector::rsp
