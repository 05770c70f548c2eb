// Runs one host program (the compiler) that may be fed by a stranger: bounded in time, memory, output, and the files that it can reach.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inspector/core/result.h"
#include "inspector/lessons/confinement.h"

namespace orrery::inspector::lessons {

struct CommandLimits {
    std::chrono::seconds wall { 60 };
    unsigned processor_seconds = 30;
    std::uint64_t memory = std::uint64_t { 4 } << 30; // bytes of address space
    std::uint64_t file_size = std::uint64_t { 64 } << 20; // bytes of any file that it writes
    std::size_t output = 64 * 1024; // bytes that are kept of its output
    std::optional<Confinement> files {}; // what it may touch, where the system can see to that; everything if not set
};

struct CommandOutcome {
    int exit_status = 0; // if it was not ended by a signal
    int signal = 0; // that ended it, or 0
    bool timed_out = false; // the wall time was up; the whole process group was ended
    std::string output; // standard output and error together, cut

    bool succeeded() const { return exit_status == 0 && signal == 0 && !timed_out; }
};

// arguments[0] is found through PATH. Standard input is empty; `directory` is the working directory. Whatever it starts
// in its process group is ended with it. Error: the program can't be started.
Result<CommandOutcome> run_bounded(const std::vector<std::string>& arguments, const std::filesystem::path& directory,
    const CommandLimits& limits = {});

} // namespace orrery::inspector::lessons
