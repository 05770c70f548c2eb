// Signal actions: POSIX.1-2024 sigaction, signal, siginterrupt; and the alternate stack, sigaltstack. No system calls.
#include "posix/signal/claim.h"

#include <cerrno>
#include <signal.h>

namespace orrery::signal {
namespace {

// POSIX sigaction: setting "ignore", or the default action where that is to ignore, discards what is pending.
void discard_pending(abi::ThreadControl& control, int number)
{
    while (claim_signal(control, abi::signal_mask64(number)).number != 0) { }
}

bool discards(const abi::SignalAction& action, int number)
{
    return action.handler == abi::handler_ignore
        || (action.handler == abi::handler_default && abi::default_action(number) == abi::DefaultAction::ignore);
}

} // namespace

extern "C" int sigaction(int number, const struct sigaction* __restrict act, struct sigaction* __restrict old)
{
    if (number < 1 || number > abi::signal_count
        || (act != nullptr && (abi::signal_mask64(number) & unblockable) != 0)) {
        errno = EINVAL;
        return -1;
    }
    abi::SignalAction wanted {};
    if (act != nullptr) {
        wanted.handler = reinterpret_cast<std::uint64_t>(act->sa_handler);
        wanted.mask = act->sa_mask;
        wanted.flags = static_cast<std::uint32_t>(act->sa_flags);
    }
    abi::SignalAction before;
    {
        const InhibitSection section;
        abi::ProcessControl& process = *section.control().process;
        {
            const ProcessLock lock(process.action_lock);
            before = process.actions[number - 1];
            if (act != nullptr) {
                process.actions[number - 1] = wanted;
                // A sender may discard at once what is ignored explicitly. What is ignored by default stays pending
                // while it is blocked, because programs block SIGCHLD and fetch it with sigwait.
                if (wanted.handler == abi::handler_ignore)
                    process.ignored.fetch_or(abi::signal_mask64(number), std::memory_order_seq_cst);
                else
                    process.ignored.fetch_and(~abi::signal_mask64(number), std::memory_order_seq_cst);
            }
        }
        if (act != nullptr && discards(wanted, number)) discard_pending(section.control(), number);
    }
    if (old != nullptr) {
        old->sa_handler = reinterpret_cast<void (*)(int)>(before.handler);
        old->sa_mask = before.mask;
        old->sa_flags = static_cast<int>(before.flags);
    }
    return 0;
}

// POSIX leaves signal()'s choice open; this is BSD's, as on Linux: the handler stays, its signal is blocked while it
// runs, and calls are restarted.
extern "C" _sig_func_ptr signal(int number, _sig_func_ptr handler)
{
    struct sigaction action {};
    struct sigaction old {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    return sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

extern "C" int siginterrupt(int number, int interrupt)
{
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) != 0) return -1;
    action.sa_flags = interrupt != 0 ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(number, &action, nullptr);
}

extern "C" int sigaltstack(const stack_t* __restrict stack, stack_t* __restrict old)
{
    abi::ThreadControl& control = *runtime::thread_control();
    const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    const bool on_it = here - control.alternate_stack_base < control.alternate_stack_size;
    const stack_t given = stack != nullptr ? *stack : stack_t {};
    const stack_t before {
        .ss_sp = reinterpret_cast<void*>(control.alternate_stack_base),
        .ss_flags = control.alternate_stack_size == 0 ? SS_DISABLE
            : on_it                                   ? SS_ONSTACK
                                                      : 0,
        .ss_size = control.alternate_stack_size,
    };
    if (stack != nullptr) {
        int error = 0;
        if (on_it)
            error = EPERM;
        else if ((given.ss_flags & ~(SS_DISABLE | SS_ONSTACK)) != 0)
            error = EINVAL;
        else if ((given.ss_flags & SS_DISABLE) == 0 && given.ss_size < MINSIGSTKSZ)
            error = ENOMEM;
        if (error != 0) {
            errno = error;
            return -1;
        }
        const bool disable = (given.ss_flags & SS_DISABLE) != 0;
        const InhibitSection section; // base and size change together
        control.alternate_stack_base = disable ? 0 : reinterpret_cast<std::uint64_t>(given.ss_sp);
        control.alternate_stack_size = disable ? 0 : given.ss_size;
    }
    if (old != nullptr) *old = before;
    return 0;
}

} // namespace orrery::signal
