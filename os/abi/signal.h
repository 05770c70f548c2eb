// The signal contract: the shared words and pages through which the kernel, the runtime, the process manager and the
// Inspector agree on what is pending, what is allowed, and where an interrupted thread goes on.
//
// Numbers 1..32 are standard, 33..64 realtime. A signal's group is (number - 1) / 32 and its bit (number - 1) % 32.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace orrery::abi {

// X(number, NAME, default action, sentence). Numbers are Linux's on x86-64, so that outside programs and tables fit.
#define ORRERY_SIGNALS(X)                                                     \
    X(1, SIGHUP, terminate, "hang-up of the controlling terminal")            \
    X(2, SIGINT, terminate, "interrupt from the keyboard (^C)")               \
    X(3, SIGQUIT, core, "quit from the keyboard (^\\)")                       \
    X(4, SIGILL, core, "illegal instruction")                                 \
    X(5, SIGTRAP, core, "breakpoint or single step")                          \
    X(6, SIGABRT, core, "abort()")                                            \
    X(7, SIGBUS, core, "access to memory that has no backing")                \
    X(8, SIGFPE, core, "arithmetic fault, such as division by zero")          \
    X(9, SIGKILL, terminate, "kill; cannot be caught, blocked or ignored")    \
    X(10, SIGUSR1, terminate, "user-defined signal 1")                        \
    X(11, SIGSEGV, core, "invalid memory reference")                          \
    X(12, SIGUSR2, terminate, "user-defined signal 2")                        \
    X(13, SIGPIPE, terminate, "write with no reader")                         \
    X(14, SIGALRM, terminate, "alarm clock")                                  \
    X(15, SIGTERM, terminate, "polite request to end")                        \
    X(16, SIGSTKFLT, terminate, "stack fault (never raised)")                 \
    X(17, SIGCHLD, ignore, "a child ended, stopped or went on")               \
    X(18, SIGCONT, proceed, "go on if stopped")                               \
    X(19, SIGSTOP, stop, "stop; cannot be caught, blocked or ignored")        \
    X(20, SIGTSTP, stop, "stop from the keyboard (^Z)")                       \
    X(21, SIGTTIN, stop, "background read from the terminal")                 \
    X(22, SIGTTOU, stop, "background write to the terminal")                  \
    X(23, SIGURG, ignore, "urgent data")                                      \
    X(24, SIGXCPU, core, "processor time limit")                              \
    X(25, SIGXFSZ, core, "file size limit")                                   \
    X(26, SIGVTALRM, terminate, "virtual timer")                              \
    X(27, SIGPROF, terminate, "profiling timer")                              \
    X(28, SIGWINCH, ignore, "window size changed")                            \
    X(29, SIGIO, terminate, "I/O is possible")                                \
    X(30, SIGPWR, terminate, "power failure")                                 \
    X(31, SIGSYS, core, "filtered or unknown system call")

inline constexpr int signal_count = 64;
inline constexpr int standard_signal_count = 32;
inline constexpr int first_realtime_signal = 33;

enum class DefaultAction : std::uint8_t { terminate, core, ignore, stop, proceed };

constexpr bool is_signal(std::uint64_t number) { return number >= 1 && number <= signal_count; }
constexpr unsigned signal_group(int number) { return static_cast<unsigned>(number - 1) / 32; }
constexpr std::uint32_t signal_bit(int number) { return std::uint32_t { 1 } << ((number - 1) % 32); }
// A set over all 64 signals: bit number - 1.
constexpr std::uint64_t signal_mask64(int number) { return std::uint64_t { 1 } << (number - 1); }

constexpr const char* signal_name(int number)
{
    switch (number) {
#define X(value, NAME, action, sentence) case value: return #NAME;
    ORRERY_SIGNALS(X)
#undef X
    }
    return number >= first_realtime_signal && number <= signal_count ? "SIGRT" : "unknown";
}

constexpr const char* signal_sentence(int number)
{
    switch (number) {
#define X(value, NAME, action, sentence) case value: return sentence;
    ORRERY_SIGNALS(X)
#undef X
    }
    return number >= first_realtime_signal && number <= signal_count ? "realtime signal" : "not a signal";
}

