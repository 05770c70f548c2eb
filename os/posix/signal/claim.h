// Choosing what to deliver: claims the next signal, reads its action, and settles those that have no handler.
#pragma once

#include "abi/signal.h"
#include "posix/signal/delivery.h"

namespace orrery::signal {

// A signal that has a handler, chosen but not yet framed. Small enough to be returned in registers.
enum class Origin : std::uint32_t {
    thread, // its bit is still pending in words[0], because `information` is the slot that the bit guards
    process, // claimed; `information` is the thread's own copy
    fault, // ThreadControl::fault has it all; its `signal` is still set
};
struct Choice {
    std::int32_t number; // 0 = nothing is left to deliver
    Origin origin;
    const abi::SignalInfo* information;
};

// The next signal that has a handler, and its action. Ignored ones are discarded on the way, those with the default
// action take effect: the process ends or stops here. Inhibit must be set; clears deferred_at before it looks.
Choice choose_signal(abi::ThreadControl& control, abi::SignalAction& action);

// Fills the parts of a frame that belong to one delivery (number, handler, siginfo, fault registers), takes the signal
// out of where it was pending, remembers the mask to go back to and blocks what the action says.
void fill_delivery(
    abi::ThreadControl& control, abi::SignalFrame& frame, const Choice& choice, const abi::SignalAction& action);

// Locks of ProcessControl, taken with inhibit set, so that their holder is never in a handler.
class ProcessLock {
public:
    explicit ProcessLock(std::atomic<std::uint32_t>& word);
    ~ProcessLock() { word_.store(0, std::memory_order_release); }
    ProcessLock(const ProcessLock&) = delete;
    ProcessLock& operator=(const ProcessLock&) = delete;

private:
    [[gnu::noinline]] void wait();
    std::atomic<std::uint32_t>& word_;
};

// Takes one of the thread's own pending signals away. Its slot must have been copied: from now on a sender may write
// it. False if it was not pending any more (SIGCONT and the stop signals discard each other).
inline bool clear_pending(abi::ThreadControl& control, int number)
{
    const std::uint32_t bit = abi::signal_bit(number);
    control.self_raised &= ~std::uint64_t { bit };
    return (control.words[0].clear(bit) & bit) != 0;
}

// Fills a siginfo_t (128 bytes) from what travelled with a signal.
void fill_siginfo(std::uint8_t* siginfo, int number, const abi::SignalInfo& info, bool is_fault);

} // namespace orrery::signal
