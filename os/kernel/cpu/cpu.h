// One processor: what the kernel keeps per CPU, reached through GS, and what it may ask of the processor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/cpu/machine.h"
#include "kernel/handle/object.h"
#include "kernel/thread/timer.h"

namespace orrery::kernel {

class Thread;
class AddressSpace;
struct ThreadHot;

inline constexpr unsigned max_cpus = 8;

// Interrupt vectors above the exceptions.
inline constexpr std::uint8_t first_interrupt_vector = 0x20; // below are exceptions
inline constexpr std::uint8_t vector_timer = 0x20;
inline constexpr std::uint8_t vector_attention = 0x21; // look at the current thread's attention word, or leave idle
inline constexpr std::uint8_t vector_shootdown = 0x22;
inline constexpr std::uint8_t vector_iommu = 0x23;     // a device reached for memory that it was not given
inline constexpr std::uint8_t vector_spurious = 0xff;

// Task state segment, Intel SDM volume 3 section 8.7: only the stacks matter in 64-bit mode.
struct [[gnu::packed]] TaskState {
    std::uint32_t reserved0 = 0;
    std::uint64_t stack[3] = {};
    std::uint64_t reserved1 = 0;
    std::uint64_t interrupt_stack[7] = {};
    std::uint64_t reserved2 = 0;
    std::uint16_t reserved3 = 0;
    std::uint16_t io_map = sizeof(TaskState);
};

struct Cpu {
    // Assembly knows these five (cpu/offsets.h).
    Cpu* self = nullptr;
    std::uint64_t kernel_stack = 0; // top of the current thread's kernel stack
    std::uint64_t user_stack = 0;   // scratch of the SYSCALL entry
    ThreadHot* hot = nullptr;       // the current thread's attention word and counters
    std::uint32_t held_lock_ranks = 0; // bit per LockRank; only this CPU touches it

    std::uint32_t number = 0;
    std::uint32_t apic_id = 0;
    std::atomic<bool> online { false };
    std::atomic<bool> idle { false }; // runs its idle thread, so that wakers choose it
    Thread* current = nullptr;
    Thread* previous = nullptr; // during a switch: who has just left
    Thread* idle_thread = nullptr;
    Thread* extended_state_owner = nullptr; // whose vector registers are in the processor
    AddressSpace* loaded_space = nullptr;   // whose page tables CR3 names; referenced
    std::uint64_t slice_end = 0;            // ns; when the current thread has had its turn
    bool slice_over = false;                // it has, and was not switched yet
    std::uint64_t next_cause = 0;
    Object* doomed = nullptr; // handle/object.cpp
    bool destroys = false;
    std::uint64_t interrupts = 0;

    class RunQueue* ready = nullptr; // thread/run_queue.h
    std::atomic<std::uint32_t> running_priority { 0 };   // of the current thread, so that wakers know whom to interrupt
    std::atomic<bool> reschedule_wanted { false }; // a waker has queued a thread of higher priority here
    TimerQueue timers;
    std::uint64_t timers_rest_until = 0; // ns; before that no timer interrupt comes (run_expired_timers)

    TaskState task_state;
    std::uint64_t descriptors[8] = {}; // the CPU's own GDT, because its TSS descriptor has a busy bit
};

extern Cpu cpus[max_cpus];
extern unsigned cpu_count;

inline Cpu& this_cpu() { return *read_cpu_pointer(); }

// Loads GDT, TSS, IDT, the SYSCALL registers and the control bits on the calling CPU. Panics with a sentence if the
// machine lacks a feature that the kernel relies on. A CR4 bit that CPUID lacks hangs QEMU's vCPU, so each is asked
// for.
void initialize_cpu(Cpu& cpu);
void set_kernel_stack(Cpu& cpu, std::uint64_t top);

// Starts the processors that ACPI lists, one at a time.
void start_other_cpus(const struct MachineDescription& machine);

// Vector registers (x87, SSE and what else XCR0 enables). Areas are extended_state_size() bytes, 64-byte aligned.
std::uint64_t extended_state_mask();
std::uint32_t extended_state_size();
void save_extended_state(void* area);
void restore_extended_state(const void* area);
void initialize_extended_state_area(void* area);

} // namespace orrery::kernel
