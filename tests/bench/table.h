// The Markdown tables that `orrery bench` prints and that stand in the README.
#pragma once

#include <string>
#include <vector>

#include "figures.h"
#include "inspector/core/result.h"

namespace orrery::bench {

// One line a known operation, in the order of operations.h; "not measured" where the guest printed no figure.
std::string instruction_table(const Figures& figures);

// One sentence for each operation that is over its budget or was not measured although it has one.
std::vector<std::string> over_budget(const Figures& figures);

struct WallFigure {
    std::string sentence; // what was timed
    std::string figure;   // with its unit
    std::string budget;
};
std::string wall_table(const std::vector<WallFigure>& figures);

// Puts `text` between the lines "<!-- bench:begin -->" and "<!-- bench:end -->" of a file. Errors: the file can't be
// read or written, or lacks the lines.
inspector::Result<void> replace_in_file(const std::string& path, const std::string& text);

} // namespace orrery::bench
