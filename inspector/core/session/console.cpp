#include "inspector/core/session/console.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "inspector/core/wait.h"

namespace orrery::inspector {

std::uint64_t Console::size() const
{
    struct stat facts {};
    if (!file_ || ::fstat(file_.get(), &facts) != 0) return 0;
    return static_cast<std::uint64_t>(facts.st_size);
}

std::string Console::text(std::uint64_t offset, std::size_t limit) const
{
    const auto end = size();
    if (offset >= end) return {};
    std::string text(std::min<std::uint64_t>(end - offset, limit), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count =
            ::pread(file_.get(), text.data() + done, text.size() - done, static_cast<off_t>(offset + done));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
}

Result<void> type_into(const std::string& socket_path, std::string_view text, Deadline deadline)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Descriptor socket { ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failure(
            ErrorCode::cannot_connect, std::string("can't reach the guest's serial line: ") + std::strerror(errno));
    while (true) {
        const auto sent =
            text.empty() ? 0 : ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return failure(
                ErrorCode::connection_lost, std::string("the guest's serial line broke: ") + std::strerror(errno));
        if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
        // What QEMU has not read when we close is lost: it takes a byte at a time, as the guest does.
        int waiting = 0;
        if (text.empty() && (::ioctl(socket.get(), SIOCOUTQ, &waiting) != 0 || waiting == 0)) return {};
        if (Clock::now() >= deadline) return failure(ErrorCode::timed_out, "the guest does not read its serial line");
        // Its output goes to the console's file as well; here it only must not pile up.
        const auto ready = TRY(wait_for({ socket.get() }, POLLIN, deadline_in(std::chrono::milliseconds { 1 })));
        char thrown_away[4096];
        if (ready == WaitResult::ready && ::recv(socket.get(), thrown_away, sizeof thrown_away, MSG_DONTWAIT) == 0)
            return failure(ErrorCode::connection_lost, "the guest's serial line was closed: QEMU has ended");
    }
}

} // namespace orrery::inspector
