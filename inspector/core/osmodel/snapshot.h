// The OS model: what the guest was at one instant, as plain values that never change once made.
// Views, lessons, the text front and the tests read this and nothing else of the guest.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/descriptor.h"
#include "abi/handle.h"
#include "abi/memory.h"
#include "abi/phase.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "inspector/core/osmodel/memory_values.h"

namespace orrery::inspector {

// How far a picture may be trusted. Every view shows it.
enum class Freshness {
    live,    // read while the guest runs
    stopped, // read while it stands still: exact
    stale,   // nothing newer could be read
    torn,    // the guest changed the structures while they were read
};

struct RegisterFile {
    // Order of abi::SavedRegister for the first 17 (r8..r15 rdi rsi rbp rbx rdx rax rcx rsp rip), then rflags.
    std::array<std::uint64_t, 18> general {};
    std::uint64_t fs_base = 0, gs_base = 0, kernel_gs_base = 0, cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0;
    std::uint16_t cs = 0, ss = 0;

    std::uint64_t rip() const { return general[static_cast<unsigned>(abi::SavedRegister::rip)]; }
    std::uint64_t rsp() const { return general[static_cast<unsigned>(abi::SavedRegister::rsp)]; }
    std::uint64_t rflags() const { return general[static_cast<unsigned>(abi::SavedRegister::rflags)]; }
    bool in_user_mode() const { return (cs & 3) == 3; }
};

struct CpuView {
    unsigned number = 0;
    std::uint32_t thread = 0; // id of the thread on it; 0 = idle
    bool idle = false;
    std::optional<RegisterFile> registers; // only while stopped
};

struct SlotView { // a siginfo slot that belongs to a pending bit
    int signal = 0;
    abi::SignalInfo info {};
};

struct FrameView { // one SignalFrame on a user stack, newest first
    std::uint64_t address = 0;
    std::uint64_t previous = 0;
    int signal = 0;
    std::uint64_t handler = 0;
    std::string handler_name; // symbol, if known
    std::uint32_t flags = 0;
    std::uint64_t cause = 0;
    std::array<std::uint64_t, static_cast<unsigned>(abi::SavedRegister::count)> registers {};
    std::uint64_t mask = 0;
    abi::SignalInfo info {};
    std::uint64_t extended_state = 0;
    bool valid = false;  // false: memory could not be read or the magic is wrong
    std::string problem; // the sentence, if not valid
};

struct SignalView { // all that a thread's delivery depends on; masks over 64 signals, bit number - 1
    bool registered = false; // false: the thread has no control page (it has not told the kernel yet)
    std::uint64_t control_address = 0; // user virtual address of the ThreadControl
    std::uint64_t pending = 0, allowset = 0;
    std::uint64_t process_pending = 0, process_ignored = 0;
    bool inhibit = false;
    std::uint32_t inhibit_depth = 0;
    std::uint64_t deferred_at = 0, saved_rip = 0, saved_rflags = 0;
    std::string deferred_at_name;     // "trampoline+0x34", if deferred_at is not 0
    std::uint64_t trampoline = 0;     // user virtual address
    abi::FaultRecord fault {};
    std::uint64_t alternate_stack_base = 0, alternate_stack_size = 0;
    std::vector<SlotView> thread_slots, process_slots; // of pending signals only
    std::array<abi::SignalAction, abi::signal_count> actions {};
    bool actions_known = false;
    std::vector<FrameView> frames;

