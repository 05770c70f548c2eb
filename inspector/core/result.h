// The one way the Inspector reports failure: a value, or a sentence that a person can act on.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace orrery::inspector {

// For code that must act on the kind of failure; people read the sentence.
enum class ErrorCode {
    general,
    invalid_argument,
    busy, // the guest runs, and the request needs it stopped
    timed_out, // the peer said nothing in time
    cancelled, // the caller's Cancellation was used
    cannot_connect, // nobody listens, or not to us
    connection_lost, // the peer closed, or broke the protocol so that nothing it says can be trusted
    protocol, // one reply was malformed; the connection is still in step
    refused, // the peer understood and said no
    unsupported, // the peer does not have this
    unmapped, // no memory at the address
    ended, // the guest or QEMU has ended
    system, // the host refused a resource
};

// `sentence` is complete: what happened, to what, and where it helps, what to do next. No trailing full stop.
struct Error {
    std::string sentence;
    ErrorCode code = ErrorCode::general;
    bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string sentence) { return std::unexpected(Error { std::move(sentence) }); }

inline std::unexpected<Error> failure(ErrorCode code, std::string sentence)
{
    return std::unexpected(Error { std::move(sentence), code });
}

// The value of a Result, or the return of its error from the function around it.
// NOLINTNEXTLINE: a statement expression is the only way to have both in one expression.
#define TRY(expression)                                                                                                \
    __extension__({                                                                                                    \
        auto try_result = (expression);                                                                                \
        if (!try_result) return std::unexpected(std::move(try_result).error());                                        \
        std::move(try_result).value();                                                                                 \
    })

} // namespace orrery::inspector
