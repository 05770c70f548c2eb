// The signal mask: POSIX.1-2024 sigprocmask, pthread_sigmask, sigpending. No system call in any of them.
#include "posix/signal/delivery.h"

#include <cerrno>
#include <signal.h>

namespace orrery::signal {
namespace {

// 0 or EINVAL (then nothing has changed). If the change makes a pending signal deliverable, its handler has run before this returns, as POSIX asks
// for at least one.
int change_mask(int how, const sigset_t* set, sigset_t* old)
{
    abi::ThreadControl& control = *runtime::thread_control();
    if (set == nullptr) {
        if (old != nullptr)
            *old = ~allowset(control);
        return 0;
    }
    const sigset_t given = *set; // a bad address faults here, with delivery still on
    // An InhibitSection by hand: nothing here can nest, so the depth stays as it is.
    const bool outermost = control.inhibit_depth == 0;
    store_in_order(control.inhibit, 1);
    const std::uint64_t now = allowset(control);
    std::uint64_t wanted = now;
    if (how == SIG_BLOCK)
        wanted = now & ~given;
    else if (how == SIG_UNBLOCK)
        wanted = now | given;
    else if (how == SIG_SETMASK)
        wanted = ~given | unblockable;
    change_allowset(control, now, wanted);
    const bool deliver = deliverable(control, wanted);
    if (outermost) [[likely]]
        leave_inhibit(control, deliver);
    else if (deliver)
        __atomic_store_n(&control.deferred_at, noticed_by_section, __ATOMIC_RELAXED);
    if (old != nullptr)
        *old = ~now;
    return how >= SIG_BLOCK && how <= SIG_SETMASK ? 0 : EINVAL;
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
