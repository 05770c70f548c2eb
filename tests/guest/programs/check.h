// The smallest check for test programs that live below POSIX: says what failed and ends with status 1.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <orrery/orrery.h>

#include "abi/handle.h"
#include "abi/startup.h"
#include "posix/runtime/syscall.h"

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            std::printf("%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                 \
        }                                                                                 \
    } while (false)

// CHECK_EQUAL for numbers that the reader wants to see.
#define CHECK_EQUAL(actual, expected)                                                                       \
    do {                                                                                                    \
        const long long actual_value = static_cast<long long>(actual);                                      \
        const long long expected_value = static_cast<long long>(expected);                                  \
        if (actual_value != expected_value) {                                                               \
            std::printf("%s:%d: %s is %lld and should be %lld\n", __FILE__, __LINE__, #actual, actual_value, \
                expected_value);                                                                            \
            std::exit(1);                                                                                   \
        }                                                                                                   \
    } while (false)

namespace orrery::test {

inline constexpr std::uint64_t page = abi::page_size;
inline constexpr std::uint32_t read_write = abi::protection_read | abi::protection_write;

inline std::int64_t error(abi::Error code) { return -static_cast<std::int64_t>(code); }

inline std::uint64_t auxiliary(abi::Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0); }
inline abi::Handle own_space() { return static_cast<abi::Handle>(auxiliary(abi::Auxiliary::space_handle)); }

// For what must succeed.
inline std::uint64_t must(std::int64_t result, const char* what)
{
    if (result >= 0) return static_cast<std::uint64_t>(result);
    std::printf("%s failed: %s\n", what, abi::sentence(static_cast<abi::Error>(-result)));
    std::exit(1);
}

} // namespace orrery::test
