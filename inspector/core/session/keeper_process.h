// The keeper's own side, between fork and _exit: only async-signal-safe calls, since its parent has threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

namespace orrery::inspector::keeper_process {

// What the keeper writes to us.
struct Message {
    enum class Kind : std::int32_t { started, cannot_execute, exited, killed };
    Kind kind;
    std::int32_t number; // pid, errno, exit code, signal
};

// All memory is prepared by the parent: nothing may be allocated here.
struct Order {
    char* const* arguments; // null at the end
    const int* inherited; // ascending
    std::size_t inherited_count;
    int standard_error;
    int null_device;
    const char* const* files;
    std::size_t file_count;
    int lifeline; // ends when the parent is gone; a byte asks for the end
    int status; // messages go here
    bool standard_output_too;
};

[[noreturn]] void run(const Order& order);

} // namespace orrery::inspector::keeper_process
