// Single instructions of x86-64 that C++ has no words for.
#pragma once

#include <cstdint>

#include "kernel/cpu/offsets.h"

namespace orrery::kernel {

struct Cpu;

// GS:0 holds the address of the Cpu structure itself.
inline Cpu* read_cpu_pointer()
{
    Cpu* cpu;
    asm volatile("movq %%gs:0, %0" : "=r"(cpu)::"memory");
    return cpu;
}
// Cpu::held_lock_ranks of this CPU. Clobbers memory: what a lock protects stays on its side of this.
inline std::uint32_t held_lock_ranks()
{
    std::uint32_t ranks;
    asm volatile("movl %%gs:%c1, %0" : "=r"(ranks) : "i"(CPU_HELD_LOCK_RANKS) : "memory");
    return ranks;
}
inline void add_held_lock_rank(std::uint32_t bit)
{
    asm volatile("orl %0, %%gs:%c1" ::"r"(bit), "i"(CPU_HELD_LOCK_RANKS) : "memory", "cc");
}
inline void drop_held_lock_rank(std::uint32_t bit)
{
    asm volatile("andl %0, %%gs:%c1" ::"r"(~bit), "i"(CPU_HELD_LOCK_RANKS) : "memory", "cc");
}
// Lets interrupts that wait come in now (STI takes effect behind the next instruction).
inline void open_interrupt_window() { asm volatile("sti; nop; cli" ::: "memory"); }
// STI takes effect after the next instruction, so an interrupt cannot slip in between and be slept through.
inline void wait_for_interrupt() { asm volatile("sti; hlt; cli" ::: "memory"); }

inline void out8(std::uint16_t port, std::uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
inline void out32(std::uint16_t port, std::uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
inline std::uint8_t in8(std::uint16_t port)
{
    std::uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

inline std::uint32_t in32(std::uint16_t port)
{
    std::uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
// For what reads memory past the caches.
inline void flush_cache_line(const void* place) { asm volatile("clflush (%0)" ::"r"(place) : "memory"); }

inline std::uint64_t read_tsc()
{
    std::uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t { high } << 32 | low;
}

// Model-specific registers, Intel SDM volume 4.
inline constexpr std::uint32_t msr_apic_base = 0x1b;
inline constexpr std::uint32_t msr_efer = 0xc0000080;
inline constexpr std::uint32_t msr_star = 0xc0000081;
inline constexpr std::uint32_t msr_lstar = 0xc0000082;
inline constexpr std::uint32_t msr_fmask = 0xc0000084;
inline constexpr std::uint32_t msr_gs_base = 0xc0000101;
inline constexpr std::uint32_t msr_kernel_gs_base = 0xc0000102;
inline constexpr std::uint32_t msr_tsc_aux = 0xc0000103;

inline std::uint64_t read_msr(std::uint32_t msr)
{
    std::uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return std::uint64_t { high } << 32 | low;
}
inline void write_msr(std::uint32_t msr, std::uint64_t value)
{
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<std::uint32_t>(value)),
        "d"(static_cast<std::uint32_t>(value >> 32)) : "memory");
}

struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0)
{
    CpuidResult result;
    asm volatile("cpuid" : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}

inline std::uint64_t read_cr2()
{
    std::uint64_t value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline std::uint64_t read_cr3()
{
    std::uint64_t value;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(std::uint64_t value) { asm volatile("mov %0, %%cr3" ::"r"(value) : "memory"); }
inline std::uint64_t read_cr4()
{
    std::uint64_t value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(std::uint64_t value) { asm volatile("mov %0, %%cr4" ::"r"(value) : "memory"); }
inline void write_xcr0(std::uint64_t value)
{
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<std::uint32_t>(value)), "d"(static_cast<std::uint32_t>(value >> 32)));
}
inline void invalidate_page(std::uint64_t address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }
inline void pause() { asm volatile("pause"); }
inline std::uint64_t read_fs_base()
{
    std::uint64_t value;
    asm volatile("rdfsbase %0" : "=r"(value));
    return value;
}
inline void write_fs_base(std::uint64_t value) { asm volatile("wrfsbase %0" ::"r"(value)); }

} // namespace orrery::kernel
