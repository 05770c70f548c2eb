// The initial RAM disk as this process was given it: where programs come from as long as there is no file system.
#pragma once

#include "abi/error.h"

#include <cstddef>
#include <span>

namespace orrery::process {

// Maps the archive that the auxiliary vector names, read-only, and keeps it mapped. not_found if this process was given
// none; else the kernel's error.
abi::Result<std::span<const std::byte>> map_initrd();

} // namespace orrery::process
