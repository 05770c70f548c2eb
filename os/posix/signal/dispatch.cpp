// Second half of a delivery: runs handlers on a frame whose registers are saved, until nothing is left to deliver.
#include "posix/signal/claim.h"
#include "posix/signal/trace.h"

#include "abi/phase_probe.h"

#include <signal.h>
#include <ucontext.h>

namespace orrery::signal {

namespace {

using abi::SavedRegister;
using abi::SignalFrame;
using abi::ThreadControl;

using Handler = void (*)(int, siginfo_t*, void*);
extern "C" void orrery_call_on_stack(int, siginfo_t*, void*, Handler, std::uint64_t stack_top);

// A frame that was placed for another signal may lie on the wrong stack for this one; the handler still runs where its
// action says. Returns the stack's top, or 0 to stay below the frame.
std::uint64_t other_stack(const ThreadControl& control, const SignalFrame& frame)
{
    constexpr std::uint64_t red_zone = 128; // AMD64 ABI 3.2.2
    if (control.alternate_stack_size == 0 || frame.context_stack[1] == SS_ONSTACK) return 0;
    const auto here = reinterpret_cast<std::uint64_t>(&frame);
    const bool is_there = here - control.alternate_stack_base < control.alternate_stack_size;
    const bool belongs_there = (frame.flags & abi::action_on_stack) != 0;
    if (is_there == belongs_there) return 0;
    return belongs_there ? control.alternate_stack_base + control.alternate_stack_size
                         : frame.registers[static_cast<unsigned>(SavedRegister::rsp)] - red_zone;
}

void run_handler(ThreadControl& control, SignalFrame& frame)
{
    const auto address = reinterpret_cast<std::uint64_t>(&frame);
    const int number = frame.signal;
    ORRERY_USER_PHASE(control, signal, framed, frame.cause, address, number,
        frame.registers[static_cast<unsigned>(SavedRegister::rip)]);
    frame.previous = control.innermost_frame;
    control.innermost_frame = &frame;
    const auto handler = reinterpret_cast<Handler>(frame.handler);
    const std::uint32_t flags = frame.flags;
    const std::uint64_t stack = other_stack(control, frame);
    ORRERY_USER_PHASE(control, signal, handled, frame.cause, address, number, frame.handler);

    // As leaving an inhibit section: clear, then look. What was deferred is delivered right here, nested, with a frame
    // below this one.
    store_in_order(control.inhibit, 0);
    if (__atomic_load_n(&control.deferred_at, __ATOMIC_RELAXED) != 0) [[unlikely]]
        orrery_software_entry();

    auto* info = reinterpret_cast<siginfo_t*>(frame.siginfo);
    void* context = &frame.context_flags;
    if (stack == 0) [[likely]]
        handler(number, info, context);
    else
        orrery_call_on_stack(number, info, context, handler, stack);

    store_in_order(control.inhibit, 1);
    control.innermost_frame = frame.previous;
    // After the handler, so that a wait inside the handler cannot wipe them out.
    runtime::thread_state.handlers_run++;
    if ((flags & abi::action_restart) == 0) control.interrupted_without_restart = 1;
    ORRERY_USER_PHASE(control, signal, returned, frame.cause, address, number,
        frame.registers[static_cast<unsigned>(SavedRegister::rip)]);
    set_allowset(control, ~frame.mask);
}

// Clears deferred_at, then looks: true if there is nothing more to deliver.
bool is_done(ThreadControl& control)
{
    __atomic_store_n(&control.deferred_at, 0, __ATOMIC_SEQ_CST);
    return control.fault.signal == 0 && !deliverable(control);
}

[[gnu::noinline]] void deliver_more(ThreadControl& control, SignalFrame& frame)
{
    do {
        abi::SignalAction action;
        const Choice choice = choose_signal(control, action);
        if (choice.number == 0) return;
        fill_delivery(control, frame, choice, action);
        run_handler(control, frame);
    } while (!is_done(control));
}

} // namespace

// Looks for more on a frame whose handlers have returned. Inhibit is set.
extern "C" void orrery_signal_redeliver(SignalFrame* frame)
{
    ThreadControl& control = *runtime::thread_control();
    if (!is_done(control)) [[unlikely]]
        deliver_more(control, *frame);
    trace(control, abi::Phase::signal_resumed, frame->cause, reinterpret_cast<std::uint64_t>(frame),
        static_cast<std::uint64_t>(frame->signal), frame->registers[static_cast<unsigned>(SavedRegister::rip)]);
}

extern "C" void orrery_signal_dispatch(SignalFrame* frame)
{
    if (frame->signal != 0) [[likely]]
        run_handler(*runtime::thread_control(), *frame);
    orrery_signal_redeliver(frame);
}

} // namespace orrery::signal
