#include "inspector/core/session/qemu_exit.h"

#include <cstring>

#include "inspector/core/text.h"

namespace orrery::inspector {

std::string QemuExit::sentence() const
{
    const auto words = [&] {
        const auto end = standard_error.find_last_not_of(" \n\r");
        if (end == std::string::npos) return std::string();
        const auto start = standard_error.rfind('\n', end);
        return ": " + printable(standard_error.substr(start == std::string::npos ? 0 : start + 1, end), 300);
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
