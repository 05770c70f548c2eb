// How the fuzzers call the kernel, and what it may answer.
#pragma once

#include <cstdint>

#include "abi/error.h"

namespace orrery::fuzz {

inline constexpr std::int64_t highest_error = [] {
    std::int64_t count = 0;
#define X(name, sentence) ++count;
    ORRERY_ERRORS(X)
#undef X
    return count;
}();

// The call, with the convention's promise checked: all registers but RAX, RCX and R11 are as they were.
inline std::int64_t system_call(std::uint64_t number, const std::uint64_t (&words)[6], bool& registers_kept)
{
    std::int64_t result;
    std::uint64_t rdi = words[0], rsi = words[1], rdx = words[2];
    register std::uint64_t r10 asm("r10") = words[3];
    register std::uint64_t r8 asm("r8") = words[4];
    register std::uint64_t r9 asm("r9") = words[5];
    asm volatile("syscall"
                 : "=a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                 : "a"(number)
                 : "rcx", "r11", "memory");
    registers_kept = rdi == words[0] && rsi == words[1] && rdx == words[2] && r10 == words[3] && r8 == words[4]
        && r9 == words[5];
    return result;
}

} // namespace orrery::fuzz
