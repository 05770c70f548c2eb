// A private directory for the sockets of one guest, and the removal of what a killed machine left there.
#pragma once

#include <filesystem>
#include <string>

#include "inspector/core/result.h"

namespace orrery::inspector {

// "orrery-<our pid>-XXXXXX" with rights for us alone, in $XDG_RUNTIME_DIR or /tmp. Directories of processes of ours
// that are no more are removed on the way (only a power cut or an end of keeper and front end at once leaves one).
// Errors: system, with what to do.
Result<std::filesystem::path> make_runtime_directory();

} // namespace orrery::inspector
