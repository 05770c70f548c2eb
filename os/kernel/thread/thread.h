// A thread: a kernel stack, a place in a queue, what it waits for, and where its signal words are.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/scheduling.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/handle/object.h"
#include "kernel/memory/account.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/thread/timer.h"

namespace orrery::kernel {

class AddressSpace;
struct Cpu;

enum class ThreadState : std::uint32_t { ready, running, blocked, ended };

// Why a thread sleeps. The Inspector shows the enumerator and makes a sentence of object and value.
enum class WaitReason : std::uint32_t {
    none,
    futex,         // object = user address, value = what the word held
    futex_owned,   // likewise, and the word names the thread that has to change it (abi/futex.h)
    space_end,     // object = number of the space
    ring_entries,  // object = number of the ring: the consumer waits for entries
    ring_space,    // object = number of the ring: the producer waits for free slots
    signal,        // until an allowed signal is pending
    stopped,       // SIGSTOP: until SIGCONT
    scheme_call,    // object = number of the scheme, value = number of the server's thread, once it has received the call
    scheme_cancel,  // the same, and the server has been asked to answer soon; signals do not end this wait
    memory_pressure, // value = the level: until memory is that short
    page_in,        // object = number of the scheme whose server brings the page, value as for scheme_call
    event,          // object = number of the event
    scheme_receive, // object = number of the scheme: a server waits for calls
};

// Set in Thread::hot.attention by anyone, tested on every return to user mode.
enum Attention : std::uint32_t {
    attention_signal = 1u << 0,     // look at the signal words
    attention_end = 1u << 1,        // the space ends: so does the thread
    attention_reschedule = 1u << 2, // the time slice is over
    attention_stop = 1u << 3,       // the space is stopped
};

struct ThreadHot { // what assembly touches (cpu/offsets.h)
    std::atomic<std::uint32_t> attention { 0 };
    std::uint64_t syscalls = 0; // system calls that this thread has made
    std::uint64_t filter = ~std::uint64_t { 0 }; // bit per abi::Syscall that it may make; its own, and only shrinks
};

// What a sleeping thread waits for. Written by the thread itself before it sleeps, so a stopped guest shows the truth.
struct WaitRecord {
    WaitReason reason = WaitReason::none;
    std::uint64_t object = 0;
    std::uint64_t value = 0;
    std::uint64_t deadline = abi::no_deadline; // ns
    std::uint64_t sequence = 0;                // counts waits, so that a late time-out hits nothing else
};

class Thread final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::thread;

    // Makes a thread that will begin at `entry` with the given user stack pointer, RDI and FS base. out_of_memory,
    // limit_reached (of the space's memory), bad_address (not user addresses).
    struct Start {
        std::uint64_t entry, stack_pointer, argument, thread_pointer;
    };
    static Result<Ref<Thread>> create(Ref<AddressSpace> space, const Start& start);
    // Lets it run, once. limit_reached, terminated (the space has ended).
    Status start();
    // A CPU's idle thread runs on the boot stack of that CPU and belongs to no space.
    static Thread* create_idle(Cpu& cpu);
    ~Thread() override;

    ThreadHot hot;
    Thread* all_next = nullptr; // list of all threads, for the Inspector
    Thread* all_previous = nullptr;
    AddressSpace* space = nullptr; // referenced; null for idle threads

    Spinlock lock { LockRank::thread };
    ThreadState state GUARDED_BY(lock) = ThreadState::ready;
    WaitRecord wait; // the thread's own, stable while it is blocked
    Error wait_result GUARDED_BY(lock) = Error::none;
    std::atomic<bool> on_cpu { false }; // still runs on its stack although it may be ready elsewhere already
    Cpu* cpu = nullptr;                 // where it runs, or ran last
    std::uint64_t switches = 0;

    std::uint64_t kernel_stack = 0; // top; in the kernel stack area
    std::uint64_t kernel_stack_pointer = 0; // while it does not run
    TrapFrame* trap_frame = nullptr; // the user registers: at the top of the kernel stack, valid while in the kernel
    std::uint64_t fs_base = 0; // saved while it does not run
    std::uint64_t gs_base = 0;
    std::byte* extended_state = nullptr;
    Charge charge; // of its space, for these two and the thread itself

    // Signals: kernel addresses of the two shared pages (0 until signal_register), whose frames are referenced.
    Frame* control_frame = nullptr;
    abi::ThreadControl* control_page = nullptr;
    abi::ProcessControl* process_page = nullptr; // the space's
    std::uint64_t control_address = 0; // user address
    std::uint64_t trampoline = 0;      // user address
    Spinlock signal_lock { LockRank::signal };
    Timer wait_timer { *this, TimerPurpose::wait_timeout };
    Timer signal_timer { *this, TimerPurpose::signal };
    int signal_timer_number = 0;
    std::uint64_t signal_timer_interval = 0; // ns; 0 = once

    // Scheduling. `inherited` is what a server has of its callers (scheme/scheme.cpp) and only ever raises.
    std::atomic<std::uint8_t> own_priority { abi::priority_normal };
    std::atomic<std::uint8_t> inherited_priority { 0 };
    std::atomic<std::uint32_t> lender { 0 }; // number of the scheme that it has that from
    std::atomic<std::uint8_t> effective_priority { abi::priority_normal }; // the higher of the two
    unsigned priority() const { return effective_priority.load(std::memory_order_relaxed); }
    std::atomic<std::uint32_t> allowed_cpus { ~std::uint32_t { 0 } }; // bit per CPU
    bool may_run_on(unsigned cpu_number) const
    {
        return (allowed_cpus.load(std::memory_order_relaxed) >> cpu_number & 1) != 0;
    }
    std::atomic<Cpu*> queued_on { nullptr }; // whose run queue it waits in; changes under that queue's lock
    std::uint8_t queued_level = 0;           // likewise
    std::uint64_t slice_left = 0; // ns of its turn, if it was interrupted in it by a better one; else 0
    ListLink<Thread> run_link;   // a CPU's ready list
    ListLink<Thread> space_link; // the space's threads
    std::uint64_t exit_word = 0; // user address to zero and wake at the end

private:
    Thread(std::uint32_t number) : Object(object_kind, number) {}
};

inline bool must_end(const Thread& thread)
{
    return (thread.hot.attention.load(std::memory_order_seq_cst) & attention_end) != 0;
}

// Waits that no signal ends, only the end of the space. For a page: the instruction, or the system call in its middle,
// can only go on with it, and a signal that comes again and again must not keep it from ever coming.
constexpr bool outlasts_signals(WaitReason reason)
{
    return reason == WaitReason::stopped || reason == WaitReason::scheme_cancel || reason == WaitReason::page_in;
}

// True if the thread must not sleep for this reason: it is to end, or a signal that it allows is pending (which does
// not matter to a stopped thread). Inhibit does not matter either: a thread that inhibits delivery must still be woken,
// or the signal would wait for ever.
bool has_reason_to_wake(Thread& thread, WaitReason reason) REQUIRES(thread.lock);

} // namespace orrery::kernel
