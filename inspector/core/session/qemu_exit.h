// How QEMU ended.
#pragma once

#include <optional>
#include <string>

namespace orrery::inspector {

struct QemuExit {
    bool by_signal = false;
    int number = 0; // exit code, or the signal
    // What the guest wrote to isa-debug-exit (QEMU exits with 2 * value + 1); nullopt: it did not end that way.
    std::optional<unsigned> guest_code() const
    {
        if (by_signal || number < 0 || number % 2 == 0 || (number == 1 && !standard_error.empty())) return std::nullopt;
        return static_cast<unsigned>(number - 1) / 2;
    }
    std::string standard_error; // what QEMU said, at most its last 4 KiB
    std::string sentence() const; // "the guest ended with code 16", "QEMU was killed by signal 9 (SIGKILL)", ...
};

} // namespace orrery::inspector
