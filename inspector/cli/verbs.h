// The verbs, as functions from options to an exit status. Output goes to `out`, sentences about problems to `problems`.
#pragma once

#include <iosfwd>

#include "inspector/cli/options.h"

namespace orrery::inspector::cli {

// Starts (or joins) a guest and prints its state: every interval until the time is up or it ends, or once after so many
// phases. With JSON, one document a line.
int run_verb(const Options& options, std::ostream& out, std::ostream& problems);
// One picture.
int inspect_verb(const Options& options, std::ostream& out, std::ostream& problems);
// Steps from phase to phase, and prints each and the picture at the end.
int step_verb(const Options& options, std::ostream& out, std::ostream& problems);
// The flight recorder's events.
int trace_verb(const Options& options, std::ostream& out, std::ostream& problems);

} // namespace orrery::inspector::cli
