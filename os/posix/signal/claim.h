// Choosing what to deliver: claims the next signal, reads its action, and settles those that have no handler.
#pragma once

#include "abi/signal.h"
#include "posix/signal/delivery.h"

namespace orrery::signal {

// A signal that has a handler, ready to be framed.
struct Delivery {
    int number = 0; // 0 = there is none
    abi::SignalInfo info {};
    abi::FaultRecord fault {}; // signal 0 unless it was a synchronous fault
    abi::SignalAction action {};
};

// The next signal that has a handler. Ignored ones are discarded on the way, those with the default action take effect:
// the process ends or stops here. Inhibit must be set; clears deferred_at before it looks.
Delivery next_delivery(abi::ThreadControl& control);

// Fills the parts of a frame that belong to one delivery (number, handler, siginfo, fault registers), remembers the mask
// to go back to and blocks what the action says.
void fill_delivery(abi::ThreadControl& control, abi::SignalFrame& frame, const Delivery& delivery);

// Locks of ProcessControl, taken with inhibit set, so that their holder is never in a handler.
class ProcessLock {
public:
    explicit ProcessLock(std::atomic<std::uint32_t>& word);
    ~ProcessLock() { word_.store(0, std::memory_order_release); }
    ProcessLock(const ProcessLock&) = delete;
    ProcessLock& operator=(const ProcessLock&) = delete;

private:
    void wait();
    std::atomic<std::uint32_t>& word_;
};

// Fills a siginfo_t (128 bytes) from what travelled with a signal.
void fill_siginfo(std::uint8_t* siginfo, int number, const abi::SignalInfo& info, bool is_fault);

} // namespace orrery::signal
