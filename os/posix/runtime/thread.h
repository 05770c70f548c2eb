// Access to the calling thread's control page and to what the runtime keeps beside it.
#pragma once

#include "abi/signal.h"

#include <atomic>
#include <cstdint>

namespace orrery::runtime {

// FS:0 holds the page's own address (x86-64 TLS ABI). Not volatile: it never changes for a thread, so the compiler may
// keep it in a register.
inline abi::ThreadControl* thread_control()
{
    abi::ThreadControl* control;
    asm("movq %%fs:0, %0" : "=r"(control));
    return control;
}

// What a thread's memory looks like: [TLS block][ThreadControl][guard page][dispatch stack]. The dispatch stack is
// where the trampoline chooses a signal, before it knows on which of the program's stacks a frame may go.
inline constexpr std::uint64_t dispatch_stack_offset = 8192; // from the control page to the stack's lowest byte
inline constexpr std::uint64_t dispatch_stack_size = 4096;

// The runtime's own per-thread words, in thread-local storage: nobody else needs to know where they are.
struct ThreadState {
    // Counts handlers that have run, so that a waiting function knows whether one ran while it waited.
    std::uint64_t handlers_run = 0;
    // What travels with a signal that the thread raised at itself: always the same, so it is made once.
    abi::SignalInfo self_information {};
    // What travels with a fault or a process-directed signal, between its claim and its frame.
    abi::SignalInfo claimed_information {};
    // ProcessControl::continued from before the newest claim of a process-directed signal.
    std::uint32_t continued_before_claim = 0;
};
extern constinit thread_local ThreadState thread_state;

// Process-wide facts from the auxiliary vector.
struct ProcessState {
    std::uint32_t space = 0; // handle of the own address space
    std::uint32_t console = 0; // handle, 0 if there is none
    std::uint32_t process_id = 0;
    const std::uint64_t* auxiliary = nullptr; // type, value pairs
};
extern constinit ProcessState process_state;

// The memory of one thread as mapped: what has to be unmapped when it is gone.
struct ThreadMemory {
    abi::ThreadControl* control = nullptr; // nullptr: memory is out
    std::uint64_t address = 0;
    std::uint64_t size = 0; // bytes
};
// Allocates and fills the memory of one thread, which allows all signals.
ThreadMemory make_thread_memory(abi::ProcessControl* process);
// Makes the memory of a thread that is gone as good as new, for another one.
void renew_thread_memory(const ThreadMemory& memory);
// Makes the calling thread own `control`: sets FS base and tells the kernel.
std::int64_t adopt_thread_memory(abi::ThreadControl* control);

// newlib's state for the calling thread; without it the first thread's is used. reent.cpp.
void use_reent(struct _reent* reent);

// Ends the process at once, as a signal would.
[[noreturn]] void end_by_signal(int signal_number);

} // namespace orrery::runtime
