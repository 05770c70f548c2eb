// The signal mask: POSIX.1-2024 sigprocmask, pthread_sigmask, sigpending. No system call in any of them.
#include "posix/signal/delivery.h"

#include <cerrno>
#include <signal.h>

namespace orrery::signal {
namespace {

// `allowed` after the change; false if `how` is none of the three.
inline bool apply(int how, sigset_t given, std::uint64_t& allowed)
{
    if (how == SIG_BLOCK)
        allowed &= ~given | unblockable;
    else if (how == SIG_UNBLOCK)
        allowed |= given;
    else if (how == SIG_SETMASK)
        allowed = ~given | unblockable;
    else
        return false;
    return true;
}

// Everything but the common case.
[[gnu::noinline]] int change_mask_slowly(int how, const sigset_t* set, sigset_t* old)
{
    sigset_t before;
    int error = 0;
    if (set == nullptr) {
        before = ~allowset(*runtime::thread_control());
    } else {
        const sigset_t given = *set; // a bad address faults here, with delivery still on
        InhibitSection section;
        const std::uint64_t now = allowset(section.control());
        std::uint64_t wanted = now;
        before = ~now;
        if (apply(how, given, wanted)) {
            change_allowset(section.control(), now, wanted);
            section.deliver_on_leave();
        } else {
            error = EINVAL;
        }
    }
    if (error == 0 && old != nullptr) *old = before;
    return error;
}

// 0 or EINVAL. If the change makes a pending signal deliverable, its handler has run before this returns, as POSIX asks
// for at least one.
inline int change_mask(int how, const sigset_t* set, sigset_t* old)
{
    abi::ThreadControl& control = *runtime::thread_control();
    if (set == nullptr || old != nullptr || control.inhibit_depth != 0) return change_mask_slowly(how, set, old);
    // An InhibitSection by hand: nothing here can nest, so the depth stays as it is.
    const sigset_t given = *set;
    store_in_order(control.inhibit, 1);
    const std::uint64_t now = allowset(control);
    std::uint64_t wanted = now;
    if (how == SIG_BLOCK) {
        apply(SIG_BLOCK, given, wanted);
        change_allowset(control, now, wanted);
        leave_inhibit(control, false); // less is allowed than before: nothing can have become deliverable
        return 0;
    }
    const bool known = apply(how, given, wanted);
    change_allowset(control, now, wanted);
    leave_inhibit(control, deliverable(control, wanted));
    return known ? 0 : EINVAL;
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
    const std::uint64_t blocked =
        ~combine(abi::SignalWord::allowset_of(standard), abi::SignalWord::allowset_of(realtime));
    *set = (combine(abi::SignalWord::pending_of(standard), abi::SignalWord::pending_of(realtime))
               | control.process->pending.load(std::memory_order_seq_cst))
        & blocked;
    return 0;
}

} // namespace orrery::signal
