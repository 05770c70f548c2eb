// The initrd with a student's program in it: a ustar archive (POSIX.1-2024 pax, "ustar Interchange Format").
#pragma once

#include <string>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::lessons {

// `archive` with the regular file `name` (1 to 100 bytes) of these contents; an older file of that name is left out,
// all else is kept. The time stamp is 0, so that equal programs make equal archives. Error: `archive` is no ustar
// archive.
Result<std::string> with_file(std::string_view archive, std::string_view name, std::string_view contents);

} // namespace orrery::inspector::lessons
