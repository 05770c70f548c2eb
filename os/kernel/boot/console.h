// The serial console: a 16550 at COM1. Not for the hot path: the Inspector reads memory instead of messages.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernel/handle/object.h"

namespace orrery::kernel {

void initialize_console();
void console_write(std::span<const char> text);     // whole: two writers' bytes do not mix
void console_write_unlocked(std::string_view text); // panic only

class Console final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::console;
    Console() : Object(object_kind, 1) {}
};

// Stands for the right to end the machine.
class Power final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::power;
    Power() : Object(object_kind, 1) {}
};

// Stands for the right to use devices and physical memory.
class Hardware final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::hardware;
    Hardware() : Object(object_kind, 1) {}
};

} // namespace orrery::kernel
