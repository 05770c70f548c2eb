// Priorities and limits: what a program may ask of the scheduler, and what a space may use at most.
#pragma once

#include <cstdint>

namespace orrery::abi {

// 0 (lowest) .. 31. A thread runs before all threads of lower priority that share its processors; at equal priority the
// address spaces share the time, however many threads each has.
inline constexpr std::uint32_t priority_count = 32;
inline constexpr std::uint32_t priority_normal = 16;

// X(name, sentence). Limits of an address space only shrink; a space that it makes begins with the same ones.
#define ORRERY_SPACE_LIMITS(X)                                                                                                  \
    X(priority, "the highest priority that a thread of the space can have")                                                     \
    X(threads, "how many threads it can have")                                                                                  \
    X(handles, "how many handles it can hold")                                                                                  \
    X(mappings, "how many mappings it can have")                                                                                \
    X(memory, "how many pages it can use, with the spaces that it makes from then on: of memory objects that it made or maps, " \
              "and of the kernel, for page tables, threads and the like")

enum class SpaceLimit : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_SPACE_LIMITS(X)
#undef X
    count
};

} // namespace orrery::abi
