// Handles: what kinds of kernel object a program can hold, and which rights a handle carries.
#pragma once

#include <cstdint>

namespace orrery::abi {

// A handle is an index into its address space's table. 0 is never valid, so a zeroed variable names nothing.
using Handle = std::uint32_t;
inline constexpr Handle no_handle = 0;

// X(name, sentence)
#define ORRERY_OBJECT_KINDS(X)                                                      \
    X(none, "an empty slot")                                                        \
    X(space, "an address space: mappings, handles, and the threads that run in it") \
    X(thread, "a thread")                                                           \
    X(memory, "a memory object")                                                    \
    X(ring, "a single-producer single-consumer ring in shared memory")              \
    X(console, "the machine's serial console")                                      \
    X(power, "the right to end the whole machine")                                  \
    X(hardware, "the right to use devices: physical memory, interrupts")            \
    X(scheme, "a server that answers calls")                                        \
    X(event, "something that happens, counted: an interrupt of a device, for one")  \
    X(device, "a device: its registers, its interrupts, and what memory it may reach")

enum class ObjectKind : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_OBJECT_KINDS(X)
#undef X
};

constexpr const char* name(ObjectKind kind)
{
    switch (kind) {
#define X(name, sentence) case ObjectKind::name: return #name;
    ORRERY_OBJECT_KINDS(X)
#undef X
    }
    return "unknown";
}

// Rights only shrink: handle_duplicate can drop them, nothing adds them. X(bit number, name, what it allows)
#define ORRERY_RIGHTS(X)                                                                                              \
    X(0, read, "memory: map readable; console: read")                                                                \
    X(1, write, "memory: map writable; console: write")                                                              \
    X(2, execute, "memory: map executable")                                                                          \
    X(3, duplicate, "copy the handle, install it in another space, or pass it along")                                \
    X(4, manage, "space: map into it, install handles, create threads; thread: priority, processors; device: use it")                \
    X(5, signal, "space, thread: raise a signal; event: count one more")                                                                    \
    X(6, wait, "space, thread: wait for its end; event: wait for it")                                                                    \
    X(7, produce, "ring: be the producer")                                                                           \
    X(8, consume, "ring: be the consumer")                                                                           \
    X(9, call, "scheme: call the server")                                                                            \
    X(10, serve, "scheme: receive and answer calls")                                                                 \
    X(11, page, "memory: bring its pages, and write changed ones back (its pager)")

enum Right : std::uint32_t {
#define X(bit, name, sentence) right_##name = 1u << bit,
    ORRERY_RIGHTS(X)
#undef X
};
inline constexpr std::uint32_t all_rights = (1u << 12) - 1;

struct RightName {
    std::uint32_t right;
    const char* name;
};
inline constexpr RightName right_names[] = {
#define X(bit, name, sentence) { right_##name, #name },
    ORRERY_RIGHTS(X)
#undef X
};

} // namespace orrery::abi
