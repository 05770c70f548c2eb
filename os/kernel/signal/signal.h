// Signals in the kernel: setting pending bits, and sending a thread to its trampoline. Handlers, masks and frames are
// the runtime's business; the contract is abi/signal.h.
#pragma once

#include <cstdint>

#include "abi/signal.h"
#include "kernel/base/error.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {

class AddressSpace;

// Raises a signal at a thread or at a space (any of its threads may take it). SIGKILL ends the space at once; number 0
// only tests whether the target lives. invalid_argument (not a signal), terminated, unsupported (realtime signals, or a
// thread that has not registered its control page; a space keeps what comes too early).
Status raise_to_thread(Thread& target, int number, const abi::SignalInfo& info);
Status raise_to_space(AddressSpace& target, int number, const abi::SignalInfo& info);

// Records where the calling thread keeps its control pages and where its trampoline is; addresses are user addresses of
// page-aligned, writable memory, and of no pager. The kernel keeps the frames, whatever becomes of the mappings.
Status register_signals(std::uint64_t thread_control, std::uint64_t process_control, std::uint64_t trampoline);

// On the way to user mode: diverts the thread if a signal is deliverable, or notes that it inhibits delivery.
void deliver_signals(Thread& thread, TrapFrame& frame);

// A system call that the thread's filter does not allow: SIGSYS with the call's number as error code, the arguments
// where the program put them, and access_denied in RAX for a handler that does not answer for the kernel.
extern "C" void refuse_syscall(TrapFrame& frame);

// A fault in user mode: diverts the thread with a fault record, or ends its space if it cannot take the signal.
struct Fault {
    int signal;
    abi::SignalCode code;
    std::uint64_t address;
};
// What the trap frame's vector and error code say of the fault goes into its record, too.
void deliver_fault(Thread& thread, TrapFrame& frame, const Fault& fault);

// Before a thread ends or when it cannot take a process-directed signal: another one that allows it shall look. A
// thread that only inhibits delivery will look again itself, so it hands on to those that can take the signal now and
// no others: two that inhibit would interrupt each other for ever.
void hand_on_process_signals(Thread& thread, bool also_to_inhibiting);

// signal_timer: deadline 0 disarms.
Status set_signal_timer(Thread& thread, std::uint64_t deadline, std::uint64_t interval, int number);
// The timer was due; `sequence` is the timer's from when it was armed.
void raise_timer_signal(Thread& thread, std::uint64_t sequence);
Status wait_for_signal(std::uint64_t deadline);

} // namespace orrery::kernel
