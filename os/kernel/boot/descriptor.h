// The kernel's side of the debugger ABI (abi/descriptor.h).
#pragma once

#include <cstdint>

#include "abi/descriptor.h"

// Global and unmangled, so that any debugger finds it by name.
extern "C" orrery::abi::Descriptor orrery_descriptor;

namespace orrery::kernel {

void initialize_descriptor(std::uint64_t physical_end);

} // namespace orrery::kernel
