// QEMU's command line: the one recipe that all guests are started with.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inspector/core/result.h"
#include "inspector/core/session/options.h"

namespace orrery::inspector {

inline constexpr int oldest_qemu_major = 7, oldest_qemu_minor = 2;

struct QemuPlumbing {
    int memory_file = -1; // memfd that is the guest's RAM
    int monitor_socket = -1; // connected
    int console_file = -1; // gets all serial output
    std::string console_socket; // where serial input may come from
    std::string debug_socket;
};

// The program's path first. Recipe: q35 and qboot (first kernel byte after 40 to 55 ms), a CPU model with exactly what
// TCG has (another one makes it hang on control register bits that CPUID lacks), isa-debug-exit, no defaults.
std::vector<std::string> qemu_arguments(
    const std::filesystem::path& program, const LaunchOptions& options, const QemuPlumbing& plumbing);

// Absolute path. Errors: cannot_connect "QEMU is not installed ...".
Result<std::filesystem::path> find_program(const std::filesystem::path& name);

// "7.2.22", by `--version`, within a few seconds. Errors: it is no QEMU, or can't be run.
Result<std::string> qemu_version(const std::filesystem::path& program);
// nullopt = new enough, else the sentence.
std::optional<std::string> complaint_about_version(int major, int minor);

// Why QEMU ended before it took a command, in one sentence with what to do next.
std::string explain_failed_start(const std::filesystem::path& program, const LaunchOptions& options,
    const std::string& standard_error, const std::string& exit_sentence);

} // namespace orrery::inspector
