#include "inspector/core/session/qemu_exit.h"

#include <cstring>

#include "inspector/core/text.h"

namespace orrery::inspector {

std::string QemuExit::sentence() const
{
    const auto words = [&] {
        const auto end = standard_error.find_last_not_of(" \n\r");
        if (end == std::string::npos) return std::string();
        const auto newline = standard_error.rfind('\n', end);
        const auto first = newline == std::string::npos ? 0 : newline + 1;
        return ": " + printable(standard_error.substr(first, end + 1 - first), 300);
    };
    if (by_signal) {
        const char* name = ::sigabbrev_np(number);
        return "QEMU was killed by signal " + std::to_string(number) + (name ? std::string(" (SIG") + name + ")" : "")
            + words();
    }
    if (const auto code = guest_code()) return "the guest ended with code " + std::to_string(*code);
    if (number == 0) return "QEMU ended: the guest was shut down or reset";
    return "QEMU ended with status " + std::to_string(number) + words();
}

} // namespace orrery::inspector
