// The system calls as C++ functions, one a name, made from the table in abi/syscall.h.
//
// raw::name(arguments...) returns what the kernel put into RAX: a value >= 0 or minus an abi::Error. They touch no
// errno and no memory, so they may be called anywhere, also before the runtime is set up and in the signal trampoline.
#pragma once

#include "abi/error.h"
#include "abi/syscall.h"

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace orrery::runtime {

template <typename T>
concept SyscallArgument = std::integral<T> || std::is_pointer_v<T> || std::is_enum_v<T>;

template <SyscallArgument T>
std::uint64_t syscall_word(T value)
{
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<std::uint64_t>(value);
    else
        return static_cast<std::uint64_t>(value);
}

// Convention: abi/syscall.h. RCX and R11 are lost to SYSCALL itself (Intel SDM volume 2).
template <SyscallArgument... Arguments>
    requires(sizeof...(Arguments) <= 6)
inline std::int64_t system_call(abi::Syscall number, Arguments... arguments)
{
    const std::uint64_t words[6] = { syscall_word(arguments)... };
    std::int64_t result;
    if constexpr (sizeof...(Arguments) <= 3) {
        asm volatile("syscall"
            : "=a"(result)
            : "a"(number), "D"(words[0]), "S"(words[1]), "d"(words[2])
            : "rcx", "r11", "memory");
    } else {
        register std::uint64_t fourth asm("r10") = words[3];
        register std::uint64_t fifth asm("r8") = words[4];
        register std::uint64_t sixth asm("r9") = words[5];
        asm volatile("syscall"
            : "=a"(result)
            : "a"(number), "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(fourth), "r"(fifth), "r"(sixth)
            : "rcx", "r11", "memory");
    }
    return result;
}

namespace raw {
#define X(name, arguments, sentence)                                                                                   \
    template <SyscallArgument... Arguments>                                                                            \
    inline std::int64_t name(Arguments... arguments_)                                                                  \
    {                                                                                                                  \
        return system_call(abi::Syscall::name, arguments_...);                                                         \
    }
ORRERY_SYSCALLS(X)
#undef X
} // namespace raw

// Turns what a raw call returned into a value or an error.
inline abi::Result<std::uint64_t> result_of(std::int64_t returned)
{
    if (returned < 0) return std::unexpected(static_cast<abi::Error>(-returned));
    return static_cast<std::uint64_t>(returned);
}

inline bool failed_with(std::int64_t returned, abi::Error error)
{
    return returned == -static_cast<std::int64_t>(error);
}

// The errno of POSIX that comes nearest to a kernel error.
int errno_of(abi::Error error);
// Sets errno and returns -1 if the call failed, else its value.
long posix_result(std::int64_t returned);

} // namespace orrery::runtime
