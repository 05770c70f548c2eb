// The one way the Inspector reports failure: a value, or a sentence that a person can act on.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace orrery::inspector {

// `sentence` is complete: what happened, to what, and where it helps, what to do next. No trailing full stop.
struct Error {
    std::string sentence;
    bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string sentence)
{
    return std::unexpected(Error { std::move(sentence) });
}

} // namespace orrery::inspector
