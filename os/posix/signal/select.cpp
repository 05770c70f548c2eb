// First half of a delivery: from the dispatch stack, chooses a signal and places and fills its frame.
//
// Runs in the trampoline before the vector registers are saved: the build compiles this file with general registers
// only.
#include "posix/signal/claim.h"

#include "abi/cpu.h"

namespace orrery::signal {

namespace {

using abi::SavedRegister;
using abi::SignalFrame;
using abi::ThreadControl;

constexpr std::uint64_t red_zone = 128; // AMD64 ABI 3.2.2
constexpr std::uint64_t state_alignment = 64; // XSAVE, Intel SDM volume 1, 13.4
constexpr std::uint64_t state_header = 512; // offset of the XSAVE header, 64 bytes
constexpr std::uint64_t dispatch_reserve = 512; // what signal_dispatch itself needs below the frame

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) { return value & -alignment; }

std::uint64_t& reg(SignalFrame& frame, SavedRegister which) { return frame.registers[static_cast<unsigned>(which)]; }

bool on_alternate_stack(const ThreadControl& control, std::uint64_t stack_pointer)
{
    return stack_pointer - control.alternate_stack_base - 1 < control.alternate_stack_size;
}

// On the interrupted stack, or at the top of the alternate one if the action wants it and the thread is not there yet.
SignalFrame* place_frame(
    const ThreadControl& control, std::uint64_t stack_pointer, bool already_there, std::uint32_t flags)
{
    const bool go_there = !already_there && (flags & abi::action_on_stack) != 0 && control.alternate_stack_size != 0;
    const std::uint64_t top =
        go_there ? control.alternate_stack_base + control.alternate_stack_size : stack_pointer - red_zone;
    const std::uint64_t state = align_down(top - control.extended_state_size, state_alignment);
    const std::uint64_t frame = align_down(state - sizeof(SignalFrame), 16);
    // Where the end of the stack is known, an overflow is not left to chance; POSIX: SIGSEGV, and nothing to handle it.
    if ((already_there || go_there) && frame - dispatch_reserve < control.alternate_stack_base)
        runtime::end_by_signal(11);

    auto* placed = reinterpret_cast<SignalFrame*>(frame);
    placed->extended_state = reinterpret_cast<void*>(state);
    // XSAVE writes XSTATE_BV only; XRSTOR faults unless the rest of the header is zero (SDM volume 1, 13.4.2, 13.8.1).
    auto* header = reinterpret_cast<std::uint64_t*>(state + state_header);
    for (unsigned i = 0; i < 8; i++)
        header[i] = 0;
    return placed;
}

} // namespace

void fill_siginfo(std::uint8_t* siginfo, int number, const abi::SignalInfo& info, bool is_fault)
{
    // siginfo_t's layout is asserted in layout.cpp: number, errno, code, padding; then two words by kind.
    auto* words = reinterpret_cast<std::uint64_t*>(siginfo);
    words[0] = static_cast<std::uint32_t>(number);
    words[1] = static_cast<std::uint32_t>(info.code);
    if (is_fault) {
        words[2] = info.address;
        words[3] = info.value; // SIGSYS
    } else {
        words[2] = info.process_id | std::uint64_t { info.user_id } << 32;
        words[3] = number == 17 ? static_cast<std::uint32_t>(info.status) : info.value; // SIGCHLD
    }
}

void fill_delivery(ThreadControl& control, SignalFrame& frame, const Choice& choice, const abi::SignalAction& action)
{
    frame.cause = choice.information->cause;
    frame.signal = choice.number;
    frame.flags = action.flags;
    frame.handler = action.handler;
    frame.info = *choice.information;
    const bool is_fault = choice.origin == Origin::fault;
    fill_siginfo(frame.siginfo, choice.number, frame.info, is_fault);
    if (is_fault) [[unlikely]] {
        reg(frame, SavedRegister::error_code) = control.fault.error_code;
        reg(frame, SavedRegister::trap) = control.fault.trap;
        reg(frame, SavedRegister::fault_address) = control.fault.address;
        control.fault.signal = 0;
    } else {
        reg(frame, SavedRegister::error_code) = 0;
        reg(frame, SavedRegister::trap) = 0;
        reg(frame, SavedRegister::fault_address) = 0;
        if (choice.origin == Origin::thread) clear_pending(control, choice.number);
    }

    // The mask to go back to, and the mask of the handler. Inhibit keeps anything from being delivered in between.
    const std::uint64_t allowed = allowset(control);
    frame.mask = ~allowed;
    reg(frame, SavedRegister::old_mask) = ~allowed;
    std::uint64_t blocked = action.mask;
    if ((action.flags & abi::action_no_defer) == 0) blocked |= abi::signal_mask64(choice.number);
    change_allowset(control, allowed, allowed & (~blocked | unblockable));
}

extern "C" SignalFrame* orrery_signal_select(ThreadControl* control_page, std::uint64_t stack_pointer)
{
    ThreadControl& control = *control_page;
    abi::SignalAction action;
    const Choice choice = choose_signal(control, action);
    const bool on_alternate = on_alternate_stack(control, stack_pointer);
    SignalFrame& frame = *place_frame(control, stack_pointer, on_alternate, choice.number != 0 ? action.flags : 0);
    frame.magic = abi::signal_frame_magic;
    frame.previous = control.innermost_frame;
    frame.context_flags = 0;
    frame.context_link = nullptr;
    frame.context_stack[0] = control.alternate_stack_base;
    frame.context_stack[1] = on_alternate ? 1u : control.alternate_stack_size == 0 ? 2u : 0u; // SS_ONSTACK, SS_DISABLE
    frame.context_stack[2] = control.alternate_stack_size;
    reg(frame, SavedRegister::rip) = control.saved_rip;
    reg(frame, SavedRegister::rflags) = control.saved_rflags;
    reg(frame, SavedRegister::rsp) = stack_pointer;
    // Linux's layout of the word: CS, GS, FS, SS, 16 bits each.
    reg(frame, SavedRegister::segments) = abi::user_code_selector | std::uint64_t { abi::user_data_selector } << 48;
    if (choice.number != 0) [[likely]] {
        fill_delivery(control, frame, choice, action);
    } else {
        // Somebody else took it: the frame only carries the thread back.
        frame.signal = 0;
        frame.cause = 0;
        frame.mask = ~allowset(control);
    }
    return &frame;
}

} // namespace orrery::signal
