#include "inspector/core/qmp/client.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "inspector/core/text.h"
#include "inspector/core/wait.h"

namespace orrery::inspector::qmp {

namespace {
constexpr std::size_t maximum_line = 16u << 20; // query-qmp-schema is 200 KiB
constexpr std::size_t maximum_events = 4096; // that nobody takes
} // namespace

std::unexpected<Error> Client::lose(std::string sentence)
{
    if (!lost_) lost_ = Error { std::move(sentence), ErrorCode::connection_lost };
    return std::unexpected(*lost_);
}

Result<std::unique_ptr<Client>> Client::connect(const std::string& socket_path, Deadline deadline)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path)
        return failure(ErrorCode::invalid_argument,
            "the QMP socket path \"" + printable(socket_path, 120) + "\" is empty or longer than "
                + std::to_string(sizeof address.sun_path - 1) + " bytes");
    socket_path.copy(address.sun_path, socket_path.size());
    Descriptor socket { ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
    if (!socket) return failure(ErrorCode::system, std::string("can't make a socket: ") + std::strerror(errno));
    // A unix socket connects at once or not at all.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failure(ErrorCode::cannot_connect,
            "can't reach QEMU's monitor at " + socket_path + ": " + std::strerror(errno)
                + "; start QEMU with -qmp unix:" + socket_path + ",server=on,wait=off");
    return adopt(std::move(socket), deadline);
}

Result<std::unique_ptr<Client>> Client::adopt(Descriptor socket, Deadline deadline)
{
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
    std::unique_ptr<Client> client(new Client(std::move(socket)));
    TRY(client->negotiate(deadline));
    return client;
}

Result<void> Client::negotiate(Deadline deadline)
{
    const auto greeting = receive(deadline, nullptr);
    if (!greeting && greeting.error().code == ErrorCode::timed_out)
        return failure(ErrorCode::cannot_connect,
            "QEMU's monitor accepts the connection but does not greet: it serves one client at a time, and most "
            "likely another one is connected");
    if (!greeting) return std::unexpected(greeting.error());
    const auto version = greeting->value(nlohmann::json::json_pointer("/QMP/version/qemu"), nlohmann::json());
    if (!version.is_object() || !version.value("major", nlohmann::json()).is_number_integer()
        || !version.value("minor", nlohmann::json()).is_number_integer())
        return lose("what answers on the monitor socket is no QEMU: its greeting names no version");
    version_.major = version["major"].get<int>();
    version_.minor = version["minor"].get<int>();
    const auto micro = version.value("micro", nlohmann::json());
    version_.micro = micro.is_number_integer() ? micro.get<int>() : 0;
    const auto package = greeting->value(nlohmann::json::json_pointer("/QMP/version/package"), nlohmann::json());
    version_.package = package.is_string() ? printable(package.get<std::string>()) : "";
    TRY(execute("qmp_capabilities"));
    return {};
}

Result<void> Client::send(const nlohmann::json& message, Deadline deadline)
{
    if (lost_) return std::unexpected(*lost_);
    const auto text = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (TRY(wait_for({ socket_.get() }, POLLOUT, deadline)) != WaitResult::ready)
                return lose("QEMU's monitor takes no more commands; QEMU hangs: restart the guest");
        } else if (errno != EINTR) {
            return lose(
                std::string("the connection to QEMU's monitor broke (") + std::strerror(errno) + "); QEMU has ended");
        }
    }
    return {};
}

Result<bool> Client::fill(Deadline deadline, const Cancellation* cancellation)
{
    if (lost_) return std::unexpected(*lost_);
    while (true) {
        char bytes[65536];
        const auto count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (count > 0) {
            if (buffer_.size() + static_cast<std::size_t>(count) > maximum_line)
                return lose("QEMU's monitor sent a line without end; it is no QEMU, or out of its mind");
            buffer_.append(bytes, static_cast<std::size_t>(count));
            return true;
        }
        if (count == 0) return lose("QEMU closed its monitor: it has ended");
        if (errno != EAGAIN && errno != EINTR)
            return lose(
                std::string("the connection to QEMU's monitor broke (") + std::strerror(errno) + "); QEMU has ended");
        switch (TRY(wait_for({ socket_.get() }, POLLIN, deadline, cancellation))) {
        case WaitResult::ready: break;
        case WaitResult::deadline: return false;
        case WaitResult::cancelled: return failure(ErrorCode::cancelled, "the wait was ended by request");
        }
    }
}

std::optional<std::string> Client::take_line()
{
    const auto end = buffer_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
}

Result<nlohmann::json> Client::parse(const std::string& line)
{
    // A parser that recurses by nesting must not meet a hostile depth.
    int depth = 0;
    for (const char c : line)
        if (c == '[' || c == '{') ++depth;
    auto message = depth > 100'000 ? nlohmann::json(nlohmann::json::value_t::discarded)
                                   : nlohmann::json::parse(line, nullptr, false);
    if (message.is_discarded() || !message.is_object())
        return lose("QEMU's monitor sent what is no JSON object: \"" + printable(line, 60) + "\"");
    return message;
}

