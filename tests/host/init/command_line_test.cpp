// init's reading of the kernel's command line: run=PROGRAM[,ARGUMENT...].
#include "servers/init/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using orrery::init::RunRequest;

std::vector<std::string> arguments_of(std::string_view line)
{
    const RunRequest request(line, "demo");
    EXPECT_EQ(request.problem(), nullptr) << line;
    return { request.arguments().begin(), request.arguments().end() };
}

using Arguments = std::vector<std::string>;

TEST(CommandLine, NamesTheProgramAndItsArguments)
{
    EXPECT_EQ(arguments_of("run=hello"), Arguments({ "hello" }));
    EXPECT_EQ(arguments_of("quiet run=hello,a,bc other=1"), Arguments({ "hello", "a", "bc" }));
    EXPECT_EQ(arguments_of("run=hello,,x,"), Arguments({ "hello", "", "x", "" }));
    EXPECT_EQ(arguments_of("run=a=b,c=d"), Arguments({ "a=b", "c=d" }));
    EXPECT_EQ(arguments_of("run=first run=second"), Arguments({ "second" }));
    EXPECT_EQ(arguments_of("  run=hello  "), Arguments({ "hello" }));
}

TEST(CommandLine, HasADefault)
{
    EXPECT_EQ(arguments_of(""), Arguments({ "demo" }));
    EXPECT_EQ(arguments_of("rerun=hello run"), Arguments({ "demo" }));
}

TEST(CommandLine, RefusesWhatIsNoProgram)
{
    for (const std::string& line : { std::string("run="), std::string("run=,a"), "run=" + std::string(5000, 'x'),
             "run=a" + std::string(32, ',') }) {
        const RunRequest request(line, "demo");
        EXPECT_NE(request.problem(), nullptr) << line;
        EXPECT_TRUE(request.arguments().empty());
    }
}

TEST(CommandLine, TakesAsMuchAsThereIsRoomFor)
{
    EXPECT_EQ(arguments_of("run=a" + std::string(31, ',')).size(), RunRequest::max_arguments);
    EXPECT_EQ(arguments_of("run=" + std::string(1023, 'x')).front().size(), 1023u);
}

} // namespace
