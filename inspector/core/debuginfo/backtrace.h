// Who called whom: walks a stack over the programs whose debug information is known.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "inspector/core/debuginfo/debuginfo.h"

namespace orrery::inspector {

struct Backtrace {
    std::vector<BacktraceEntry> entries; // innermost first
    std::string end;                     // why the walk ended there, as a sentence
};

// At most `limit` frames. Falls back to the frame pointer where no unwind information covers the code. Every step must
// go up the stack, so damaged stacks end it.
Backtrace backtrace(const RegisterFile& registers, const VirtualMemory& memory,
                    std::span<const DebugInfoPointer> programs, unsigned limit = 64);

// The entry for one address; `is_return_address` looks up the call in front of it.
BacktraceEntry symbolise(std::uint64_t address, std::span<const DebugInfoPointer> programs, bool is_return_address);

} // namespace orrery::inspector
