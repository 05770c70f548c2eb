// Taking signals out of the pending sets, and what becomes of those that no handler gets.
//
// Runs in the trampoline before the vector registers are saved: the build compiles this file with general registers
// only.
#include "posix/signal/claim.h"

#include "posix/runtime/syscall.h"

#include <bit>

namespace orrery::signal {

namespace {

using abi::ThreadControl;

// The process's signals of `wanted`: any of its threads may come for them, so one lock makes the consumer single. The
// slot is read while the bit is set and only then the bit is cleared, so no sender can write it in between (S6).
Claimed claim_of_process(abi::ProcessControl& process, std::uint64_t wanted)
{
    Claimed claimed;
    if ((process.pending.load(std::memory_order_seq_cst) & wanted) == 0)
        return claimed;
    const ProcessLock lock(process.claim_lock);
    const std::uint64_t candidates = process.pending.load(std::memory_order_seq_cst) & wanted;
    if (candidates == 0)
        return claimed;
    claimed.number = std::countr_zero(candidates) + 1;
    if (claimed.number <= abi::standard_signal_count)
        claimed.info = process.slots[claimed.number - 1];
    process.pending.fetch_and(~abi::signal_mask64(claimed.number), std::memory_order_seq_cst);
    return claimed;
}

constexpr std::uint64_t stop_signals = abi::signal_mask64(19) | abi::signal_mask64(20) | abi::signal_mask64(21)
    | abi::signal_mask64(22); // SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
constexpr std::uint64_t wake_signals = abi::signal_mask64(9) | abi::signal_mask64(18); // SIGKILL, SIGCONT

// The default action "stop", for the calling thread: sleeps until SIGCONT or SIGKILL is pending, which stays pending.
// Other stop signals are dropped meanwhile. Only those two are allowed while it sleeps, so that no other signal wakes it.
void stop_until_continued(ThreadControl& control)
{
    const std::uint64_t allowed = allowset(control);
    set_allowset(control, wake_signals);
    while (true) {
        const std::uint64_t pending = combine(control.words[0].pending(), control.words[1].pending())
            | control.process->pending.load(std::memory_order_seq_cst);
        if ((pending & wake_signals) != 0)
            break;
        if (claim_signal(control, stop_signals).number == 0)
            runtime::raw::signal_wait(abi::no_deadline);
    }
    set_allowset(control, allowed);
}

// The action of a claimed signal at this moment, with SA_RESETHAND carried out.
abi::SignalAction take_action(abi::ProcessControl& process, int number)
{
    const ProcessLock lock(process.action_lock);
    abi::SignalAction& action = process.actions[number - 1];
    const abi::SignalAction taken = action;
    if ((taken.flags & abi::action_reset_handler) != 0 && taken.handler > abi::handler_ignore) {
        action.handler = abi::handler_default;
        action.flags &= ~std::uint32_t { abi::action_siginfo };
    }
    return taken;
}

} // namespace

ProcessLock::ProcessLock(std::atomic<std::uint32_t>& word)
    : word_(word)
{
    if (word_.exchange(1, std::memory_order_acquire) != 0) [[unlikely]]
        wait();
}

// The holder may have been preempted, so give it the processor.
void ProcessLock::wait()
{
    do
        runtime::raw::thread_yield();
    while (word_.exchange(1, std::memory_order_acquire) != 0);
}

Claimed claim_signal(ThreadControl& control, std::uint64_t wanted)
{
    const std::uint32_t mine = control.words[0].pending() & static_cast<std::uint32_t>(wanted);
    if (mine == 0) [[unlikely]]
        return claim_of_process(*control.process, wanted);

    Claimed claimed;
    const std::uint32_t bit = mine & -mine;
    claimed.number = std::countr_zero(mine) + 1;
    if ((control.self_raised & bit) != 0) {
        // raise() found no signal pending and left no slot: only this thread can be the sender.
        control.self_raised &= ~std::uint64_t { bit };
        claimed.info.code = static_cast<std::int32_t>(abi::SignalCode::thread);
        claimed.info.process_id = control.process->process_id;
        claimed.info.user_id = control.process->user_id;
    } else {
        claimed.info = control.slots[claimed.number - 1];
    }
    control.words[0].clear(bit);
    return claimed;
}

Delivery next_delivery(ThreadControl& control)
{
    Delivery delivery;
    // Clear first, look afterwards: what comes after the look is noted again (trampoline.S).
    __atomic_store_n(&control.deferred_at, 0, __ATOMIC_SEQ_CST);
    while (true) {
        bool is_fault = false;
        if (control.fault.signal != 0) {
            delivery.fault = control.fault;
            control.fault.signal = 0;
            delivery.number = static_cast<int>(delivery.fault.signal);
            delivery.info = {
                .code = delivery.fault.code,
                .status = 0,
                .process_id = 0,
                .user_id = 0,
                .value = 0,
                .address = delivery.fault.address,
                .cause = delivery.fault.cause,
            };
            is_fault = true;
        } else {
            const Claimed claimed = claim_signal(control, allowset(control));
            if (claimed.number == 0)
                return {};
            delivery.number = claimed.number;
            delivery.info = claimed.info;
        }

        delivery.action = take_action(*control.process, delivery.number);
        if (delivery.action.handler > abi::handler_ignore)
            return delivery;
        delivery.fault.signal = 0;

        // A fault cannot be ignored: the instruction would fault for ever.
        if (is_fault)
            runtime::end_by_signal(delivery.number);
        if (delivery.action.handler == abi::handler_ignore)
            continue;
        switch (abi::default_action(delivery.number)) {
        case abi::DefaultAction::terminate:
        case abi::DefaultAction::core: runtime::end_by_signal(delivery.number);
        case abi::DefaultAction::stop: stop_until_continued(control); break;
        case abi::DefaultAction::ignore:
        case abi::DefaultAction::proceed: break;
        }
    }
}

} // namespace orrery::signal
