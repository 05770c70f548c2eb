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
    X(scheme, "a server that answers calls")

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

// Rights only shrink: handle_duplicate can drop them, nothing adds them.
enum Right : std::uint32_t {
    right_read = 1u << 0,      // memory: map readable; console: read
    right_write = 1u << 1,     // memory: map writable; console: write
    right_execute = 1u << 2,   // memory: map executable
    right_duplicate = 1u << 3, // copy the handle, or install it in another space
    right_manage = 1u << 4,    // space: map into it, install handles, create threads; thread: priority, processors
    right_signal = 1u << 5,    // space, thread: raise a signal
    right_wait = 1u << 6,      // space, thread: wait for its end
    right_produce = 1u << 7,   // ring: be the producer
    right_consume = 1u << 8,   // ring: be the consumer
    right_call = 1u << 9,      // scheme: call the server
    right_serve = 1u << 10,    // scheme: receive and answer calls
};
inline constexpr std::uint32_t all_rights = (1u << 11) - 1;

} // namespace orrery::abi
