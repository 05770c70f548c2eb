// Processor set-up: descriptor tables, system-call registers, protection bits, and the vector registers' save area.
#include "kernel/cpu/cpu.h"

#include <cstring>

#include "abi/cpu.h"
#include "abi/syscall.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/offsets.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel {

Cpu cpus[max_cpus];
unsigned cpu_count = 1;

static_assert(offsetof(Cpu, self) == CPU_SELF && offsetof(Cpu, kernel_stack) == CPU_KERNEL_STACK);
static_assert(offsetof(Cpu, user_stack) == CPU_USER_STACK && offsetof(Cpu, hot) == CPU_HOT);
static_assert(offsetof(Cpu, held_lock_ranks) == CPU_HELD_LOCK_RANKS);
static_assert(offsetof(ThreadHot, attention) == HOT_ATTENTION && offsetof(ThreadHot, syscalls) == HOT_SYSCALLS);
static_assert(offsetof(ThreadHot, filter) == HOT_FILTER);
static_assert(offsetof(TrapFrame, rax) == FRAME_RAX && offsetof(TrapFrame, cs) == FRAME_CS);
static_assert(abi::user_data_selector == USER_DATA_SELECTOR && abi::user_code_selector == USER_CODE_SELECTOR);
static_assert(static_cast<unsigned>(abi::Syscall::count) == SYSCALL_COUNT);

extern "C" void syscall_entry();
extern "C" char trap_entries[];

namespace {

    struct [[gnu::packed]] InterruptGate {
        std::uint16_t offset_low;
        std::uint16_t selector;
        std::uint8_t stack; // index into TaskState::interrupt_stack, 1-based; 0 = the normal rules
        std::uint8_t type;
        std::uint16_t offset_middle;
        std::uint32_t offset_high;
        std::uint32_t reserved;
    };
    InterruptGate interrupt_gates[256];

    struct [[gnu::packed]] TablePointer {
        std::uint16_t limit;
        const void* base;
    };

    alignas(16) std::byte emergency_stacks[max_cpus][3][4096]; // double fault, NMI, machine check

    std::uint64_t state_mask = 0;
    std::uint32_t state_size = 0;
    alignas(64) std::byte initial_state[4096]; // what XRSTOR gives a thread that never touched a vector register

    void fill_interrupt_gates()
    {
        for (unsigned vector = 0; vector < 256; ++vector) {
            const auto address = reinterpret_cast<std::uint64_t>(trap_entries) + vector * 16;
            const std::uint8_t stack = vector == 8 ? 1 : vector == 2 ? 2 : vector == 18 ? 3 : 0;
            // INT3 and INTO may be executed by programs; every other gate is for the processor only.
            const std::uint8_t type = vector == 3 || vector == 4 ? 0xee : 0x8e;
            interrupt_gates[vector] = { static_cast<std::uint16_t>(address), abi::kernel_code_selector, stack, type,
                static_cast<std::uint16_t>(address >> 16), static_cast<std::uint32_t>(address >> 32), 0 };
        }
    }

    void require(bool present, const char* feature)
    {
        if (!present)
            panic("the processor lacks %s; start QEMU with the -cpu options that `./orrery run` uses", feature);
    }

    void enable_protection()
    {
        const auto leaf1 = cpuid(1);
        const auto leaf7 = cpuid(7);
        require(leaf1.ecx & (1u << 26), "XSAVE");
        require(leaf7.ebx & (1u << 0), "FSGSBASE");
        require(leaf7.ebx & (1u << 7), "SMEP");
        require(leaf7.ebx & (1u << 20), "SMAP");
        // CR4 (Intel SDM volume 3 section 2.5): PGE 7, OSFXSR 9, OSXMMEXCPT 10, UMIP 11, FSGSBASE 16, OSXSAVE 18,
        // SMEP 20, SMAP 21.
        std::uint64_t cr4 = read_cr4() | 1u << 7 | 1u << 9 | 1u << 10 | 1u << 16 | 1u << 18 | 1u << 20 | 1u << 21;
        if (leaf7.ecx & (1u << 2)) cr4 |= 1u << 11;
        write_cr4(cr4);

        const auto leaf13 = cpuid(0xd);
        state_mask = leaf13.eax & 0x7; // x87, SSE, AVX
        write_xcr0(state_mask);
        state_size = cpuid(0xd).ebx; // for what XCR0 enables now
        if (state_size > sizeof(initial_state)) panic("the vector state takes %u bytes; 4096 is the most", state_size);
    }

} // namespace

