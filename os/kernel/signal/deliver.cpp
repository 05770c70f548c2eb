// Delivery: the kernel's part is to save RIP and RFLAGS, set inhibit and go to the trampoline. No stack is touched.
#include "kernel/signal/signal.h"

#include "abi/cpu.h"
#include "kernel/cpu/cpu.h"
#include "kernel/memory/address_space.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {

    // All 64 signals that the thread allows and that are pending at it or its process.
    std::uint64_t deliverable_signals(const Thread& thread)
    {
        const abi::ThreadControl& control = *thread.control_page;
        const std::uint64_t standard = control.words[0].load();
        const std::uint64_t realtime = control.words[1].load();
        const std::uint64_t pending = std::uint64_t { abi::SignalWord::pending_of(realtime) } << 32
            | abi::SignalWord::pending_of(standard);
        const std::uint64_t allowed = std::uint64_t { abi::SignalWord::allowset_of(realtime) } << 32
            | abi::SignalWord::allowset_of(standard);
        return (pending | thread.process_page->pending.load(std::memory_order_seq_cst)) & allowed;
    }

    std::uint64_t cause_of(const Thread& thread, int number)
    {
        if (number < 1 || number > abi::standard_signal_count) return 0;
        const abi::ThreadControl& control = *thread.control_page;
        return control.words[0].pending() & abi::signal_bit(number) ? control.slots[number - 1].cause
                                                                     : thread.process_page->slots[number - 1].cause;
    }

    void divert(Thread& thread, TrapFrame& frame)
    {
        abi::ThreadControl& control = *thread.control_page;
        control.saved_rip = frame.rip;
        control.saved_rflags = frame.rflags;
        control.inhibit = 1;
        frame.rip = thread.trampoline;
        frame.rflags &= ~(abi::rflags_direction | abi::rflags_trap | abi::rflags_nested_task
            | abi::rflags_alignment_check);
    }

} // namespace

bool has_reason_to_wake(Thread& thread, WaitReason reason)
{
    if (must_end(thread)) return true;
    if (outlasts_signals(reason) || !thread.control_page) return false;
    // Chosen for a process-directed signal that it has blocked since: it must go through deliver_signals, which hands
    // the signal on, before it sleeps (tests/model/signal.pml, SLEEP_DESPITE_ATTENTION).
    return (thread.hot.attention.load(std::memory_order_seq_cst) & attention_signal) != 0
        || deliverable_signals(thread) != 0;
}

void deliver_signals(Thread& thread, TrapFrame& frame)
{
    if (!thread.control_page) return;
    const std::uint64_t deliverable = deliverable_signals(thread);
    abi::ThreadControl& control = *thread.control_page;
    if (deliverable == 0) {
        // Chosen for a process-directed signal that it has blocked meanwhile: somebody else may want it.
        hand_on_process_signals(thread, true);
        return;
    }
    const int first = __builtin_ctzll(deliverable) + 1;
    const std::uint64_t cause = cause_of(thread, first);
    ORRERY_TRACE(signal, noticed, cause, thread.number, deliverable, frame.rip);
    if (control.inhibit) {
        // Told once a section also others that inhibit delivery: with `false` always, two of them could each count on
        // the other; with `true` always, they would interrupt each other for ever (tests/model/signal.pml,
        // HAND_ON_TO_FREE).
        const bool first_of_section = control.deferred_at == 0;
        control.deferred_at = frame.rip;
        ORRERY_TRACE(signal, deferred, cause, thread.number, deliverable, frame.rip);
        hand_on_process_signals(thread, first_of_section);
        return;
    }
    ORRERY_TRACE(signal, diverted, cause, thread.number, first, frame.rip);
    divert(thread, frame);
}

