// The scheme contract: a server that answers calls. A call is an Sqe (abi/ring.h), its answer a Cqe with the same tag.
//
// The kernel stamps `tag` (which call of this scheme), `caller` (number of the caller's address space) and `priority`;
// what a caller wrote there is lost. The six arguments are the protocol's own, but for those that a flag gives a meaning.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/ring.h"

namespace orrery::abi {

// X(value, name, sentence). 0..15 are the kernel's; a caller that uses them gets invalid_argument.
#define ORRERY_SCHEME_OPCODES(X)                                                          \
    X(1, cancel, "the call with this tag is not wanted any more: answer it soon")         \
    X(2, page_in, "bring a page: arguments are the object's key, the offset, and the Protection bit of the access")       \
    X(16, call, "a call of the program's own protocol; larger numbers are free for more")

enum class SchemeOpcode : std::uint8_t {
#define X(value, name, sentence) name = value,
    ORRERY_SCHEME_OPCODES(X)
#undef X
};
inline constexpr std::uint8_t first_free_opcode = 16;

// Sqe::flags.
enum SqeFlag : std::uint8_t {
    sqe_readable_buffer = 1u << 0, // the server may read the caller's memory: arguments 4 and 5 are address and length
    sqe_writable_buffer = 1u << 1, // the server may write there
    sqe_passes_handle = 1u << 2,   // argument 3 is a HandleGift; the server finds a handle of its own there
};
inline constexpr std::uint8_t all_sqe_flags = (1u << 3) - 1;
inline constexpr std::size_t gift_argument = 3;
inline constexpr std::size_t buffer_argument = 4; // and the length in the next

// Cqe::flags.
enum CqeFlag : std::uint8_t {
    cqe_passes_handle = 1u << 0, // `result` is a HandleGift; the caller finds a handle of its own there.
                                 // Refused in the answer to a call of the kernel's
};
// Cqe::result is a value, or minus an abi::Error as a signed number. Only a call that was cancelled may be answered by
// `interrupted`. A server whose scheme_copy was answered by `not_present` answers with that: the caller's kernel then has the
// page brought, and makes the call again.

// A handle with the rights that the receiver's copy shall have. The giver needs right_duplicate and keeps its own.
struct HandleGift {
    std::uint32_t handle;
    std::uint32_t rights;
    constexpr std::uint64_t word() const { return std::uint64_t { rights } << 32 | handle; }
    static constexpr HandleGift from_word(std::uint64_t word)
    {
        return { static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32) };
    }
};

// scheme_copy: which way.
enum class SchemeCopy : std::uint64_t { from_caller = 0, to_caller = 1 };
inline constexpr std::uint64_t scheme_copy_maximum = 65536; // bytes a call

} // namespace orrery::abi
