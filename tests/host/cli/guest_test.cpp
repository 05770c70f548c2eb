// orrery-cli against the real guest: what a person sees who starts, watches, steps, traces or joins it.
#include <filesystem>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "inspector/core/session/session.h"
#include "program_run.h"

namespace orrery::inspector {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

std::string os_build()
{
    const char* folder = std::getenv("ORRERY_OS_BUILD_DIR");
    return folder != nullptr ? folder : ORRERY_OS_BUILD_DIR;
}

std::vector<std::string> with(std::vector<std::string> arguments)
{
    arguments.insert(arguments.end(), { "--os", os_build() });
    return arguments;
}

json parsed(const std::string& line)
{
    auto document = json::parse(line, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << line;
    return document;
}

std::set<std::string> space_names(const json& picture)
{
    std::set<std::string> names;
    for (const auto& space : picture.value("spaces", json::array())) names.insert(space["name"]);
    return names;
}

TEST(Inspect, ShowsTheDemonstration)
{
    const auto run = run_cli(with({ "inspect", "--json", "--seconds", "2" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    EXPECT_THAT(run.problems, IsEmpty());
    const auto picture = parsed(run.output);
    EXPECT_EQ(picture["schema"], 1);
    EXPECT_EQ(picture["machine"]["state"], "running");
    EXPECT_TRUE(picture["machine"]["problems"].empty()) << picture["machine"]["problems"];
    EXPECT_THAT(space_names(picture), testing::IsSupersetOf({ "init", "demo-ping", "demo-pong" }));
    ASSERT_GE(picture["rings"].size(), 1u);
    for (const auto& ring : picture["rings"]) EXPECT_TRUE(ring["valid"]) << ring;
    EXPECT_FALSE(picture["trace"].empty());
    for (const auto& thread : picture["threads"]) EXPECT_NE(thread["why"], "");
}

TEST(Inspect, ShowsItAsText)
{
    const auto run = run_cli(with({ "inspect", "--seconds", "2", "--spaces" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    EXPECT_THAT(run.output, HasSubstr("machine running"));
    EXPECT_THAT(run.output, HasSubstr("(demo-pong)"));
    EXPECT_THAT(run.output, HasSubstr("ring 1"));
    EXPECT_THAT(run.output, HasSubstr("handle 1"));
}

TEST(Run, EndsWithTheGuestAndShowsItsConsoleAndStatus)
{
    const auto run = run_cli(with({ "run", "--headless", "--program", "hello", "--seconds", "60" }));
    EXPECT_EQ(run.status, 0) << run.problems;
    EXPECT_THAT(run.output, HasSubstr("console\n  | "));
    EXPECT_THAT(run.output, HasSubstr("machine ended"));
    EXPECT_THAT(run.output, HasSubstr("exited with status 0"));
}

TEST(Run, EndsByItselfWhenTheTimeIsUp)
{
    const auto run = run_cli(with({ "run", "--json", "--seconds", "1.5", "--interval", "0.5" }));
    EXPECT_EQ(run.status, 0) << run.problems;
    std::istringstream lines(run.output);
    std::string line;
    unsigned pictures = 0;
    for (; std::getline(lines, line); ++pictures) EXPECT_EQ(parsed(line)["schema"], 1);
    EXPECT_GE(pictures, 1u);
}

TEST(Run, AnUnknownProgramIsRefusedWithThoseThereAre)
{
    const auto run = run_cli(with({ "run", "--program", "nothing" }));
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.problems, testing::ContainsRegex("there is no program 'nothing' in .*; there are: .*hello"));
}

TEST(Step, StopsAfterSoManyPhases)
{
    const auto run = run_cli(with({ "step", "--phase", "4", "--json", "--seconds", "60" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    const auto document = parsed(run.output);
    ASSERT_EQ(document["phases"].size(), 4u);
    EXPECT_EQ(document["phases"][0]["phase"], "thread.created");
    EXPECT_EQ(document["phases"][0]["arguments"]["thread"], "0x1");
    EXPECT_EQ(document["picture"]["freshness"], "stopped");
}

// The first signal between the two processes, from its raise to its end, by its cause alone.
TEST(Step, WalksOneSignalFromRaiseToResume)
{
    const auto run = run_cli(with({ "step", "--phase", "signal.raised", "--follow-cause", "--json", "--seconds", "120" }));
    ASSERT_EQ(run.status, 0) << run.problems << run.output.substr(0, 2000);
    const auto document = parsed(run.output);
    std::vector<std::string> names;
    std::set<std::string> causes;
    for (const auto& phase : document["phases"]) {
        names.push_back(phase["phase"]);
        causes.insert(phase["cause"]);
    }
    // Which kernel phases lie between depends on where the target was: one that leaves a section in which it inhibits
    // delivery finds the pending bit by itself, before the kernel has noticed anything. These five it cannot do without.
    std::erase_if(names, [](const std::string& name) {
        return name == "signal.noticed" || name == "signal.deferred" || name == "signal.diverted";
    });
    EXPECT_THAT(names, testing::ElementsAre("signal.raised", "signal.framed", "signal.handled", "signal.returned",
                           "signal.resumed"))
        << run.output.substr(0, 4000);
    EXPECT_EQ(causes.size(), 1u) << "all of one cause";
    EXPECT_FALSE(causes.contains("0x0"));
}

TEST(Step, AHandlersFrameIsInThePicture)
{
    const auto run = run_cli(with({ "step", "--phase", "signal.handled", "--json", "--seconds", "120" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    const auto document = parsed(run.output);
    const auto thread = document["phases"][0]["thread"];
    const auto frame = document["phases"][0]["arguments"]["frame"];
    bool found = false;
    for (const auto& candidate : document["picture"]["threads"]) {
        if (candidate["id"] != thread) continue;
        for (const auto& view : candidate["signals"]["frames"]) found |= view["valid"] == true && view["address"] == frame;
    }
    EXPECT_TRUE(found) << document["picture"]["threads"];
}

TEST(Step, GoesOnByLinesAndInstructions)
{
    const auto run = run_cli(with({ "step", "--phase", "signal.handled", "--lines", "3", "--instructions", "2", "--json", "--seconds", "120" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    const auto steps = parsed(run.output)["steps"];
    ASSERT_EQ(steps.size(), 5u);
    for (std::size_t i = 1; i < 3; ++i)
        EXPECT_NE(std::pair(steps[i]["file"], steps[i]["line"]), std::pair(steps[i - 1]["file"], steps[i - 1]["line"])) << steps;
    EXPECT_NE(steps[3]["address"], steps[4]["address"]);
    EXPECT_EQ(steps[4]["instructions"], 1);
}

TEST(Step, APhaseThatNeverComesIsATimeOut)
{
    const auto run = run_cli(with({ "step", "--program", "hello", "--phase", "ring.broken", "--seconds", "1" }));
    EXPECT_THAT(run.status, testing::AnyOf(1, 4)); // the program may end before the time is up
    EXPECT_THAT(run.problems, testing::AnyOf(HasSubstr("happened in the time given"), HasSubstr("ended before the next")));
}

TEST(Trace, PrintsTheRecordersEventsInOrder)
{
    const auto run = run_cli(with({ "trace", "--json", "--seconds", "1" }));
    ASSERT_EQ(run.status, 0) << run.problems;
    std::istringstream lines(run.output);
    std::string line;
    double last = -1;
    std::set<std::string> phases;
    while (std::getline(lines, line)) {
        const auto event = parsed(line);
        EXPECT_GE(event["seconds"].get<double>(), last);
        last = event["seconds"];
        phases.insert(event["phase"]);
    }
    EXPECT_THAT(phases, testing::IsSupersetOf({ "thread.created", "thread.switched", "thread.blocked" }));
}

TEST(Trace, FollowsUntilTheGuestEnds)
{
    const auto run = run_cli(with({ "trace", "--follow", "--program", "hello", "--phase", "space.ended" }));
    EXPECT_EQ(run.status, 0) << run.problems;
    EXPECT_THAT(run.output, HasSubstr("space.ended"));
    EXPECT_THAT(run.output, HasSubstr("exited with status 0"));
}

// A guest that somebody else started, over its debug stub alone.
TEST(Attach, InspectsStepsAndTracesAndLeavesItRunning)
{
    LaunchOptions launch;
    launch.kernel = os_build() + "/kernel.elf";
    launch.initrd = os_build() + "/initrd.tar";
    launch.tcp_debug_address = "127.0.0.1:" + std::to_string(20000 + getpid() % 20000);
    auto session = Session::launch(launch);
    ASSERT_TRUE(session) << session.error().sentence;
    const auto& address = *launch.tcp_debug_address;
    (void)(*session)->wait_for_stop(deadline_in(std::chrono::seconds(1)));

    const auto inspected = run_cli(with({ "inspect", "--json", "--attach", address }));
    ASSERT_EQ(inspected.status, 0) << inspected.problems;
    const auto picture = parsed(inspected.output);
    EXPECT_EQ(picture["freshness"], "stopped");
    EXPECT_THAT(space_names(picture), testing::IsSupersetOf({ "demo-ping", "demo-pong" }));
    EXPECT_TRUE(picture["cpus"][0].contains("registers"));

    const auto stepped = run_cli(with({ "step", "--json", "--phase", "ring.rung", "--attach", address, "--seconds", "60" }));
    ASSERT_EQ(stepped.status, 0) << stepped.problems;
    EXPECT_EQ(parsed(stepped.output)["phases"][0]["phase"], "ring.rung");

    const auto traced = run_cli(with({ "trace", "--attach", address }));
    EXPECT_EQ(traced.status, 0) << traced.problems;
    EXPECT_THAT(traced.output, HasSubstr("thread.switched"));

    EXPECT_NE((*session)->state(), GuestState::ended) << "left as it was";
}

} // namespace
} // namespace orrery::inspector
