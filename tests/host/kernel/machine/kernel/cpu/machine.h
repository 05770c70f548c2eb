// What the kernel asks of a processor, answered by host threads. Found instead of os/kernel/cpu/machine.h.
#pragma once

#include <cstdint>
#include <sched.h>

namespace orrery::kernel {

struct Cpu;

namespace host {
    inline thread_local Cpu* current_cpu = nullptr; // which CPU this host thread is at the moment
    void idle();                                    // waits for an interrupt and takes it
    void console_out(char character);
} // namespace host

inline Cpu* read_cpu_pointer() { return host::current_cpu; }
std::uint32_t held_lock_ranks();
void add_held_lock_rank(std::uint32_t bit);
void drop_held_lock_rank(std::uint32_t bit);
inline void open_interrupt_window() {} // a test's programs take interrupts at user_point()
inline void wait_for_interrupt() { host::idle(); }

inline void out8(std::uint16_t port, std::uint8_t value)
{
    if (port == 0x3f8) host::console_out(static_cast<char>(value));
}
inline std::uint8_t in8(std::uint16_t /*port*/) { return 0x20; } // the transmitter is empty
inline std::uint64_t read_tsc() { return __builtin_ia32_rdtsc(); }

inline constexpr std::uint32_t msr_kernel_gs_base = 0xc0000102;
inline std::uint64_t read_msr(std::uint32_t) { return 0; }
inline void write_msr(std::uint32_t, std::uint64_t) {}
inline std::uint64_t read_cr2() { return 0; }
inline std::uint64_t read_cr3() { return 0; }
inline void write_cr3(std::uint64_t) {} // the machine walks the tables of the current thread's space
inline void flush_cache_line(const void*) {}
inline void invalidate_page(std::uint64_t) {}
inline void pause() { sched_yield(); } // whom a spinning thread waits for may need this processor
inline std::uint64_t read_fs_base() { return 0; }
inline void write_fs_base(std::uint64_t) {}

} // namespace orrery::kernel
