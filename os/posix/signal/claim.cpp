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
    if ((process.pending.load(std::memory_order_seq_cst) & wanted) == 0) return claimed;
    const ProcessLock lock(process.claim_lock);
    runtime::thread_state.continued_before_claim = process.continued.load(std::memory_order_seq_cst);
    const std::uint64_t candidates = process.pending.load(std::memory_order_seq_cst) & wanted;
    if (candidates == 0) return claimed;
    claimed.number = std::countr_zero(candidates) + 1;
    if (claimed.number <= abi::standard_signal_count) claimed.info = process.slots[claimed.number - 1];
    process.pending.fetch_and(~abi::signal_mask64(claimed.number), std::memory_order_seq_cst);
    return claimed;
}

[[gnu::noinline]] void reset_action(abi::SignalAction& action)
{
    if (action.handler <= abi::handler_ignore) return;
    action.handler = abi::handler_default;
    action.flags &= ~std::uint32_t { abi::action_siginfo };
}

// The action of a claimed signal at this moment, with SA_RESETHAND carried out.
void take_action(abi::ProcessControl& process, int number, abi::SignalAction& taken)
{
    const ProcessLock lock(process.action_lock);
    abi::SignalAction& action = process.actions[number - 1];
    taken = action;
    if ((taken.flags & abi::action_reset_handler) != 0) [[unlikely]]
        reset_action(action);
}

// Where the information of one of the thread's own pending signals is.
const abi::SignalInfo* information_of(const ThreadControl& control, int number)
{
    // raise() found no signal pending and left no slot: only this thread can be the sender.
    if ((control.self_raised & abi::signal_bit(number)) != 0) return &runtime::thread_state.self_information;
    return &control.slots[number - 1];
}

[[gnu::noinline]] Choice look_at_process(ThreadControl& control)
{
    const Claimed claimed = claim_of_process(*control.process, allowset(control));
    runtime::thread_state.claimed_information = claimed.info;
    return { claimed.number, Origin::process, &runtime::thread_state.claimed_information };
}

Choice look(ThreadControl& control)
{
    if (control.fault.signal != 0) {
        runtime::thread_state.claimed_information = {
            .code = control.fault.code,
            .status = 0,
            .process_id = 0,
            .user_id = 0,
            .value = 0,
            .address = control.fault.address,
            .cause = control.fault.cause,
        };
        if (control.fault.signal == 31) [[unlikely]] // SIGSYS: si_syscall, and AUDIT_ARCH_X86_64 as si_arch
            runtime::thread_state.claimed_information.value = control.fault.error_code | std::uint64_t { 0xc000'003e } << 32;
        return { static_cast<std::int32_t>(control.fault.signal), Origin::fault,
            &runtime::thread_state.claimed_information };
    }
    const std::uint32_t mine = abi::SignalWord::deliverable_of(control.words[0].load());
    if (mine == 0) [[unlikely]]
        return look_at_process(control);
    const int number = std::countr_zero(mine) + 1;
    return { number, Origin::thread, information_of(control, number) };
}

// A chosen signal without a handler: discards it, stops, or ends the process.
//
// A stop is void if SIGCONT came after the stop signal. Which of them was first is told by ProcessControl::continued,
// read before the signal is taken out of where it was pending: a SIGCONT before that has discarded the signal, one
// after it has another number, so that the kernel refuses the stop.
[[gnu::noinline]] void settle(ThreadControl& control, const Choice& choice, const abi::SignalAction& action)
{
    // A fault cannot be ignored: the instruction would fault for ever.
    if (choice.origin == Origin::fault) runtime::end_by_signal(choice.number);
    std::uint32_t continued = runtime::thread_state.continued_before_claim;
    if (choice.origin == Origin::thread) {
        continued = control.process->continued.load(std::memory_order_seq_cst);
        if (!clear_pending(control, choice.number)) return; // discarded meanwhile
    }
    if (action.handler == abi::handler_ignore) return;
    switch (abi::default_action(choice.number)) {
    case abi::DefaultAction::terminate:
    case abi::DefaultAction::core: runtime::end_by_signal(choice.number);
    case abi::DefaultAction::stop: runtime::raw::signal_stop(continued); break;
    case abi::DefaultAction::ignore:
    case abi::DefaultAction::proceed: break;
    }
}

// The rest of choose_signal when the first one has no handler.
[[gnu::noinline]] Choice choose_another(ThreadControl& control, abi::SignalAction& action, Choice choice)
{
    do {
        settle(control, choice, action);
        choice = look(control);
        if (choice.number == 0) break;
        take_action(*control.process, choice.number, action);
    } while (action.handler <= abi::handler_ignore);
    return choice;
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
    if (mine == 0) return claim_of_process(*control.process, wanted);

    Claimed claimed;
    claimed.number = std::countr_zero(mine) + 1;
    claimed.info = *information_of(control, claimed.number);
    clear_pending(control, claimed.number);
    return claimed;
}

Choice choose_signal(ThreadControl& control, abi::SignalAction& action)
{
    // Clear first, look afterwards: what comes after the look is noted again (trampoline.S).
    __atomic_store_n(&control.deferred_at, 0, __ATOMIC_SEQ_CST);
    const Choice choice = look(control);
    if (choice.number == 0) [[unlikely]]
        return choice;
    take_action(*control.process, choice.number, action);
    if (action.handler > abi::handler_ignore) [[likely]]
        return choice;
    return choose_another(control, action, choice);
}

} // namespace orrery::signal