void Client::keep_event(const nlohmann::json& message)
{
    Event event;
    const auto name = message.find("event");
    if (name == message.end() || !name->is_string()) return;
    event.name = name->get<std::string>();
    event.data = message.value("data", nlohmann::json::object());
    const auto timestamp = message.value("timestamp", nlohmann::json::object());
    if (timestamp.is_object()) {
        const auto seconds = timestamp.value("seconds", nlohmann::json());
        const auto micros = timestamp.value("microseconds", nlohmann::json());
        // QEMU sends -1 when it can't tell the time.
        if (seconds.is_number_integer() && micros.is_number_integer() && seconds.get<std::int64_t>() > 0
            && seconds.get<std::int64_t>() < (std::int64_t { 1 } << 40))
            event.time = std::chrono::seconds { seconds.get<std::int64_t>() }
                + std::chrono::microseconds { micros.get<std::int64_t>() % 1'000'000 };
    }
    if (events_.size() == maximum_events) events_.pop_front();
    events_.push_back(std::move(event));
}

Result<nlohmann::json> Client::receive(Deadline deadline, const Cancellation* cancellation)
{
    while (true) {
        while (auto line = take_line()) {
            if (line->empty() || *line == "\r") continue;
            auto message = TRY(parse(*line));
            if (!message.contains("event")) return message;
            keep_event(message);
            if (Clock::now() >= deadline) break; // events without end are no answer
        }
        if (!TRY(fill(deadline, cancellation)) || Clock::now() >= deadline)
            return failure(ErrorCode::timed_out, "QEMU's monitor said nothing in time");
    }
}

Result<nlohmann::json> Client::execute(const std::string& command, nlohmann::json arguments)
{
    const auto deadline = deadline_in(reply_timeout_);
    const auto id = next_id_++;
    nlohmann::json message { { "execute", command }, { "id", id } };
    if (!arguments.empty()) message["arguments"] = std::move(arguments);
    TRY(send(message, deadline));
    const auto answer = receive(deadline, nullptr);
    if (!answer && answer.error().code == ErrorCode::timed_out)
        return lose("QEMU's monitor did not answer \"" + command + "\" within " + std::to_string(reply_timeout_.count())
            + " ms; QEMU hangs or the machine is overloaded: restart the guest");
    if (!answer) return std::unexpected(answer.error());
    if (answer->contains("error")) {
        const auto description = answer->value(nlohmann::json::json_pointer("/error/desc"), nlohmann::json());
        return failure(ErrorCode::refused,
            "QEMU refused \"" + command + "\": "
                + (description.is_string() ? printable(description.get<std::string>(), 300) : "without a reason"));
    }
    if (!answer->contains("return") || answer->value("id", nlohmann::json()) != nlohmann::json(id))
        return lose(
            "QEMU's monitor answered something else than \"" + command + "\" asked; it can't be trusted any more");
    // Events that came with the answer: the socket will not become readable for them again.
    while (auto line = take_line()) {
        const auto message_behind = TRY(parse(*line));
        if (!message_behind.contains("event")) return lose("QEMU's monitor answered what nobody asked");
        keep_event(message_behind);
    }
    return (*answer)["return"];
}

Result<std::string> Client::human_command(const std::string& command_line)
{
    const auto answer = TRY(execute("human-monitor-command", { { "command-line", command_line } }));
    if (!answer.is_string())
        return failure(ErrorCode::protocol, "QEMU's monitor answered \"" + command_line + "\" with no text");
    return answer.get<std::string>();
}

Result<Status> Client::status()
{
    const auto answer = TRY(execute("query-status"));
    const auto running = answer.is_object() ? answer.value("running", nlohmann::json()) : nlohmann::json();
    const auto text = answer.is_object() ? answer.value("status", nlohmann::json()) : nlohmann::json();
    if (!running.is_boolean() || !text.is_string())
        return failure(ErrorCode::protocol, "QEMU's monitor answered query-status without a status");
    return Status { running.get<bool>(), text.get<std::string>() };
}

Result<void> Client::stop()
{
    TRY(execute("stop"));
    return {};
}

Result<void> Client::resume()
{
    TRY(execute("cont"));
    return {};
}

Result<void> Client::inject_nmi()
{
    TRY(execute("inject-nmi"));
    return {};
}

Result<void> Client::system_reset()
{
    TRY(execute("system_reset"));
    return {};
}

Result<void> Client::quit()
{
    const auto done = execute("quit");
    if (!done && done.error().code != ErrorCode::connection_lost) return std::unexpected(done.error());
    lose("QEMU was told to end");
    return {};
}

Result<void> Client::pump()
{
    while (TRY(fill(Clock::now(), nullptr))) { }
    while (auto line = take_line()) {
        if (line->empty() || *line == "\r") continue;
        const auto message = TRY(parse(*line));
        if (!message.contains("event")) return lose("QEMU's monitor answered what nobody asked");
        keep_event(message);
    }
    return {};
}

std::optional<Event> Client::take_event()
{
    if (events_.empty()) return std::nullopt;
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
}

Result<Event> Client::wait_for_event(Deadline deadline, const Cancellation* cancellation)
{
    while (true) {
        while (auto line = take_line()) {
            const auto message = TRY(parse(*line));
            if (!message.contains("event")) return lose("QEMU's monitor answered what nobody asked");
            keep_event(message);
        }
        if (auto event = take_event()) return std::move(*event);
        if (!TRY(fill(deadline, cancellation)))
            return failure(ErrorCode::timed_out, "QEMU's monitor reported nothing in time");
    }
}

} // namespace orrery::inspector::qmp
