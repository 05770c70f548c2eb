// What the verbs of the command line share.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace orrery::inspector::cli {

// Exit statuses, the same for all verbs but `grade` (which has its own, see lessons/grade_verb.h).
enum ExitCode : int {
    exit_done = 0,
    exit_failed = 1,     // a sentence on standard error says what, and what to do next
    exit_usage = 2,      // the command line makes no sense
    exit_panicked = 3,   // the guest's kernel panicked; its message and backtrace were printed
    exit_timed_out = 4,  // what was waited for did not happen in time
};

struct Options {
    std::filesystem::path os_build;         // kernel.elf, initrd.tar, programs/
    std::optional<std::string> attach;      // HOST:PORT or a socket's path; else a guest is started
    std::optional<std::string> program;     // what init runs; else its default
    bool json = false;
    bool spaces = false;                    // mappings and handles, too
    std::optional<std::uint64_t> address;   // inspect: what is at it, instead of a whole picture
    std::uint32_t space = 0;                // in this space; 0 = in all
    unsigned cpus = 2;
    double seconds = 0;                     // 0 = the verb's own default
    double interval = 1;                    // between two pictures
    std::string phases = "any";             // which phases `step` and `run --phases` stop at
    std::optional<unsigned> phase_count;
    std::optional<unsigned> thread;         // only while it runs
    std::optional<std::string> only_program;
    std::optional<std::string> signal;      // only phases of it
    bool follow_cause = false;              // all further phases of the first one's cause
    std::optional<unsigned> lines, instructions; // after the phase (or at once): so many source lines, instructions
    unsigned cpu = 0;                       // whose lines and instructions, if no phase was asked for
    bool follow = false;                    // trace: go on until the guest ends
    unsigned trace_lines = 12;
};

inline std::chrono::milliseconds milliseconds(double seconds)
{
    return std::chrono::milliseconds(static_cast<long long>(seconds * 1000));
}

} // namespace orrery::inspector::cli
