// Memory pressure as an event: programs that wait for it are told, the largest user of memory first and one at a time.
#pragma once

#include <cstdint>

#include "abi/memory.h"
#include "kernel/base/error.h"

namespace orrery::kernel {

// Sleeps until the calling space is told of pressure of this level or a worse one; gives the level. By calling again,
// the space says that it has done what it could, and the next one is told. In one episode (from the moment when the
// level is reached until memory is well above it again) a space is told once. invalid_argument, interrupted, timed_out.
Result<abi::MemoryPressure> wait_for_pressure(abi::MemoryPressure level, std::uint64_t deadline);

// After memory was taken or given back: tells the next one, if somebody has to be told. No lock may be held.
void consider_pressure();
// In ns: when to consider it again although nothing happens, because who was told has had its time; no_deadline if there
// is no need.
std::uint64_t pressure_deadline();

} // namespace orrery::kernel
