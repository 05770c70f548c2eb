// Boots one guest a benchmark program and reads its lines from the console.
#include "figures.h"

#include <sstream>

#include "support/guest_run.h"

namespace orrery::bench {

using inspector::failure;

inspector::Result<Figures> parse_figures(const std::string& output)
{
    Figures figures;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("bench: ")) return failure("A benchmark complained: " + line.substr(7));
        std::istringstream words(line);
        std::string name, rest;
        std::uint64_t figure = 0;
        if (words >> name >> figure && !(words >> rest)) figures[name] = figure;
    }
    return figures;
}

inspector::Result<Figures> count_instructions()
{
    const auto programs = guest_test::guest_programs("bench-");
    if (programs.empty())
        return failure("There are no benchmark programs in " + guest_test::guest_directory().string()
            + ": build the guest first (./orrery build)");
    Figures all;
    for (const auto& program : programs) {
        const auto outcome = TRY(guest_test::run_guest({ .program = program, .cpus = 1, .icount_shift = 0 }));
        auto figures = TRY(parse_figures(outcome.console));
        if (!outcome.passed()) {
            std::ostringstream sentence;
            sentence << "The guest program " << program << " did not end well; " << outcome;
            return failure(sentence.str());
        }
        all.merge(figures);
    }
    return all;
}

} // namespace orrery::bench
