// Waiting for a file descriptor with a deadline and a button to end it early.
#pragma once

#include <initializer_list>
#include <span>

#include "inspector/core/cancellation.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

enum class WaitResult { ready, deadline, cancelled };

// Until one of `descriptors` (negative ones are skipped) is readable, closed or in error. `events` as of poll().
// Errors: system.
Result<WaitResult> wait_for(std::span<const int> descriptors, short events, Deadline deadline,
    const Cancellation* first = nullptr, const Cancellation* second = nullptr);

inline Result<WaitResult> wait_for(std::initializer_list<int> descriptors, short events, Deadline deadline,
    const Cancellation* first = nullptr, const Cancellation* second = nullptr)
{
    return wait_for(std::span(descriptors.begin(), descriptors.size()), events, deadline, first, second);
}

} // namespace orrery::inspector
