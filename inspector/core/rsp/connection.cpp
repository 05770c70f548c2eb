#include "inspector/core/rsp/connection.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "inspector/core/text.h"
#include "inspector/core/wait.h"

namespace orrery::inspector::rsp {

namespace {
constexpr std::size_t remembered_packets = 64;

std::unexpected<Error> cannot_connect(const std::string& address, const std::string& why, const char* advice)
{
    return failure(ErrorCode::cannot_connect, "can't reach a debug stub at " + address + ": " + why + "; " + advice);
}

// connect() with a deadline: the socket is non-blocking.
Result<void> finish_connect(
    int socket, const sockaddr* address, socklen_t length, const std::string& name, Deadline deadline)
{
    static constexpr auto advice = "start QEMU with -gdb for this address, or correct the address";
    if (::connect(socket, address, length) == 0) return {};
    // A unix socket whose backlog is full answers EAGAIN: a debugger has it, and others wait already.
    if (errno == EAGAIN)
        return cannot_connect(name, "its queue is full", "another debugger has it; end that one first");
    if (errno != EINPROGRESS) return cannot_connect(name, std::strerror(errno), advice);
    if (TRY(wait_for({ socket }, POLLOUT, deadline)) != WaitResult::ready)
        return cannot_connect(name, "no answer in time", advice);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return cannot_connect(name, std::strerror(error), advice);
    return {};
}

Result<Descriptor> open_unix(const std::string& path, Deadline deadline)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return failure(ErrorCode::invalid_argument,
            "the socket path " + printable(path, 120) + " is longer than the "
                + std::to_string(sizeof address.sun_path - 1) + " bytes that Linux allows");
    path.copy(address.sun_path, path.size());
    Descriptor socket { ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
    if (!socket) return failure(ErrorCode::system, std::string("can't make a socket: ") + std::strerror(errno));
    TRY(finish_connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, path, deadline));
    return socket;
}

Result<Descriptor> open_tcp(const std::string& address, Deadline deadline)
{
    const auto colon = address.rfind(':');
    auto host = colon == std::string::npos ? std::string() : address.substr(0, colon);
    const auto port = colon == std::string::npos ? std::string() : address.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2); // [::1]:1234
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (colon == std::string::npos || error != std::errc {} || end != port.data() + port.size() || number == 0
        || number > 65535)
        return failure(ErrorCode::invalid_argument,
            "\"" + printable(address, 100)
                + "\" is no debug address: give HOST:PORT (port 1 to 65535) or the path of a unix socket");
    if (host.empty()) host = "localhost";

    addrinfo hints {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); status != 0)
        return cannot_connect(address, ::gai_strerror(status), "correct the host name");
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);

    Result<Descriptor> last = cannot_connect(address, "the name has no address", "correct the host name");
    for (const auto* entry = list.get(); entry; entry = entry->ai_next) {
        Descriptor socket { ::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
        if (!socket) continue;
        if (auto done = finish_connect(socket.get(), entry->ai_addr, entry->ai_addrlen, address, deadline); !done) {
            last = std::unexpected(done.error());
            continue;
        }
        // Without it Nagle's algorithm and delayed acknowledgements hold each request back for 20 to 40 ms.
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return Result<Descriptor>(std::move(socket));
    }
    return last;
}
} // namespace

Connection::Connection(Descriptor socket, std::string address)
    : socket_(std::move(socket))
    , address_(std::move(address))
{
}

Result<Connection> Connection::open(const std::string& address, Deadline deadline)
{
    const bool is_path = address.find('/') != std::string::npos;
    auto socket = TRY(is_path ? open_unix(address, deadline) : open_tcp(address, deadline));
    return Connection(std::move(socket), address);
}

Connection Connection::adopt(Descriptor socket, std::string address)
{
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
    return Connection(std::move(socket), std::move(address));
}

std::unexpected<Error> Connection::lose(std::string sentence)
{
    if (!lost_) lost_ = Error { std::move(sentence), ErrorCode::connection_lost };
    return std::unexpected(*lost_);
}

void Connection::log(std::string_view direction, std::string_view payload)
{
    if (traffic_.size() == remembered_packets) traffic_.pop_front();
    traffic_.push_back(std::string(direction) + printable(payload, 120));
}

void Connection::queue(std::string_view payload)
{
    // An acknowledgement that is owed goes in front: the guest stands still while anything is queued.
    outgoing_.append(std::exchange(owed_acknowledgements_, 0u), '+');
    outgoing_ += frame(payload);
    log("-> ", payload);
}

Result<void> Connection::flush(Deadline deadline) { return send(std::exchange(outgoing_, {}), deadline); }

Result<void> Connection::send_interrupt(Deadline deadline)
{
    // A reply that QEMU still holds as unacknowledged would swallow the interrupt.
    std::string bytes(std::exchange(owed_acknowledgements_, 0u), '+');
    bytes += '\x03';
    log("-> ", "(interrupt)");
    return send(bytes, deadline);
}

Result<void> Connection::acknowledge_now(Deadline deadline)
{
    if (!acknowledging_) return {};
    return send(std::string(std::exchange(owed_acknowledgements_, 0u) + 1, '+'), deadline);
}

Result<void> Connection::stop_acknowledging(Deadline deadline)
{
    acknowledging_ = false;
    return send(std::string(std::exchange(owed_acknowledgements_, 0u), '+'), deadline);
}

Result<void> Connection::send(std::string_view bytes, Deadline deadline)
{
    if (lost_) return std::unexpected(*lost_);
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (TRY(wait_for({ socket_.get() }, POLLOUT, deadline)) != WaitResult::ready)
                return lose("the debug stub at " + address_ + " takes no more requests; reconnect, or restart QEMU");
        } else if (errno != EINTR) {
            return lose("the connection to the debug stub at " + address_ + " broke (" + std::strerror(errno)
                + "); QEMU has ended or closed it");
        }
    }
    return {};
}

Result<std::string> Connection::receive(Deadline deadline, const Cancellation* cancellation)
{
    if (lost_) return std::unexpected(*lost_);
    while (true) {
        auto token = decoder_.next();
        if (!token) return lose(token.error().sentence + "; the stub at " + address_ + " can't be trusted any more");
        if (token->kind == Token::Kind::packet) {
            log("<- ", token->text);
            return std::move(token->text);
        }
        if (token->kind == Token::Kind::request_for_resend)
            return lose("the debug stub at " + address_
                + " says that a request arrived damaged, which no local connection does; it can't be trusted any more");
        // Whatever the clock says: a stop reply may be behind it, and nothing more would ever wake us for that one.
        if (token->kind == Token::Kind::acknowledgement) continue;

        switch (TRY(wait_for({ socket_.get() }, POLLIN, deadline, cancellation))) {
        case WaitResult::deadline:
            return failure(ErrorCode::timed_out, "the debug stub at " + address_ + " said nothing in time");
        case WaitResult::cancelled: return failure(ErrorCode::cancelled, "the wait was ended by request");
        case WaitResult::ready: break;
        }
        char bytes[65536];
        const auto count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (count > 0) {
            decoder_.feed({ bytes, static_cast<std::size_t>(count) });
        } else if (count == 0) {
            return lose("the debug stub at " + address_ + " closed the connection"
                + (decoder_.buffered() ? " in the middle of a packet" : "") + "; QEMU has ended or was told to");
        } else if (errno != EAGAIN && errno != EINTR) {
            return lose("the connection to the debug stub at " + address_ + " broke (" + std::strerror(errno)
                + "); QEMU has ended or closed it");
        }
    }
}

} // namespace orrery::inspector::rsp