void initialize_cpu(Cpu& cpu)
{
    cpu.self = &cpu;
    cpu.descriptors[1] = 0x00af9b000000ffff;
    cpu.descriptors[2] = 0x00cf93000000ffff;
    cpu.descriptors[3] = 0x00cff3000000ffff;
    cpu.descriptors[4] = 0x00affb000000ffff;
    const auto task = reinterpret_cast<std::uint64_t>(&cpu.task_state);
    cpu.descriptors[5] = (sizeof(TaskState) - 1) | (task & 0xffffff) << 16 | std::uint64_t { 0x89 } << 40
        | (task >> 24 & 0xff) << 56;
    cpu.descriptors[6] = task >> 32;
    for (unsigned index = 0; index < 3; ++index)
        cpu.task_state.interrupt_stack[index]
            = reinterpret_cast<std::uint64_t>(emergency_stacks[cpu.number][index] + sizeof(emergency_stacks[0][0]));

    if (cpu.number == 0) fill_interrupt_gates();
    const TablePointer gdt { sizeof(cpu.descriptors) - 1, cpu.descriptors };
    const TablePointer idt { sizeof(interrupt_gates) - 1, interrupt_gates };
    asm volatile("lgdt %0; lidt %1; ltr %w2" ::"m"(gdt), "m"(idt), "r"(abi::task_state_selector) : "memory");
    asm volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%ss; movw %w1, %%fs; movw %w1, %%gs" ::"r"(
                     abi::kernel_data_selector), "r"(0));
    write_msr(msr_gs_base, reinterpret_cast<std::uint64_t>(&cpu));
    write_msr(msr_kernel_gs_base, 0);
    write_msr(msr_tsc_aux, cpu.number); // RDTSCP tells a program where it runs

    write_msr(msr_star, std::uint64_t { abi::kernel_code_selector } << 32 | std::uint64_t { 0x10 | 3 } << 48);
    write_msr(msr_lstar, reinterpret_cast<std::uint64_t>(&syscall_entry));
    write_msr(msr_fmask, abi::rflags_trap | abi::rflags_interrupt | abi::rflags_direction | abi::rflags_nested_task
            | abi::rflags_alignment_check);
    enable_protection();
    if (cpu.number == 0) {
        std::memset(initial_state, 0, sizeof(initial_state));
        const std::uint16_t x87_control = 0x037f; // all x87 exceptions masked, as after FNINIT
        const std::uint32_t mxcsr = 0x1f80;       // all SSE exceptions masked
        std::memcpy(initial_state, &x87_control, sizeof(x87_control));
        std::memcpy(initial_state + 24, &mxcsr, sizeof(mxcsr));
        const std::uint64_t present = 0x3; // XSTATE_BV: the x87 and SSE parts are in the area
        std::memcpy(initial_state + 512, &present, sizeof(present));
    }
}

void set_kernel_stack(Cpu& cpu, std::uint64_t top)
{
    cpu.kernel_stack = top;
    cpu.task_state.stack[0] = top;
}

std::uint64_t extended_state_mask() { return state_mask; }
std::uint32_t extended_state_size() { return state_size; }

void save_extended_state(void* area)
{
    asm volatile("xsave64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(state_mask)),
        "d"(static_cast<std::uint32_t>(state_mask >> 32)) : "memory");
}

void restore_extended_state(const void* area)
{
    asm volatile("xrstor64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(state_mask)),
        "d"(static_cast<std::uint32_t>(state_mask >> 32)) : "memory");
}

void initialize_extended_state_area(void* area) { std::memcpy(area, initial_state, state_size); }

} // namespace orrery::kernel
