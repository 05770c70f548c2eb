// Which machine the window works on.
#pragma once

#include <filesystem>
#include <optional>

#include "inspector/core/session/options.h"

namespace orrery::inspector {

struct MachineOptions {
    LaunchOptions launch;                 // used if there is no `attach`
    std::optional<AttachTarget> attach;
    std::filesystem::path kernel;         // ELF with debug information
    std::filesystem::path programs;       // folder of the programs' ELF files
};

} // namespace orrery::inspector
