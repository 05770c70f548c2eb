// The signal mask: POSIX.1-2024 sigprocmask, pthread_sigmask, sigpending. No system call in any of them.
#include "posix/signal/delivery.h"

#include <cerrno>
#include <signal.h>

namespace orrery::signal {
namespace {

// 0 or EINVAL. If the change makes a pending signal deliverable, its handler has run before this returns, as POSIX asks
// for at least one.
int change_mask(int how, const sigset_t* set, sigset_t* old)
{
    abi::ThreadControl& control = *runtime::thread_control();
    if (set == nullptr) {
        if (old != nullptr)
            *old = ~allowset(control);
        return 0;
    }
    const sigset_t given = *set; // a bad address faults here, with delivery still on, and not in the section
    sigset_t before;
    {
        InhibitSection section;
        const std::uint64_t allowed = allowset(control);
        before = ~allowed;
        switch (how) {
        case SIG_BLOCK: set_allowset(control, allowed & ~given); break;
        case SIG_UNBLOCK:
            set_allowset(control, allowed | given);
            section.deliver_on_leave();
            break;
        case SIG_SETMASK:
            set_allowset(control, ~given);
            section.deliver_on_leave();
            break;
        default: return EINVAL;
        }
    }
    if (old != nullptr)
        *old = before;
    return 0;
}

} // namespace

extern "C" int sigprocmask(int how, const sigset_t* __restrict set, sigset_t* __restrict old)
{
    const int error = change_mask(how, set, old);
    if (error == 0) [[likely]]
        return 0;
    errno = error;
    return -1;
}

extern "C" int pthread_sigmask(int how, const sigset_t* __restrict set, sigset_t* __restrict old)
{
    return change_mask(how, set, old);
}

extern "C" int sigpending(sigset_t* set)
{
    const abi::ThreadControl& control = *runtime::thread_control();
    const std::uint64_t standard = control.words[0].load();
    const std::uint64_t realtime = control.words[1].load();
    const std::uint64_t blocked
        = ~combine(abi::SignalWord::allowset_of(standard), abi::SignalWord::allowset_of(realtime));
    *set = (combine(abi::SignalWord::pending_of(standard), abi::SignalWord::pending_of(realtime))
               | control.process->pending.load(std::memory_order_seq_cst))
        & blocked;
    return 0;
}

} // namespace orrery::signal
