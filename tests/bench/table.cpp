// Lays the figures out as Markdown, with columns padded so that they also read well in a terminal.
#include "table.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "operations.h"

namespace orrery::bench {

namespace {

using Row = std::vector<std::string>;

// The first column is text and stands left; the others are figures and stand right.
std::string markdown(const Row& head, const std::vector<Row>& rows)
{
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < head.size(); ++column) {
        std::size_t width = std::max<std::size_t>(head[column].size(), 3);
        for (const auto& row : rows)
            width = std::max(width, row[column].size());
        widths.push_back(width);
    }
    std::string text;
    const auto add = [&](const Row& row) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            const std::string padding(widths[column] - row[column].size(), ' ');
            text += "| " + (column == 0 ? row[column] + padding : padding + row[column]) + " ";
        }
        text += "|\n";
    };
    add(head);
    for (std::size_t column = 0; column < widths.size(); ++column)
        text += "| " + std::string(widths[column] - 1, '-') + (column == 0 ? "- " : ": ");
    text += "|\n";
    for (const auto& row : rows)
        add(row);
    return text;
}

std::string number(const std::optional<std::uint64_t>& value) { return value ? std::to_string(*value) : ""; }

std::optional<std::uint64_t> find(const Figures& figures, std::string_view name)
{
    const auto found = figures.find(std::string(name));
    return found == figures.end() ? std::nullopt : std::optional(found->second);
}

} // namespace

std::string instruction_table(const Figures& figures)
{
    std::vector<Row> rows;
    for (const auto& operation : operations) {
        const auto figure = find(figures, operation.name);
        rows.push_back({ std::string(operation.sentence), figure ? std::to_string(*figure) : "not measured",
            operation.budget ? "<= " + std::to_string(*operation.budget) : "", number(operation.linux_figure),
            number(operation.floor) });
    }
    return markdown({ "operation (guest instructions)", "Orrery", "budget", "Linux 6.1", "floor" }, rows);
}

std::vector<std::string> over_budget(const Figures& figures)
{
    std::vector<std::string> sentences;
    for (const auto& operation : operations) {
        if (!operation.budget) continue;
        const auto figure = find(figures, operation.name);
        if (!figure)
            sentences.push_back("Not measured: " + std::string(operation.sentence));
        else if (*figure > *operation.budget)
            sentences.push_back("Over budget: " + std::string(operation.sentence) + " takes " + std::to_string(*figure)
                + " instructions, and " + std::to_string(*operation.budget) + " are allowed");
    }
    return sentences;
}

std::string wall_table(const std::vector<WallFigure>& figures)
{
    std::vector<Row> rows;
    for (const auto& figure : figures)
        rows.push_back({ figure.sentence, figure.figure, figure.budget });
    return markdown({ "wall clock", "Orrery", "budget" }, rows);
}

inspector::Result<void> replace_in_file(const std::string& path, const std::string& text)
{
    std::ifstream input(path);
    if (!input) return inspector::failure("Can't read " + path);
    std::stringstream content;
    content << input.rdbuf();
    std::string whole = content.str();
    const std::string begin = "<!-- bench:begin -->\n", end = "<!-- bench:end -->";
    const auto from = whole.find(begin);
    const auto to = whole.find(end);
    if (from == std::string::npos || to == std::string::npos || to < from)
        return inspector::failure(path + " lacks the lines <!-- bench:begin --> and <!-- bench:end -->");
    whole.replace(from + begin.size(), to - from - begin.size(), text);
    std::ofstream output(path);
    output << whole;
    output.close();
    if (!output) return inspector::failure("Can't write " + path);
    return {};
}

} // namespace orrery::bench
