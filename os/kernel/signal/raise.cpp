// Raising: the sender's half of the signal protocol.
//
// Race notes, with (n) referred to from abi/signal.h and thread/scheduler.h:
// (1) The slot is written only while the pending bit is clear, under the target's signal_lock, before the bit is set.
// (2) The bit is set by one atomic operation whose result shows the allow half of the same instant: if the signal was
//     allowed, the sender must wake or interrupt the thread; if not, the owner's next allowset change will return the
//     bit as pending. Nothing lies between.
// (3) Process-directed: the bit goes into the process word first, then the threads' words are read. A thread that
//     allows the signal writes its word first and reads the process word second. One of the two sees the other.
#include "kernel/signal/signal.h"

#include <algorithm>

#include "kernel/boot/calendar.h"
#include "kernel/memory/address_space.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {

    constexpr int signal_kill = 9;
    constexpr int signal_stop = 19;

    constexpr bool is_standard(int number) { return number >= 1 && number <= abi::standard_signal_count; }

    bool allows(const Thread& thread, int number)
    {
        const abi::ThreadControl* control = thread.control_page;
        return control
            && (control->words[abi::signal_group(number)].allowset() & abi::signal_bit(number)) != 0;
    }

    // Makes the thread take notice: a sleeper wakes, a runner is interrupted.
    void notify(Thread& thread)
    {
        set_attention(thread, attention_signal);
        wake(thread, Error::interrupted);
    }

    // Prefers a thread that can be diverted at once over one that inhibits delivery just now.
    Thread* choose_thread(AddressSpace& space, int number, const Thread* except, bool also_inhibiting)
        REQUIRES(space.membership_lock)
    {
        Thread* second_best = nullptr;
        for (Thread* thread = space.threads.first(); thread; thread = space.threads.next(thread)) {
            if (thread == except || !allows(*thread, number)) continue;
            if (!thread->control_page->inhibit) return thread;
            if (also_inhibiting) second_best = thread;
        }
        return second_best;
    }

    void notify_one(AddressSpace& space, int number, const Thread* except, bool also_inhibiting)
    {
        Guard guard(space.membership_lock);
        if (Thread* thread = choose_thread(space, number, except, also_inhibiting)) notify(*thread);
    }

    // The signals that no program can catch act here and now, on the whole space. True if that was all.
    bool act_at_once(AddressSpace& space, int number)
    {
        if (abi::is_job_control_signal(number)) space.discard_for(number);
        switch (number) {
        case signal_kill: space.end({ .code = 0, .signal = static_cast<std::uint8_t>(signal_kill) }); return true;
        case signal_stop: space.stop(); return true;
        case abi::signal_continue: space.proceed(); return false; // and a handler may want to hear of it
        default: return false;
        }
    }

} // namespace

Status raise_to_thread(Thread& target, int number, const abi::SignalInfo& info)
{
    if (!target.space) return fail(Error::invalid_argument);
    if (target.space->state != SpaceState::alive) return fail(Error::terminated);
    {
        Guard guard(target.lock);
        if (target.state == ThreadState::ended) return fail(Error::terminated);
    }
    if (number == 0) return {};
    if (number < 0 || number > abi::signal_count) return fail(Error::invalid_argument);
    const std::uint64_t cause = next_cause();
    ORRERY_TRACE(signal, raised, cause, target.number, number, current_thread().number);
    if (act_at_once(*target.space, number)) return {};
    if (!is_standard(number)) return fail(Error::unsupported);

    bool allowed = false;
    {
        Guard guard(target.signal_lock);
        abi::ThreadControl* control = target.control_page;
        if (!control) return fail(Error::unsupported);
        if (target.process_page->ignored.load(std::memory_order_seq_cst) & abi::signal_mask64(number)) {
            ORRERY_TRACE(signal, discarded, cause, target.number, number, current_thread().number);
            return {};
        }
        abi::SignalWord& word = control->words[abi::signal_group(number)];
        const std::uint32_t bit = abi::signal_bit(number);
        if (word.pending() & bit) {
            ORRERY_TRACE(signal, merged, cause, target.number, number, current_thread().number);
            return {};
        }
        abi::SignalInfo& slot = control->slots[number - 1]; // (1)
        slot = info;
        slot.cause = cause;
        allowed = (abi::SignalWord::allowset_of(word.raise(bit)) & bit) != 0; // (2)
    }
    if (allowed) notify(target);
    return {};
}

