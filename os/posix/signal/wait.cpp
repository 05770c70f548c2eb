// Waiting for signals: POSIX.1-2024 sigsuspend, pause, sigwait, sigwaitinfo, sigtimedwait.
#include "posix/runtime/syscall.h"
#include "posix/signal/claim.h"
#include "posix/time/deadline.h"

#include <cerrno>
#include <cstring>
#include <signal.h>
#include <unistd.h>

namespace orrery::signal {
namespace {

int fail(int error)
{
    errno = error;
    return -1;
}

// Waits with the given allowset until a handler has run. The mask goes back to what it was after the handler.
//
// Each round keeps inhibit set from the mask change to the end of the system call: a signal that comes before the
// kernel puts the thread to sleep stays pending, and a pending, allowed signal ends the sleep (it may not even begin).
void wait_for_handler(std::uint64_t allowed)
{
    abi::ThreadControl& control = *runtime::thread_control();
    const std::uint64_t handlers = runtime::thread_state.handlers_run;
    InhibitSection outer;
    const std::uint64_t before = allowset(control);
    set_allowset(control, allowed);
    while (true) {
        // What is pending already must not wait for the kernel to say so.
        if (deliverable(control)) outer.deliver_now();
        if (runtime::thread_state.handlers_run != handlers) break;
        runtime::raw::signal_wait(abi::no_deadline);
    }
    set_allowset(control, before);
    outer.deliver_on_leave();
}

// Takes a signal of `set` that is pending or comes before the deadline. 0 = it is in `claimed`, else an errno.
int take(const sigset_t& set, std::uint64_t deadline, Claimed& claimed)
{
    abi::ThreadControl& control = *runtime::thread_control();
    const std::uint64_t wanted = set & ~unblockable;
    const std::uint64_t handlers = runtime::thread_state.handlers_run;
    InhibitSection section;
    const std::uint64_t before = allowset(control);
    // The kernel wakes a thread for what it allows. With inhibit set nothing is delivered by that.
    set_allowset(control, before | wanted);
    int error = 0;
    while (true) {
        claimed = claim_signal(control, wanted);
        if (claimed.number != 0) break;
        const std::int64_t result = runtime::raw::signal_wait(deadline);
        if (runtime::failed_with(result, abi::Error::timed_out)) {
            claimed = claim_signal(control, wanted);
            error = claimed.number != 0 ? 0 : EAGAIN;
            break;
        }
        claimed = claim_signal(control, wanted);
        if (claimed.number != 0) break;
        // Another signal than the wanted ones: its handler runs, then the wait ends with EINTR. What turns out to be
        // ignored does not end it.
        set_allowset(control, before);
        if (deliverable(control)) section.deliver_now();
        if (runtime::thread_state.handlers_run != handlers) {
            error = EINTR;
            break;
        }
        set_allowset(control, before | wanted);
    }
    set_allowset(control, before);
    section.deliver_on_leave();
    return error;
}

int take_with_info(const sigset_t* set, siginfo_t* info, std::uint64_t deadline)
{
    Claimed claimed;
    if (const int error = take(*set, deadline, claimed); error != 0) return fail(error);
    if (info != nullptr) {
        std::memset(info, 0, sizeof *info);
        fill_siginfo(reinterpret_cast<std::uint8_t*>(info), claimed.number, claimed.info, false);
    }
    return claimed.number;
}

} // namespace

extern "C" int sigsuspend(const sigset_t* mask)
{
    wait_for_handler(~*mask);
    return fail(EINTR);
}

extern "C" int pause()
{
    wait_for_handler(allowset(*runtime::thread_control()));
    return fail(EINTR);
}

extern "C" int sigwaitinfo(const sigset_t* __restrict set, siginfo_t* __restrict info)
{
    return take_with_info(set, info, abi::no_deadline);
}

extern "C" int sigtimedwait(
    const sigset_t* __restrict set, siginfo_t* __restrict info, const struct timespec* __restrict timeout)
{
    std::uint64_t deadline = abi::no_deadline;
    if (timeout != nullptr && !time::deadline_after(*timeout, deadline)) return fail(EINVAL);
    return take_with_info(set, info, deadline);
}

// POSIX sigwait returns the error number and never EINTR.
extern "C" int sigwait(const sigset_t* __restrict set, int* __restrict number)
{
    Claimed claimed;
    int error;
    do
        error = take(*set, abi::no_deadline, claimed);
    while (error == EINTR);
    if (error == 0) *number = claimed.number;
    return error;
}

} // namespace orrery::signal
