// The kernel's result type and the one macro that passes an error on.
#pragma once

#include "abi/error.h"

namespace orrery::kernel {

using abi::Error;
template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected(error); }

// TRY(name, expression): `name` becomes the value, or the function returns the error.
#define TRY(name, ...)                                                 \
    auto name##_result = (__VA_ARGS__);                                \
    if (!name##_result) [[unlikely]]                                   \
        return ::orrery::kernel::fail(name##_result.error());          \
    auto&& name = *name##_result
// For a Status, which has no value.
#define TRY_STATUS(...)                                                \
    if (auto status_result = (__VA_ARGS__); !status_result) [[unlikely]] \
    return ::orrery::kernel::fail(status_result.error())

} // namespace orrery::kernel
