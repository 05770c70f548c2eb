// The user registers as the kernel's entry code pushes them; the Inspector reads a trapped thread's registers here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orrery::kernel {

inline constexpr std::uint64_t trap_vector_syscall = 0x100;

// Low address first. From `rip` on it is what IRETQ pops.
struct TrapFrame {
    std::uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    std::uint64_t vector; // exception or interrupt number, or trap_vector_syscall
    std::uint64_t error_code;
    std::uint64_t rip, cs, rflags, rsp, ss;

    bool from_user() const { return (cs & 3) == 3; }
};
static_assert(sizeof(TrapFrame) == 22 * 8 && offsetof(TrapFrame, rax) == 80 && offsetof(TrapFrame, rip) == 136);

} // namespace orrery::kernel
