// A button that any thread may press to end a wait of the thread that owns a session.
#pragma once

#include <atomic>
#include <chrono>

namespace orrery::inspector {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Deadline deadline_in(std::chrono::milliseconds span) { return Clock::now() + span; }

// Any thread may call any function. One press ends every wait that uses it, present and future, until reset().
class Cancellation {
public:
    Cancellation(); // an eventfd; where the host gives none, waits poll the flag instead
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    void cancel();
    void reset();
    bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
    int descriptor() const { return descriptor_; } // readable while cancelled; -1 if the host gave none

private:
    std::atomic<bool> cancelled_ { false };
    int descriptor_ = -1;
};

} // namespace orrery::inspector
