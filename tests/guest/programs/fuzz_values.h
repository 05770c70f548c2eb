// What the system call fuzzer passes: for each kind of argument the values that kernels get wrong. The kind is read from
// the argument's own words in abi/syscall.h, so a call that is added there is fuzzed without a change here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "abi/handle.h"
#include "abi/startup.h"
#include "abi/syscall.h"

namespace orrery::fuzz {

enum class Kind { handle, address, length, deadline, number };

constexpr bool contains(std::string_view text, std::string_view word) { return text.find(word) != text.npos; }

constexpr Kind kind_of(std::string_view words)
{
    if (contains(words, "handle")) return Kind::handle;
    if (contains(words, "ExitStatus")) return Kind::number;
    if (contains(words, "deadline")) return Kind::deadline;
    for (std::string_view word : { "length", "size", "capacity", "offset", "how many" })
        if (contains(words, word)) return Kind::length;
    for (std::string_view word : { "address", "entry", "pointer", "control", "from", "to" })
        if (contains(words, word)) return Kind::address;
    return Kind::number;
}

// Which kind of object a handle argument should name: the first that its words mention.
constexpr abi::ObjectKind object_of(std::string_view words)
{
    abi::ObjectKind found = abi::ObjectKind::none;
    std::size_t place = words.npos;
#define X(name, sentence)                                        \
    if (const std::size_t here = words.find(#name); here < place) { \
        place = here;                                            \
        found = abi::ObjectKind::name;                           \
    }
    ORRERY_OBJECT_KINDS(X)
#undef X
    return found;
}

struct Arguments {
    std::array<Kind, 6> kinds {};
    std::array<abi::ObjectKind, 6> objects {}; // of handles
    std::size_t count = 0;
};

// "space handle, address, length" -> { handle, address, length }
constexpr Arguments parse(std::string_view words)
{
    Arguments arguments;
    while (!words.empty()) {
        const std::size_t comma = words.find(',');
        arguments.objects[arguments.count] = object_of(words.substr(0, comma));
        arguments.kinds[arguments.count++] = kind_of(words.substr(0, comma));
        words = comma == words.npos ? std::string_view {} : words.substr(comma + 1);
    }
    return arguments;
}

struct Call {
    abi::Syscall number;
    std::string_view name;
    Arguments arguments;
};

inline constexpr Call calls[] = {
#define X(name, arguments, sentence) { abi::Syscall::name, #name, parse(arguments) },
    ORRERY_SYSCALLS(X)
#undef X
};

static_assert(parse("space handle, address, length").count == 3);
static_assert(parse("space handle, address, length").kinds[2] == Kind::length);
static_assert(parse("").count == 0);
static_assert(parse("deadline, memory or ring handle").objects[1] == abi::ObjectKind::memory);

// What the program has, for values that are nearly right.
struct Places {
    std::uint64_t space, console, child, memory, ring, scheme; // handles
    std::uint64_t writable;  // two pages of its own, and no page after them
    std::uint64_t read_only; // a page that it may not write
    std::uint64_t hole;      // user addresses where nothing is mapped
};

inline constexpr std::uint64_t kernel_half = 0xffff'8000'0000'0000;
inline constexpr std::uint64_t not_canonical = 0x0000'8000'0000'0000;

// The values for one kind, in a buffer that lives until the next call.
inline std::span<const std::uint64_t> values(Kind kind, const Places& places)
{
    static std::array<std::uint64_t, 20> buffer;
    std::size_t count = 0;
    const auto add = [&](auto... all) { ((buffer[count++] = static_cast<std::uint64_t>(all)), ...); };
    switch (kind) {
    case Kind::handle:
        add(0, places.space, places.console, places.child, places.memory, places.ring, places.scheme, 999, 0x7fff'ffff, 0xffff'ffff,
            0x8000'0000'0000'0000, ~0ull);
        break;
    case Kind::address:
        add(0, 1, places.writable, places.writable + 1, places.writable + 2 * abi::page_size - 1, places.read_only,
            places.hole, abi::user_end - 1, abi::user_end, not_canonical - 1, not_canonical, kernel_half,
            0xffff'ffff'8000'0000, 0xffff'ffff'8020'0000, ~0ull - 7, ~0ull);
        break;
    case Kind::length:
        add(0, 1, 8, 64, abi::page_size - 1, abi::page_size, 2 * abi::page_size, 2 * abi::page_size + 1, 0x7fff'ffff,
            0x1'0000'0000, abi::user_end, 0x7fff'ffff'ffff'ffff, 0x8000'0000'0000'0000, ~0ull - abi::page_size + 1, ~0ull);
        break;
    case Kind::deadline: add(0, 1, 1000); break; // all passed: nobody would end a longer wait
    case Kind::number:
        add(0, 1, 2, 3, 7, 9, 11, 17, 64, 65, 0xffff'ffff, 0x8000'0000'0000'0000, ~0ull);
        break;
    }
    return { buffer.data(), count };
}

} // namespace orrery::fuzz
