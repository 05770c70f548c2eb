// The benchmark's own reading, judging and printing of figures.
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "figures.h"
#include "operations.h"
#include "table.h"

namespace {

using namespace orrery::bench;

TEST(BenchFigures, AreReadFromLinesWithANameAndANumberOnly)
{
    const auto figures = parse_figures("booting\nnull_syscall 74\nraise_handler 480\r\nnot a figure 3 x\nring 12 13\n");
    ASSERT_TRUE(figures.has_value());
    EXPECT_EQ(*figures, (Figures { { "null_syscall", 74 }, { "raise_handler", 480 } }));
}

TEST(BenchFigures, AComplaintOfTheBenchmarkIsAnError)
{
    const auto figures = parse_figures("null_syscall 74\nbench: the handler did not run\n");
    ASSERT_FALSE(figures.has_value());
    EXPECT_EQ(figures.error().sentence, "A benchmark complained: the handler did not run");
}

Figures all_at_their_budget()
{
    Figures figures;
    for (const auto& operation : operations)
        if (operation.budget) figures[std::string(operation.name)] = *operation.budget;
    return figures;
}

TEST(BenchBudget, IsKeptAtTheLimitAndBrokenOneAbove)
{
    Figures figures = all_at_their_budget();
    EXPECT_TRUE(over_budget(figures).empty());
    ++figures["null_syscall"];
    const auto sentences = over_budget(figures);
    ASSERT_EQ(sentences.size(), 1u);
    EXPECT_EQ(sentences[0], "Over budget: system call that does nothing takes 81 instructions, and 80 are allowed");
}

TEST(BenchBudget, AnOperationThatWasNotMeasuredIsNotKept)
{
    Figures figures = all_at_their_budget();
    figures.erase("raise_handler");
    const auto sentences = over_budget(figures);
    ASSERT_EQ(sentences.size(), 1u);
    EXPECT_EQ(sentences[0], "Not measured: raise, handler with siginfo, return");
}

TEST(BenchTable, HasOneLineAnOperationAndColumnsOfOneWidth)
{
    const std::string table = instruction_table({ { "null_syscall", 74 } });
    std::istringstream lines(table);
    std::size_t count = 0, width = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        if (count == 0) width = line.size();
        EXPECT_EQ(line.size(), width) << line;
    }
    EXPECT_EQ(count, operations.size() + 2);
    EXPECT_NE(table.find("|           74 |     <= 80 |"), std::string::npos) << table;
    EXPECT_NE(table.find("not measured"), std::string::npos);
}

TEST(BenchTable, ReplacesOnlyWhatStandsBetweenTheMarks)
{
    const std::string path = testing::TempDir() + "/bench_table_test.md";
    std::ofstream(path) << "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n";
    ASSERT_TRUE(replace_in_file(path, "new\n").has_value());
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    EXPECT_EQ(content.str(), "before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n");
    EXPECT_FALSE(replace_in_file(path + ".missing", "new\n").has_value());
    std::ofstream(path) << "no marks\n";
    EXPECT_FALSE(replace_in_file(path, "new\n").has_value());
}

} // namespace
