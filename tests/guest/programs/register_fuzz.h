// Every register of the machine before and after a signal, for invariant S7: nothing changes but what a handler changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace orrery::fuzz {

inline constexpr const char* register_names[]
    = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rsp" };
enum : unsigned { rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsp };

// Layout known to register_fuzz.S.
struct Registers {
    std::uint64_t general[16];
    std::uint64_t flags;
    std::uint64_t red_zone[16]; // the 128 bytes below RSP belong to the interrupted function (System V ABI 3.2.2)
    std::uint64_t padding;
    std::uint64_t xmm[16][2];
    std::uint32_t mxcsr;
    std::uint16_t x87_control;
};
static_assert(offsetof(Registers, flags) == 128 && offsetof(Registers, red_zone) == 136);
static_assert(offsetof(Registers, xmm) == 272 && offsetof(Registers, mxcsr) == 528);
static_assert(offsetof(Registers, x87_control) == 532);

extern "C" {
extern Registers fuzz_before, fuzz_after;
extern char fuzz_instruction[]; // the UD2
extern char fuzz_done[];        // what follows it
void fuzz_run();
}

// The flags that a program can set: CF PF AF ZF SF DF OF AC ID (Intel SDM volume 1, 3.4.3).
inline constexpr std::uint64_t program_flags = 0x24'0cd5;

// A pattern that no two registers share and that changes with `round`.
inline void choose(Registers& registers, std::uint64_t round)
{
    std::uint64_t value = (round + 1) * 0x9e37'79b9'7f4a'7c15;
    const auto next = [&] { return value = value * 6364136223846793005u + 1442695040888963407u; };
    for (auto& word : registers.general)
        word = next();
    registers.flags = (next() & program_flags) | 2;
    for (auto& word : registers.red_zone)
        word = next();
    for (auto& pair : registers.xmm)
        for (auto& word : pair)
            word = next();
    registers.mxcsr = 0x1f80 | (next() >> 32 & 0xe040); // rounding, flush and denormal bits; all exceptions masked
    registers.x87_control = static_cast<std::uint16_t>(0x037f | (next() >> 32 & 0x0c00));
}

// The name of the first thing that differs, or null.
inline const char* difference(const Registers& before, const Registers& after)
{
    for (unsigned i = 0; i < 16; ++i)
        if (before.general[i] != after.general[i]) return register_names[i];
    if (((before.flags ^ after.flags) & program_flags) != 0) return "flags";
    for (unsigned i = 0; i < 16; ++i)
        if (before.red_zone[i] != after.red_zone[i]) return "the red zone";
    for (unsigned i = 0; i < 16; ++i)
        for (unsigned half = 0; half < 2; ++half)
            if (before.xmm[i][half] != after.xmm[i][half]) return "an XMM register";
    if (before.mxcsr != after.mxcsr) return "MXCSR";
    if (before.x87_control != after.x87_control) return "the x87 control word";
    return nullptr;
}

} // namespace orrery::fuzz
