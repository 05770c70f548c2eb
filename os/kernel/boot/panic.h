// Panic: the kernel found that it must not go on. The record is for the Inspector; the machine ends with a known
// status.
#pragma once

#include <cstdint>

namespace orrery::kernel {

struct PanicRecord {
    char message[256];
    std::uint32_t cpu;
    std::uint32_t depth;            // how many return addresses are valid
    std::uint64_t addresses[32];    // innermost first
    std::uint64_t rip, rsp, rbp;    // of the trap that led here, or 0
};
extern PanicRecord panic_record;

inline constexpr unsigned panic_exit_code = 70; // what the machine ends with

// Formats: %s string, %u unsigned 32-bit, %x 64-bit hexadecimal, %%.
[[noreturn, gnu::format(printf, 1, 2)]] void panic(const char* format, ...);

struct TrapFrame;
[[noreturn]] void panic_at(const TrapFrame& frame, const char* what, std::uint64_t detail);

// Ends QEMU: the process's status is (code << 1) | 1.
[[noreturn]] void end_machine(std::uint8_t code);

} // namespace orrery::kernel