void deliver_fault(Thread& thread, TrapFrame& frame, const Fault& fault)
{
    const std::uint64_t cause = next_cause();
    ORRERY_TRACE(fault, raised, cause, thread.number, fault.signal, fault.address);
    abi::ThreadControl* control = thread.control_page;
    // A thread without pages, one that blocks or ignores the signal, and one that faults while it inhibits delivery
    // (for instance because its stack is gone) can't take it; letting it run on would only fault again (S9).
    const bool can_take = control && !control->inhibit
        && (control->words[abi::signal_group(fault.signal)].allowset() & abi::signal_bit(fault.signal))
        && !(thread.process_page->ignored.load(std::memory_order_seq_cst) & abi::signal_mask64(fault.signal));
    if (!can_take) {
        thread.space->end({ .code = 0, .signal = static_cast<std::uint8_t>(fault.signal) });
        return;
    }
    control->fault = { static_cast<std::uint32_t>(fault.signal), static_cast<std::int32_t>(fault.code), fault.address,
        static_cast<std::uint32_t>(frame.vector), static_cast<std::uint32_t>(frame.error_code), cause };
    ORRERY_TRACE(signal, diverted, cause, thread.number, fault.signal, frame.rip);
    divert(thread, frame);
}

void refuse_syscall(TrapFrame& frame)
{
    constexpr int signal_bad_call = 31;
    frame.error_code = frame.rax;
    frame.rax = abi::result_word(Error::access_denied);
    deliver_fault(current_thread(), frame, { signal_bad_call, abi::SignalCode::fault_1, frame.rip });
}

Status register_signals(std::uint64_t thread_control, std::uint64_t process_control, std::uint64_t trampoline)
{
    Thread& thread = current_thread();
    AddressSpace& space = *thread.space;
    if (!is_page_aligned(thread_control) || !is_page_aligned(process_control) || thread_control == process_control
        || !is_user_range(trampoline, 1))
        return fail(Error::invalid_argument);
    if (thread.control_page) return fail(Error::already_exists);
    TRY(process_place, space.locate(process_control, abi::protection_write));
    TRY(control_place, space.locate(thread_control, abi::protection_write));
    // A pinned page is never written back: its pager would wait for it for ever.
    if (process_place.object->has_pager() || control_place.object->has_pager()) return fail(Error::invalid_argument);
    TRY(process_frame, process_place.object->pin(process_place.offset));
    const auto control_pinned = control_place.object->pin(control_place.offset);
    if (!control_pinned) {
        frame_allocator.release(process_frame);
        return fail(control_pinned.error());
    }
    Frame* const control_frame = *control_pinned;
    {
        Guard members(space.membership_lock); // nobody counts a SIGCONT between the copy and the publication
        Guard guard(space.signal_lock);
        if (!space.process_frame) {
            space.process_frame = process_frame;
            space.process_control_address = process_control;
            auto* process = static_cast<abi::ProcessControl*>(frame_allocator.memory_of(process_frame));
            process->pending.fetch_or(space.early_pending, std::memory_order_seq_cst); // with zeroed slots: SI_USER
            process->continued.store(space.continued, std::memory_order_seq_cst);
            space.process_page = process;
        } else {
            frame_allocator.release(process_frame);
            if (space.process_frame != process_frame) {
                frame_allocator.release(control_frame);
                return fail(Error::invalid_argument);
            }
        }
    }
    auto* control = static_cast<abi::ThreadControl*>(frame_allocator.memory_of(control_frame));
    control->extended_state_mask = extended_state_mask();
    control->extended_state_size = extended_state_size();
    control->thread_number = thread.number;
    Guard guard(thread.signal_lock);
    thread.control_frame = control_frame;
    thread.control_address = thread_control;
    thread.trampoline = trampoline;
    thread.process_page = space.process_page;
    // Last: whoever finds the page may use all of the above.
    __atomic_store_n(&thread.control_page, control, __ATOMIC_SEQ_CST);
    // What came too early, or while a raiser could not see that this thread allows it, is looked at on the way back.
    thread.hot.attention.fetch_or(attention_signal, std::memory_order_seq_cst);
    return {};
}

Status wait_for_signal(std::uint64_t deadline)
{
    static Spinlock nobody_wakes { LockRank::waiters }; // there is no queue: only signals and time end this wait
    nobody_wakes.acquire();
    const Error result = sleep(nobody_wakes, { WaitReason::signal, 0, 0, deadline, 0 });
    if (result == Error::none) return {};
    return fail(result);
}

} // namespace orrery::kernel
