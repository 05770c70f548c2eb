// Boots the guest with one program, waits until the machine has ended by itself, and says how.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "abi/descriptor.h"
#include "abi/syscall.h"
#include "inspector/core/result.h"
#include "inspector/core/session/options.h"
#include "inspector/core/session/qemu_exit.h"
#include "support/kernel_image.h"

namespace orrery::guest_test {

// Files of the guest's build; the environment variable ORRERY_OS_BUILD_DIR wins over the directory compiled in.
std::filesystem::path guest_directory();
std::filesystem::path kernel_path();
std::filesystem::path initrd_path();
// Names of the guest programs that start with `prefix`, sorted.
std::vector<std::string> guest_programs(const std::string& prefix);

struct GuestRun {
    std::string program; // "" = what init does by itself
    unsigned cpus = 2;
    unsigned memory_mebibytes = 128;
    std::optional<unsigned> icount_shift;
    std::filesystem::path initrd = initrd_path(); // empty = none
    std::vector<std::string> extra_arguments; // to QEMU
    // Only ends a guest that hangs.
    std::chrono::seconds hang_guard { 120 };
};

// How a run ended. A run that does not end by itself is an error, not an outcome.
struct GuestOutcome {
    inspector::QemuExit exit;
    abi::MachineState state = abi::MachineState::booting; // what the descriptor said last
    abi::ExitStatus status;                               // if state is ended
    std::uint64_t boot_memory = 0; // bytes of RAM that were in use when init was loaded
    std::string console;

    bool passed() const { return state == abi::MachineState::ended && status.signal == 0 && status.code == 0; }
};
std::ostream& operator<<(std::ostream& stream, const GuestOutcome& outcome);

inspector::LaunchOptions launch_options(const GuestRun& run);
// Errors: QEMU can't be started; the hang guard ran out (with the console's text in the sentence).
inspector::Result<GuestOutcome> run_guest(const GuestRun& run);

} // namespace orrery::guest_test
