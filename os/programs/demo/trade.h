// What the two traders agree on: ring shapes, operations, pace, and how a program option is read.
#pragma once

#include "abi/handle.h"
#include "abi/ring.h"
#include "abi/startup.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <orrery/orrery.h>
#include <time.h>

namespace orrery::demo {

inline constexpr std::uint32_t submission_capacity = 16;
inline constexpr std::uint32_t completion_capacity = 16;

// Operations in Sqe::opcode. square: the answer is arguments[0] squared. finish: the last entry.
enum class Operation : std::uint8_t { square = 1, finish = 2 };

// The rings in the order in which the launcher hands them over.
inline abi::Handle ring_handle(unsigned index)
{
    return static_cast<abi::Handle>(
        orrery_auxiliary(static_cast<std::uint64_t>(abi::Auxiliary::ring_handle), index, abi::no_handle));
}
inline pid_t peer_number()
{
    return static_cast<pid_t>(orrery_auxiliary(static_cast<std::uint64_t>(abi::Auxiliary::peer_process_id), 0, 0));
}

// The value of an argument "name=VALUE", or `otherwise`.
inline std::uint64_t option(int argc, char** argv, const char* name, std::uint64_t otherwise)
{
    const std::size_t length = std::strlen(name);
    for (int i = 1; i < argc; i++) {
        if (std::strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            return std::strtoull(argv[i] + length + 1, nullptr, 10);
    }
    return otherwise;
}

// Sleeps although signals come: people watch, so nothing goes at machine speed.
inline void rest(std::uint64_t milliseconds)
{
    timespec left { .tv_sec = static_cast<time_t>(milliseconds / 1000),
        .tv_nsec = static_cast<long>(milliseconds % 1000 * 1'000'000) };
    while (nanosleep(&left, &left) != 0) { }
}

} // namespace orrery::demo
