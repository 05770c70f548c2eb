// orrery-bench: measures, and prints the tables that stand in the README.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "figures.h"
#include "table.h"
#include "wall.h"

namespace {

using namespace orrery;

int complain(const inspector::Error& error)
{
    std::fprintf(stderr, "orrery bench: %s\n", error.sentence.c_str());
    return 1;
}

void note(const char* what) { std::fprintf(stderr, "orrery bench: measuring %s\n", what); }

// Takes the figure in, or says why there is none; the other figures are measured all the same.
bool take(std::vector<bench::WallFigure>& figures, inspector::Result<bench::WallFigure> figure)
{
    if (figure)
        figures.push_back(*std::move(figure));
    else
        complain(figure.error());
    return figure.has_value();
}

} // namespace

int main(int count, char** arguments)
{
    bool check = false, build = false, instructions_only = false;
    std::string markdown_file;
    CLI::App application("Measures Orrery: guest instructions of its operations, and what a person waits for.", "orrery bench");
    application.add_flag("--check", check, "say which operations are over their budget, and exit with 1 if one is");
    application.add_flag("--build", build, "time a clean build too (some minutes)");
    application.add_flag("--instructions", instructions_only, "only count instructions; measure no wall-clock time");
    application.add_option("--markdown", markdown_file,
        "put the tables between the marks of this file, README.md if none is named")
        ->expected(0, 1)
        ->default_str("README.md");
    CLI11_PARSE(application, count, arguments);
    if (application.count("--markdown") != 0 && markdown_file.empty()) markdown_file = ORRERY_SOURCE_DIR "/README.md";

    note("guest instructions");
    const auto figures = bench::count_instructions();
    if (!figures) return complain(figures.error());
    std::string text = bench::instruction_table(*figures);
    bool complete = true;

    if (!instructions_only) {
        std::vector<bench::WallFigure> wall;
        note("wall-clock time");
        complete &= take(wall, bench::start_to_first_user_instruction());
        complete &= take(wall, bench::attach_to_first_picture());
        complete &= take(wall, bench::live_view_slowdown());
        complete &= take(wall, bench::edit_to_run());
        if (build) {
            note("a clean build");
            auto built = bench::clean_build();
            if (!built) return complain(built.error());
            wall.insert(wall.end(), built->begin(), built->end());
        }
        text += "\n" + bench::wall_table(wall);
    }
    std::fputs(text.c_str(), stdout);
    if (!markdown_file.empty())
        if (const auto done = bench::replace_in_file(markdown_file, text); !done) return complain(done.error());

    if (check) {
        const auto sentences = bench::over_budget(*figures);
        for (const auto& sentence : sentences)
            std::fprintf(stderr, "orrery bench: %s\n", sentence.c_str());
        if (!sentences.empty()) return 1;
    }
    return complete ? 0 : 1;
}
