// What the parts of signal delivery share: entering the trampoline by hand, and holding delivery off for a while.
//
// The life of a delivery: the kernel (or software_entry) -> trampoline.S -> signal_select (choose and claim a signal,
// place the frame) -> trampoline.S saves the registers into it -> signal_dispatch (mask, handler, next signal) ->
// trampoline.S restores the registers and goes back.
#pragma once

#include "abi/signal.h"
#include "posix/runtime/thread.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace orrery::signal {

// Assembly, trampoline.S. Goes through the trampoline as if the caller had been interrupted just after the call; comes
// back when what was deliverable has been handled, with inhibit clear. Call it with inhibit set and depth 0, or with
// inhibit clear.
extern "C" void orrery_software_entry();
extern "C" void orrery_signal_trampoline();

// All signals that a thread's two words allow or hold, bit number - 1.
inline std::uint64_t combine(std::uint32_t standard, std::uint32_t realtime)
{
    return std::uint64_t { realtime } << 32 | standard;
}
inline std::uint64_t allowset(const abi::ThreadControl& control)
{
    return combine(control.words[0].allowset(), control.words[1].allowset());
}

// SIGKILL and SIGSTOP cannot be caught, blocked or ignored.
inline constexpr std::uint64_t unblockable = std::uint64_t { 1 } << (9 - 1) | std::uint64_t { 1 } << (19 - 1);

// True if something of `allowed` (the thread's own allowset) is pending, for the thread or its process. The owner
// thread only. A mask change and this look are a Dekker pattern with a sender's raise and look: both sides have full
// fences.
inline bool deliverable(const abi::ThreadControl& control, std::uint64_t allowed)
{
    const std::uint64_t pending = combine(control.words[0].pending(), control.words[1].pending())
        | control.process->pending.load(std::memory_order_seq_cst);
    return (pending & allowed) != 0;
}
inline bool deliverable(const abi::ThreadControl& control) { return deliverable(control, allowset(control)); }

// Replaces the calling thread's allowset `now` by one locked add on each word that changes (S1, S3). Inhibit must be
// set since `now` was read: a handler that ran in between could edit the mask through its ucontext, and the add would
// carry. `allowed` holds the unblockable signals.
inline void change_allowset(abi::ThreadControl& control, std::uint64_t now, std::uint64_t allowed)
{
    if (static_cast<std::uint32_t>(now) != static_cast<std::uint32_t>(allowed))
        control.words[0].change_allowset(static_cast<std::uint32_t>(now), static_cast<std::uint32_t>(allowed));
    if (now >> 32 != allowed >> 32) [[unlikely]]
        control.words[1].change_allowset(
            static_cast<std::uint32_t>(now >> 32), static_cast<std::uint32_t>(allowed >> 32));
}
inline void set_allowset(abi::ThreadControl& control, std::uint64_t allowed)
{
    change_allowset(control, allowset(control), allowed | unblockable);
}

// A store to a word that the kernel reads when it looks at this thread: the compiler must keep it single and in program
// order; the processor does for its own thread.
inline void store_in_order(std::uint32_t& word, std::uint32_t value)
{
    std::atomic_signal_fence(std::memory_order_seq_cst);
    __atomic_store_n(&word, value, __ATOMIC_RELAXED);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}
inline constexpr std::uint64_t noticed_by_section = 1; // in deferred_at: no address, but not 0

// The end of an outermost section, inhibit still set: either something of `allowed` is known to be deliverable and goes
// through the trampoline now, or inhibit is cleared and deferred_at tells what the kernel saw meanwhile.
inline void leave_inhibit(abi::ThreadControl& control, bool deliver)
{
    if (deliver) {
        orrery_software_entry();
        return;
    }
    store_in_order(control.inhibit, 0);
    if (__atomic_load_n(&control.deferred_at, __ATOMIC_RELAXED) != 0) [[unlikely]]
        orrery_software_entry();
}

// Holds delivery to the calling thread off while it lives, without a system call: the kernel does not divert while
// `inhibit` is set, it only notes in `deferred_at` that it would have. May nest. Nothing inside may wait for a signal.
//
// Enter: inhibit first, then the depth. A delivery before the first store sees depth 0; none can come after it.
// Leave: depth, then inhibit, then the look at deferred_at. A signal that the kernel saw before inhibit was cleared is
// in deferred_at; one that it sees afterwards diverts the thread. So none is lost, whichever instruction it hits.
class InhibitSection {
public:
    InhibitSection()
        : control_(*runtime::thread_control())
    {
        store(control_.inhibit, 1);
        store(control_.inhibit_depth, control_.inhibit_depth + 1);
    }
    ~InhibitSection() { leave(); }
    InhibitSection(const InhibitSection&) = delete;
    InhibitSection& operator=(const InhibitSection&) = delete;

    abi::ThreadControl& control() const { return control_; }

    // Says that something may have become deliverable here (a mask was opened, a signal raised at the thread itself):
    // leaving the outermost section then runs at least one handler before the function returns.
    void deliver_on_leave() { look_ = true; }

    // Runs what is deliverable at this very place; the section goes on afterwards. Nothing happens in an inner section.
    void deliver_now()
    {
        if (control_.inhibit_depth != 1) return;
        store(control_.inhibit_depth, 0);
        orrery_software_entry();
        store(control_.inhibit, 1);
        store(control_.inhibit_depth, 1);
    }

private:
    static void store(std::uint32_t& word, std::uint32_t value) { store_in_order(word, value); }
    void leave()
    {
        store(control_.inhibit_depth, control_.inhibit_depth - 1);
        if (control_.inhibit_depth != 0) {
            // An inner section cannot deliver; the outermost one learns of it as if the kernel had told it.
            if (look_ && deliverable(control_))
                __atomic_store_n(&control_.deferred_at, noticed_by_section, __ATOMIC_RELAXED);
            return;
        }
        leave_inhibit(control_, look_ && deliverable(control_));
    }

    abi::ThreadControl& control_;
    bool look_ = false;
};

// A signal taken out of a pending set, with what travels with it.
struct Claimed {
    int number = 0; // 0 = nothing was pending and allowed
    abi::SignalInfo info {};
};

// Takes the next pending signal of `wanted` (bit number - 1) for the calling thread: its own standard signals, lowest
// first, then the process's. Inhibit must be set.
Claimed claim_signal(abi::ThreadControl& control, std::uint64_t wanted);

// Runs a waiting system call so that no signal can slip in between: inhibit is set, so a signal that comes before the
// kernel sleeps stays pending and makes the call end with `interrupted`; its handler runs before this returns.
struct Waited {
    std::int64_t result; // as the raw system call returned it
    bool handler_ran; // at least one
    bool must_not_resume; // one of them was installed without SA_RESTART
};
template <typename Call>
Waited interruptible(Call call)
{
    abi::ThreadControl& control = *runtime::thread_control();
    const std::uint64_t handlers = runtime::thread_state.handlers_run;
    std::int64_t result;
    {
        InhibitSection section;
        control.interrupted_without_restart = 0;
        result = call();
        section.deliver_on_leave();
    }
    return { result, runtime::thread_state.handlers_run != handlers, control.interrupted_without_restart != 0 };
}

} // namespace orrery::signal
