// A client of QEMU's machine protocol (QMP) over a unix socket: commands, events, and the human monitor's text.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "inspector/core/cancellation.h"
#include "inspector/core/descriptor.h"
#include "inspector/core/result.h"

namespace orrery::inspector::qmp {

struct Event {
    std::string name; // "STOP", "RESUME", "SHUTDOWN", "RESET", ...
    nlohmann::json data;
    std::chrono::microseconds time { 0 }; // since 1970, QEMU's clock
};

struct Version {
    int major = 0, minor = 0, micro = 0;
    std::string package;
    auto operator<=>(const Version&) const = default;
};

struct Status {
    bool running = false;
    std::string text; // RunState of qapi/run-state.json: "running", "paused", "debug", "shutdown", "prelaunch", ...
};

// Contract as for rsp::Client: one owner thread. Errors: connection_lost once QEMU closes or says what is no QMP (every
// later call then fails alike); timed_out likewise ends it; refused carries QEMU's own description.
class Client {
public:
    // Waits for the greeting and leaves negotiation mode.
    static Result<std::unique_ptr<Client>> connect(const std::string& socket_path, Deadline deadline);
    static Result<std::unique_ptr<Client>> adopt(Descriptor socket, Deadline deadline);

    const Version& version() const { return version_; }

    // The "return" member. `reply_timeout` is a hang guard: QEMU answers in milliseconds.
    Result<nlohmann::json> execute(const std::string& command, nlohmann::json arguments = nlohmann::json::object());
    Result<std::string> human_command(const std::string& command_line); // HMP text, as "info mem" prints it

    Result<Status> status();
    Result<void> stop();
    Result<void> resume();
    Result<void> inject_nmi();
    Result<void> system_reset();
    // QEMU closes the socket afterwards, so a lost connection is success.
    Result<void> quit();

    // Takes what has arrived, without waiting. Errors: connection_lost.
    Result<void> pump();
    std::optional<Event> take_event();
    // Waits for the next event of any name.
    Result<Event> wait_for_event(Deadline deadline, const Cancellation* cancellation = nullptr);

    int descriptor() const { return socket_.get(); }
    bool lost() const { return lost_.has_value(); }
    void set_reply_timeout(std::chrono::milliseconds timeout) { reply_timeout_ = timeout; }

private:
    explicit Client(Descriptor socket)
        : socket_(std::move(socket))
    {
    }
    Result<void> negotiate(Deadline deadline);
    Result<void> send(const nlohmann::json& message, Deadline deadline);
    Result<nlohmann::json> receive(Deadline deadline, const Cancellation* cancellation);
    Result<bool> fill(Deadline deadline, const Cancellation* cancellation); // false: nothing there by the deadline
    std::optional<std::string> take_line();
    Result<nlohmann::json> parse(const std::string& line);
    void keep_event(const nlohmann::json& message);
    std::unexpected<Error> lose(std::string sentence);

    Descriptor socket_;
    Version version_;
    std::string buffer_;
    std::deque<Event> events_;
    std::uint64_t next_id_ = 1;
    std::chrono::milliseconds reply_timeout_ { 10000 };
    std::optional<Error> lost_;
};

} // namespace orrery::inspector::qmp
