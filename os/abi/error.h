// Error codes of the kernel: one table, from which the enum, the names and the sentences are made.
#pragma once

#include <cstdint>
#include <expected>

namespace orrery::abi {

// X(name, sentence for people)
#define ORRERY_ERRORS(X)                                                                       \
    X(invalid_argument, "an argument is outside what the call accepts")                        \
    X(bad_handle, "the handle number names nothing")                                           \
    X(wrong_kind, "the handle names an object of another kind")                                \
    X(access_denied, "the handle lacks the right that the call needs")                         \
    X(bad_address, "the memory is not mapped, or not with the access that the call needs")     \
    X(out_of_memory, "no physical memory is left")                                             \
    X(limit_reached, "a limit of the program, or of a table, is reached")                      \
    X(would_block, "the value had changed, so there was nothing to wait for")                  \
    X(interrupted, "a signal arrived while the thread was waiting")                            \
    X(timed_out, "the deadline passed")                                                        \
    X(not_found, "nothing has this name or number")                                            \
    X(already_exists, "there is something at this place already")                              \
    X(unsupported, "this kernel does not have what was asked for")                             \
    X(terminated, "the target has ended")                                                      \
    X(peer_closed, "the other side of the ring is gone")                                       \
    X(broken, "the other side broke the ring's rules")                                         \
    X(not_present, "the page is not in memory at the moment: its pager must bring it first")

enum class Error : std::int32_t {
    none = 0,
#define X(name, sentence) name,
    ORRERY_ERRORS(X)
#undef X
};

template <typename T>
using Result = std::expected<T, Error>;

// An error where a value could stand, as in RAX after a system call or in an answer to one: minus its number.
constexpr std::uint64_t result_word(Error error)
{
    return static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
}

constexpr const char* name(Error error)
{
    switch (error) {
    case Error::none: return "none";
#define X(name, sentence) case Error::name: return #name;
    ORRERY_ERRORS(X)
#undef X
    }
    return "unknown";
}

constexpr const char* sentence(Error error)
{
    switch (error) {
    case Error::none: return "no error";
#define X(name, sentence) case Error::name: return sentence;
    ORRERY_ERRORS(X)
#undef X
    }
    return "an error number that this version does not know";
}

} // namespace orrery::abi