    std::uint64_t deliverable() const { return (pending | process_pending) & allowset; }
};

struct ThreadView {
    std::uint32_t id = 0;
    std::uint32_t space = 0;
    std::string space_name;
    std::string state;       // "running", "ready", "blocked", "ended" (kernel::ThreadState's enumerator)
    int cpu = -1;            // where it runs or ran last
    std::string wait_reason; // kernel::WaitReason's enumerator, "" if it does not wait
    std::uint64_t wait_object = 0, wait_value = 0, wait_deadline = 0;
    std::optional<std::uint32_t> wait_word; // what the futex word holds that it sleeps on; its lower half, if it is wide
    unsigned priority = 0, own_priority = 0; // what it runs with, and without what its callers lend it (0 .. 31)
    std::uint32_t allowed_cpus = 0;          // bit per CPU; 0 = not known
    std::string why;         // one sentence: "waits for entries on ring 1 (consumer side)", "runs on CPU 0"
    std::string place;       // where its user code stands: "main+0x12 (ping.cpp:34)"; "" if unknown
    std::uint64_t address = 0; // of kernel::Thread
    std::optional<RegisterFile> registers; // user registers: from the trap frame, or the CPU if it runs in user mode
    std::uint64_t switches = 0, syscalls = 0;
    SignalView signals;
};

struct MappingView {
    std::uint64_t begin = 0, end = 0, offset = 0;
    std::uint32_t protection = 0;
    std::string object; // "memory 12", "ring 1"
    std::uint64_t object_address = 0; // of kernel::MemoryObject, the key of Snapshot::memory_object()
};

struct HandleView {
    std::uint32_t number = 0;
    std::string kind;
    std::uint32_t rights = 0;
    std::uint64_t object = 0;
    std::string label; // "space 3 (ping)", "ring 1"
};

// What a space is charged with, in pages (kernel/memory/account.h).
struct AccountView {
    bool known = false;
    std::uint64_t charged = 0; // all: with what the kernel keeps, and with the spaces below if it has a limit
    std::uint64_t objects = 0; // of memory objects
    std::optional<std::uint32_t> limit;
    std::optional<std::uint64_t> charged_above; // the account that bounds this one too, if there is one,
    std::optional<std::uint32_t> limit_above;   // and its limit
};

struct SpaceView {
    std::uint32_t id = 0;
    std::string name;
    std::uint64_t address = 0, cr3 = 0;
    bool ended = false, ending = false; // ending: its threads are on their way out
    bool stopped = false;               // by SIGSTOP or its like
    abi::ExitStatus exit_status {};
    std::vector<std::uint32_t> threads;
    std::vector<MappingView> mappings;
    std::vector<HandleView> handles;
    PageTablesView page_tables;
    AccountView account;
};

struct RingSideView {
    std::uint32_t index = 0; // free-running
    bool waiting = false;
    std::uint32_t broken = 0;
    std::uint64_t wakes = 0, sleeps = 0;
    std::uint32_t thread = 0; // who sleeps on this side, 0 = nobody
};

struct RingView {
    std::uint32_t number = 0;
    std::uint64_t address = 0; // of kernel::Ring
    std::uint32_t entry_size = 0, capacity = 0;
    std::uint32_t kernel_broken = 0;
    RingSideView producer, consumer;
    std::vector<std::uint8_t> entries; // capacity * entry_size bytes, slot 0 first
    bool valid = false;
    std::string problem;
    std::uint32_t used() const { return producer.index - consumer.index; }
};

struct CallView { // a call that somebody has made to a scheme and that is not answered yet
    std::uint32_t tag = 0;
    std::uint32_t thread = 0, space = 0;                // the caller's
    std::uint32_t server_thread = 0, server_space = 0;  // who received it; 0 = nobody yet
    std::string state;           // "submitted", "received" (kernel::CallState's enumerator)
    std::uint32_t opcode = 0, flags = 0, priority = 0;  // flags: abi::SqeFlag
    std::uint64_t buffer = 0, buffer_size = 0;          // the caller's memory that it offers, if the flags say so
    std::uint64_t cause = 0;
    bool cancelled = false;
    bool cancel_untold = false; // no server has heard of that yet
};

struct SchemeView {
    std::uint32_t number = 0;
    std::uint64_t address = 0;            // of kernel::Scheme
    std::vector<CallView> waiting;        // in the order in which servers will get them
    std::vector<CallView> received;       // ascending tag
    std::vector<std::uint32_t> receivers; // server threads that wait for a call, first come first served
    std::uint32_t open_servers = 0;       // handles that may serve
    std::uint32_t next_tag = 0;
    bool closed = false;                  // the last of them is gone, for good
    bool valid = false;                   // false: part of it could not be read
    std::string problem;                  // the sentence, if not valid
};

struct TraceEvent {
    std::uint64_t time = 0; // TSC
    std::uint64_t sequence = 0;
    abi::Phase phase {};
    int cpu = -1;             // -1: recorded by the runtime in user space
    std::uint32_t thread = 0;
    std::uint64_t cause = 0;
    std::array<std::uint64_t, 3> arguments {};
};

struct BacktraceEntry {
    std::uint64_t address = 0;
    std::string function, file;
    int line = 0;
};

struct PanicView {
    std::string message;
    unsigned cpu = 0;
    std::vector<BacktraceEntry> backtrace;
};

struct MachineMemoryView { // of the whole machine, in pages
    bool known = false;
    std::uint64_t total = 0, free = 0;
    std::optional<abi::MemoryPressure> pressure; // as the kernel saw it last; it looks when memory is taken
};

struct ViewProblem { // a view that cannot be filled, and the sentence why
    std::string view;
    std::string sentence;
};

struct Snapshot {
    std::uint64_t number = 0; // counts up
    Freshness freshness = Freshness::stale;
    abi::MachineState machine_state = abi::MachineState::booting;
    abi::ExitStatus exit_status {};
    std::uint64_t tsc_frequency = 0, boot_tsc = 0;
    std::uint64_t physical_end = 0; // bytes of RAM; 0 = not known
    std::vector<CpuView> cpus;
    std::vector<ThreadView> threads; // ascending id
    MachineMemoryView memory;
    std::vector<SpaceView> spaces;   // ascending id
    std::vector<RingView> rings;     // ascending number
    std::vector<SchemeView> schemes; // ascending number
    std::vector<MemoryObjectView> memory_objects; // that are mapped somewhere; ascending address
    std::vector<TraceEvent> trace;   // oldest first, of all CPUs and (if recorded) threads
    std::optional<PanicView> panic;
    std::vector<ViewProblem> problems;
    std::vector<std::string> wait_reasons; // kernel::WaitReason's enumerators by value; empty if not known

    const ThreadView* thread(std::uint32_t id) const
    {
        for (const auto& thread : threads)
            if (thread.id == id) return &thread;
        return nullptr;
    }
    const SpaceView* space(std::uint32_t id) const
    {
        for (const auto& space : spaces)
            if (space.id == id) return &space;
        return nullptr;
    }
    const RingView* ring(std::uint32_t number) const
    {
        for (const auto& ring : rings)
            if (ring.number == number) return &ring;
        return nullptr;
    }
    const SchemeView* scheme(std::uint32_t number) const
    {
        for (const auto& scheme : schemes)
            if (scheme.number == number) return &scheme;
        return nullptr;
    }
    const MemoryObjectView* memory_object(std::uint64_t address) const
    {
        for (const auto& object : memory_objects)
            if (object.address == address) return &object;
        return nullptr;
    }
};
using SnapshotPointer = std::shared_ptr<const Snapshot>;

} // namespace orrery::inspector
