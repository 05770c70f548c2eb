// Figures in guest instructions: runs the benchmark programs in a guest that counts, and collects what they print.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "inspector/core/result.h"

namespace orrery::bench {

using Figures = std::map<std::string, std::uint64_t>;

// The lines "<name> <number>" of a benchmark's output. Error: the benchmark complained ("bench: ...").
inspector::Result<Figures> parse_figures(const std::string& output);

// Runs every guest program whose name starts with "bench-", on one processor under -icount shift=0, so that the figures
// are the same in every run. Errors: there are none; one ended otherwise than with status 0 (with its output).
inspector::Result<Figures> count_instructions();

} // namespace orrery::bench
