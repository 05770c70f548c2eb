// Why the guest stopped, as a stub tells it in a stop reply packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::rsp {

// A vCPU of QEMU (process 1, thread = vCPU number + 1), or a thread of another stub.
struct ThreadId {
    std::int64_t process = 1; // -1 = all, 0 = any
    std::int64_t thread = 1; // -1 = all, 0 = any
    bool operator==(const ThreadId&) const = default;
    auto operator<=>(const ThreadId&) const = default;
};

enum class WatchKind { write, read, access };

struct StopReply {
    enum class Kind {
        stopped, // signal tells which; the guest stands still
        exited, // W: the stub's process ended, or (in QEMU's replay) the end of the log was reached
        terminated, // X: ended by a signal
    };
    Kind kind = Kind::stopped;
    int signal = 0; // GDB's number: 5 = breakpoint or step, 2 = interrupted
    int exit_status = 0; // exited
    std::optional<ThreadId> thread;
    std::optional<WatchKind> watch; // which watchpoint, and
    std::uint64_t watch_address = 0; // at which address it was hit. The access has already happened
    std::string reason; // other named reasons: "swbreak", "hwbreak", "replaylog:begin", ...
};

// True for T, S, W and X packets: no data reply looks like one.
bool looks_like_stop_reply(std::string_view payload);
// Errors: code protocol. Tolerates unknown keys, bare S packets and QEMU's trailing ';'.
Result<StopReply> parse_stop_reply(std::string_view payload);
// "p1.2", "1.2", "2", "p1.-1"; hexadecimal
Result<ThreadId> parse_thread_id(std::string_view text);

} // namespace orrery::inspector::rsp