constexpr DefaultAction default_action(int number)
{
    switch (number) {
#define X(value, NAME, action, sentence) case value: return DefaultAction::action;
    ORRERY_SIGNALS(X)
#undef X
    }
    return DefaultAction::terminate;
}

// SIGCONT and the signals that stop: they act on the whole process and discard each other while pending (POSIX 2.4.1), so
// they are never raised without the kernel.
inline constexpr int signal_continue = 18;
constexpr bool is_stop_signal(int number) { return number >= 19 && number <= 22; } // SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
constexpr bool is_job_control_signal(int number) { return number == signal_continue || is_stop_signal(number); }

// One of a thread's two words: low half pending, high half allowset (NOT of the mask).
//
// Who writes: anyone who may raise sets pending bits (fetch_or); only the owner thread clears them and changes the
// allowset (S1). Both halves share one word so that a mask change and the pending read are one atomic operation (S3):
// the owner knows its allowset, so adding (new - old) << 32 cannot carry into or disturb the low half.
// One exception to "only the owner clears": SIGCONT and the stop signals discard each other (POSIX 2.4.1), which the
// kernel does for all threads of the process at once.
// All operations are sequentially consistent: against a thread's own word a total order suffices, but a raise to the
// process is a Dekker pattern over two words (process pending, thread allowset) and needs full fences on both sides.
class SignalWord {
public:
    static constexpr std::uint32_t pending_of(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
    static constexpr std::uint32_t allowset_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
    static constexpr std::uint32_t deliverable_of(std::uint64_t word) { return pending_of(word) & allowset_of(word); }

    std::uint64_t load() const { return value_.load(std::memory_order_seq_cst); }
    std::uint32_t pending() const { return pending_of(load()); }
    std::uint32_t allowset() const { return allowset_of(load()); }

    // Raise: returns the whole word as it was, so that the sender sees "merged" and "allowed" of the same instant.
    std::uint64_t raise(std::uint32_t bits) { return value_.fetch_or(bits, std::memory_order_seq_cst); }
    // Owner (or claim-lock holder): takes pending bits away; returns the word as it was.
    std::uint64_t clear(std::uint32_t bits)
    {
        return value_.fetch_and(~std::uint64_t { bits }, std::memory_order_seq_cst);
    }
    // Owner only: replaces the allowset; returns the word as it was, pending half of that very instant.
    std::uint64_t change_allowset(std::uint32_t from, std::uint32_t to)
    {
        return value_.fetch_add((std::uint64_t { to } - std::uint64_t { from }) << 32, std::memory_order_seq_cst);
    }
    // Before the thread is known to anyone else.
    void initialize(std::uint32_t pending, std::uint32_t allowset)
    {
        value_.store(std::uint64_t { allowset } << 32 | pending, std::memory_order_seq_cst);
    }

private:
    std::atomic<std::uint64_t> value_ { 0 };
};
static_assert(sizeof(SignalWord) == 8 && std::atomic<std::uint64_t>::is_always_lock_free);

// Why a signal was raised: si_code, with Linux's values.
enum class SignalCode : std::int32_t {
    user = 0,          // SI_USER: kill()
    kernel = 0x80,     // SI_KERNEL
    queue = -1,        // SI_QUEUE: sigqueue()
    timer = -2,        // SI_TIMER
    thread = -6,       // SI_TKILL: raise(), pthread_kill()
    fault_1 = 1,       // SEGV_MAPERR, ILL_ILLOPC, FPE_INTDIV, BUS_ADRALN, TRAP_BRKPT, SYS_SECCOMP
    fault_2 = 2,       // SEGV_ACCERR, ILL_ILLOPN, FPE_INTOVF, BUS_ADRERR, TRAP_TRACE
    fault_3 = 3,       // FPE_FLTDIV
    privileged = 5,    // ILL_PRVOPC
    float_invalid = 7, // FPE_FLTINV
};

// What travels with a signal. A slot is written by a sender only while the pending bit is clear, under the kernel's
// lock of the target, before the bit is set; it is read by the consumer only while the bit is set. So the information
// is always of the signal that it comes with (S6) and no reader can see half of it.
struct SignalInfo {
    std::int32_t code;   // SignalCode
    std::int32_t status; // SIGCHLD: exit status or signal
    std::uint32_t process_id;
    std::uint32_t user_id;
    std::uint64_t value;   // sigqueue's sigval
    std::uint64_t address; // faults
    std::uint64_t cause;   // flight-recorder cause id of the raise; the kernel overwrites what a sender writes here
};
static_assert(sizeof(SignalInfo) == 40);

// A synchronous fault, written by the kernel just before it diverts the thread; signal 0 = none.
struct FaultRecord {
    std::uint32_t signal;
    std::int32_t code;
    std::uint64_t address;    // CR2, or the address of the instruction
    std::uint32_t trap;       // vector, Intel SDM volume 3 section 6.3
    std::uint32_t error_code; // as pushed by the processor, or 0
    std::uint64_t cause;
};
static_assert(sizeof(FaultRecord) == 32);

// One entry of the runtime's own flight recorder (phases that never enter the kernel).
struct UserTraceRecord {
    std::uint64_t sequence; // 1 + running number; 0 while the record is being written
    std::uint64_t time;     // TSC
    std::uint32_t phase;    // abi::Phase
    std::uint32_t reserved;
    std::uint64_t cause;
    std::uint64_t arguments[3];
};
static_assert(sizeof(UserTraceRecord) == 56);
inline constexpr std::size_t user_trace_capacity = 32;

// The thread's page. It lies at the thread pointer (FS base), so FS:0 is the pointer to itself that the x86-64 TLS ABI
// wants, and FS:0x28 the stack guard that compilers use. One page, page-aligned; the kernel holds a reference to its
// frame and reads and writes it through its own map, so nothing that the program does to the mapping can fault it.
struct ThreadControl {
    ThreadControl* self;           // 0x00
    SignalWord words[2];           // 0x08 standard, 0x10 realtime
    std::uint64_t saved_rip;       // 0x18 kernel at delivery: where the thread was
    std::uint64_t saved_rflags;    // 0x20 kernel at delivery
    std::uint64_t stack_guard;     // 0x28
    std::uint64_t deferred_at;     // 0x30 kernel: RIP at which it found inhibit set and a signal deliverable; else 0
    std::uint32_t inhibit;         // 0x38 nonzero: the kernel must not divert. Kernel sets it at delivery.
    std::uint32_t inhibit_depth;   // 0x3c runtime: nesting of inhibit sections
    FaultRecord fault;             // 0x40 kernel at delivery of a synchronous fault
    struct ProcessControl* process; // 0x60 runtime
    std::uint64_t extended_state_mask; // 0x68 kernel at registration: XCR0
    std::uint32_t extended_state_size; // 0x70 kernel at registration: bytes that XSAVE writes for that mask
    std::uint32_t interrupted_without_restart; // 0x74 runtime: a handler without SA_RESTART ran
    std::uint64_t alternate_stack_base;        // 0x78 runtime (sigaltstack); size 0 = none
    std::uint64_t alternate_stack_size;        // 0x80
    struct SignalFrame* innermost_frame;       // 0x88 runtime: newest frame whose handler has not returned, or null
    std::uint64_t self_raised;     // 0x90 runtime, owner only: signals (bit number - 1) that raise() made pending
    std::uint64_t scratch[4];      // 0x98 trampoline: a spill slot; the RIP that it goes back to; unused
    std::uint32_t thread_handle;   // 0xb8 the thread's handle on itself, if the runtime has one
    std::uint32_t thread_number;   // 0xbc kernel at registration: thread id, as the Inspector shows it
    std::atomic<std::uint64_t> user_trace_next; // 0xc0 running number of the next record
    std::uint32_t user_trace_enabled;           // 0xc8 runtime: nonzero = record ring and signal phases
    std::int32_t error_number;                  // 0xcc unused: errno lives in the C library's state
    SignalInfo slots[standard_signal_count];    // 0xd0 thread-directed standard signals
    UserTraceRecord user_trace[user_trace_capacity];
};
static_assert(offsetof(ThreadControl, words) == 0x08 && offsetof(ThreadControl, saved_rip) == 0x18);
static_assert(offsetof(ThreadControl, saved_rflags) == 0x20 && offsetof(ThreadControl, stack_guard) == 0x28);
static_assert(offsetof(ThreadControl, deferred_at) == 0x30 && offsetof(ThreadControl, inhibit) == 0x38);
static_assert(offsetof(ThreadControl, fault) == 0x40 && offsetof(ThreadControl, process) == 0x60);
static_assert(offsetof(ThreadControl, scratch) == 0x98 && offsetof(ThreadControl, slots) == 0xd0);
static_assert(sizeof(ThreadControl) <= 4096);

// One signal's action. Two words that the owner changes under action_lock; handler 0 = default, 1 = ignore.
struct SignalAction {
    std::uint64_t handler;
    std::uint64_t mask;  // sa_mask, bit number - 1
    std::uint32_t flags; // SA_*
    std::uint32_t reserved;
};
static_assert(sizeof(SignalAction) == 24);
inline constexpr std::uint64_t handler_default = 0;
inline constexpr std::uint64_t handler_ignore = 1;

// sa_flags, Linux's values.
enum SignalActionFlag : std::uint32_t {
    action_no_child_stop = 1,
    action_no_child_wait = 2,
    action_siginfo = 4,
    action_on_stack = 0x08000000,
    action_restart = 0x10000000,
    action_no_defer = 0x40000000,
    action_reset_handler = 0x80000000,
};

// The process's page, shared by its threads and the kernel; one page, page-aligned.
//
// pending: set by senders; cleared by any thread of the process that holds claim_lock, after it copied the slot. The
// lock makes the consumer single, so the slot rule of SignalInfo holds here too.
struct ProcessControl {
    std::atomic<std::uint64_t> pending; // all 64 process-directed signals, bit number - 1
    std::atomic<std::uint64_t> ignored; // runtime: signals that a sender may discard at once
    std::atomic<std::uint32_t> claim_lock;  // runtime; taken with inhibit set
    std::atomic<std::uint32_t> action_lock; // runtime; taken with inhibit set
    std::uint32_t process_id;
    std::uint32_t user_id;
    SignalAction actions[signal_count];
    SignalInfo slots[standard_signal_count];
    std::atomic<std::uint32_t> continued; // kernel: how often SIGCONT came; see signal_stop
};
static_assert(offsetof(ProcessControl, actions) == 32);
static_assert(sizeof(ProcessControl) <= 4096);

// Registers in the order of Linux's gregs, which is what outside programs index by REG_RIP and its like.
enum class SavedRegister : unsigned {
    r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags, segments, error_code,
    trap, old_mask, fault_address, count
};

// The runtime's frame on the handler's stack, low address first. `context` is what the handler gets as ucontext_t; the
// runtime asserts that its <signal.h> has the same layout. The Inspector finds the newest through
// ThreadControl::innermost_frame and older ones through `previous`.
inline constexpr std::uint64_t signal_frame_magic = 0x6d61'7266'6769'7321; // "!sigfram"
struct SignalFrame {
    std::uint64_t magic;
    SignalFrame* previous;
    std::uint64_t cause;
    std::int32_t signal;
    std::uint32_t flags;      // the action's flags that the handler was called with
    std::uint64_t handler;
    std::uint64_t return_frame[5]; // RIP, CS, RFLAGS, RSP, SS as IRETQ wants them, from `context` at return
    SignalInfo info;               // as claimed; siginfo_t is made from it
    std::uint8_t siginfo[128];     // siginfo_t
    // ucontext_t:
    std::uint64_t context_flags;
    void* context_link;
    std::uint64_t context_stack[3]; // stack_t: ss_sp, ss_flags, ss_size
    std::uint64_t registers[static_cast<unsigned>(SavedRegister::count)];
    void* extended_state;           // XSAVE area, 64-byte aligned, above this structure
    std::uint64_t context_reserved[8];
    std::uint64_t mask;             // uc_sigmask: the mask to go back to, bit number - 1
};
static_assert(sizeof(SignalFrame) % 8 == 0);

} // namespace orrery::abi