Status raise_to_space(AddressSpace& target, int number, const abi::SignalInfo& info)
{
    if (target.state != SpaceState::alive) return fail(Error::terminated);
    if (number == 0) return {};
    if (number < 0 || number > abi::signal_count) return fail(Error::invalid_argument);
    const std::uint64_t cause = next_cause();
    ORRERY_TRACE(signal, raised, cause, abi::target_is_space | target.number, number, current_thread().number);
    if (act_at_once(target, number)) return {};
    if (!is_standard(number)) return fail(Error::unsupported);
    {
        Guard guard(target.signal_lock);
        const std::uint64_t mask = abi::signal_mask64(number);
        abi::ProcessControl* control = target.process_page;
        if (!control) { // the program has not got so far yet: it will find the signal when it registers
            target.early_pending |= mask;
            return {};
        }
        if (control->ignored.load(std::memory_order_seq_cst) & mask) {
            ORRERY_TRACE(signal, discarded, cause, abi::target_is_space | target.number, number, current_thread().number);
            return {};
        }
        if (control->pending.load(std::memory_order_seq_cst) & mask) {
            ORRERY_TRACE(signal, merged, cause, abi::target_is_space | target.number, number, current_thread().number);
            return {};
        }
        abi::SignalInfo& slot = control->slots[number - 1]; // (1)
        slot = info;
        slot.cause = cause;
        control->pending.fetch_or(mask, std::memory_order_seq_cst); // (3)
    }
    notify_one(target, number, nullptr, true);
    return {};
}

void hand_on_process_signals(Thread& thread, bool also_to_inhibiting)
{
    abi::ProcessControl* control = thread.process_page;
    if (!control) return;
    std::uint64_t pending = control->pending.load(std::memory_order_seq_cst);
    for (; pending; pending &= pending - 1)
        notify_one(*thread.space, __builtin_ctzll(pending) + 1, &thread, also_to_inhibiting);
}

Status set_signal_timer(Thread& thread, std::uint64_t deadline, std::uint64_t interval, int number)
{
    if (deadline != 0 && !is_standard(number)) return fail(Error::invalid_argument);
    // A shorter interval would leave the machine no time for anything else.
    constexpr std::uint64_t shortest_interval = 10'000; // ns
    if (interval != 0 && interval < shortest_interval) interval = shortest_interval;
    Guard guard(thread.signal_lock);
    thread.signal_timer_number = number;
    thread.signal_timer_interval = interval;
    cancel_timer(thread.signal_timer);
    ++thread.signal_timer.sequence; // an expiry that another CPU is about to tell of is void
    if (deadline != 0) arm_timer(thread.signal_timer, deadline);
    return {};
}

void raise_timer_signal(Thread& thread, std::uint64_t sequence)
{
    int number = 0;
    {
        Guard guard(thread.signal_lock);
        if (thread.signal_timer.sequence != sequence) return; // armed anew or disarmed since it expired
        number = thread.signal_timer_number;
        if (thread.signal_timer_interval != 0) {
            const abi::Clock clock = abi::clock_of(thread.signal_timer.deadline);
            arm_timer(thread.signal_timer, abi::deadline_in(clock, moment_now(clock), thread.signal_timer_interval));
        }
    }
    const abi::SignalInfo info { .code = static_cast<std::int32_t>(abi::SignalCode::timer),
        .status = 0, .process_id = 0, .user_id = 0, .value = 0, .address = 0, .cause = 0 };
    (void)raise_to_thread(thread, number, info); // fails only if the thread's space has ended meanwhile
}

} // namespace orrery::kernel
