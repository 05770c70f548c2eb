#include "inspector/core/wait.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <string>
#include <vector>

namespace orrery::inspector {

Result<WaitResult> wait_for(std::span<const int> descriptors, short events, Deadline deadline,
    const Cancellation* first, const Cancellation* second)
{
    std::vector<pollfd> polled;
    for (const int descriptor : descriptors)
        if (descriptor >= 0) polled.push_back({ .fd = descriptor, .events = events, .revents = 0 });
    const auto data_count = polled.size();
    for (const auto* cancellation : { first, second })
        if (cancellation && cancellation->descriptor() >= 0)
            polled.push_back({ .fd = cancellation->descriptor(), .events = POLLIN, .revents = 0 });

    while (true) {
        if ((first && first->cancelled()) || (second && second->cancelled())) return WaitResult::cancelled;
        using namespace std::chrono;
        const auto left = deadline == Deadline::max() ? hours { 1 } : ceil<milliseconds>(deadline - Clock::now());
        // A cancellation without an eventfd is looked at every 50 ms.
        const bool must_look = (first && first->descriptor() < 0) || (second && second->descriptor() < 0);
        const milliseconds longest = must_look ? milliseconds { 50 } : milliseconds { hours { 1 } };
        const auto timeout = std::clamp<milliseconds>(left, milliseconds { 0 }, longest);
        const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
        if (ready < 0 && errno != EINTR)
            return failure(ErrorCode::system, std::string("waiting for the guest failed: ") + std::strerror(errno));
        if (ready > 0
            && std::any_of(polled.begin(), polled.begin() + static_cast<std::ptrdiff_t>(data_count),
                [](const pollfd& entry) { return entry.revents != 0; }))
            return WaitResult::ready;
        if (ready <= 0 && deadline != Deadline::max() && Clock::now() >= deadline) return WaitResult::deadline;
    }
}

} // namespace orrery::inspector
