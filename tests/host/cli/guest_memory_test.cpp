// The real kernel's page tables, memory objects and schemes, as the OS model sees them: what the kernel wrote must agree with
// itself, page for page, and a call must be seen on its way.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "abi/startup.h"
#include "inspector/core/osmodel/explain_address.h"
#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/osmodel/wait_graph.h"
#include "inspector/core/session/session.h"
#include "program_run.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string os_build()
{
    const char* folder = std::getenv("ORRERY_OS_BUILD_DIR");
    return folder != nullptr ? folder : ORRERY_OS_BUILD_DIR;
}

TEST(PageTables, OfTheDemonstrationAgreeWithMappingsAndObjects)
{
    LaunchOptions launch;
    launch.kernel = os_build() + "/kernel.elf";
    launch.initrd = os_build() + "/initrd.tar";
    const auto kernel = DebugInfo::load(launch.kernel);
    ASSERT_TRUE(kernel) << kernel.error().sentence;
    const auto session = Session::launch(launch);
    ASSERT_TRUE(session) << session.error().sentence;
    SnapshotReader reader(*kernel, {}, (*session)->memory());
    (void)(*session)->wait_for_stop(deadline_in(std::chrono::seconds(2))); // it does not stop: time for it to begin
    ASSERT_TRUE((*session)->pause());
    const auto snapshot = reader.take(Freshness::stopped);
    EXPECT_THAT(snapshot->problems, IsEmpty());
    ASSERT_GE(snapshot->spaces.size(), 4u);
    std::uint64_t present = 0, untouched = 0;
    for (const auto& space : snapshot->spaces) {
        if (space.ended) continue;
        SCOPED_TRACE(space.name);
        EXPECT_THAT(space.page_tables.oddities, IsEmpty());
        EXPECT_TRUE(space.page_tables.complete);
        const auto presence = presence_of(space);
        EXPECT_EQ(presence.stray, 0u);
        for (std::size_t i = 0; i < space.mappings.size(); ++i) {
            std::uint64_t walked = 0;
            for (auto address = space.mappings[i].begin; address < space.mappings[i].end; address += abi::page_size) {
                const auto view = explain_address(*snapshot, space, address);
                ASSERT_THAT(view.contradictions, IsEmpty()) << std::hex << address;
                walked += view.walk.mapped ? 1 : 0;
                untouched += view.page.untouched() ? 1 : 0;
            }
            EXPECT_EQ(walked, presence.mappings[i].present) << "one by one and counted by tables";
            present += walked;
        }
    }
    EXPECT_GT(present, 50u);
    EXPECT_GT(untouched, 50u) << "pages come by faults";
    EXPECT_TRUE(snapshot->memory.known);
    EXPECT_GT(snapshot->memory.free, snapshot->memory.total / 2);
    EXPECT_EQ(snapshot->memory.pressure, abi::MemoryPressure::none);
}

// Who has a lock is known only because the runtime writes it into the word and says so when it sleeps on it.
TEST(Waits, TwoLocksInTheOtherOrderAreSeenAsADeadlock)
{
    LaunchOptions launch;
    launch.kernel = os_build() + "/kernel.elf";
    launch.initrd = os_build() + "/initrd.tar";
    launch.command_line = "run=deadlock";
    const auto kernel = DebugInfo::load(launch.kernel);
    ASSERT_TRUE(kernel) << kernel.error().sentence;
    const auto session = Session::launch(launch);
    ASSERT_TRUE(session) << session.error().sentence;
    SnapshotReader reader(*kernel, {}, (*session)->memory());
    const auto hang_guard = deadline_in(std::chrono::seconds(60));
    SnapshotPointer snapshot;
    do {
        ASSERT_LT(std::chrono::steady_clock::now(), hang_guard);
        snapshot = reader.take(Freshness::live);
    } while (wait_graph(*snapshot).deadlocks.empty());
    ASSERT_TRUE((*session)->pause());
    snapshot = reader.take(Freshness::stopped);
    const auto graph = wait_graph(*snapshot);
    ASSERT_EQ(graph.deadlocks.size(), 1u);
    EXPECT_THAT(graph.deadlocks[0], testing::MatchesRegex(
        "deadlock: thread ([0-9]+) \\(deadlock\\) waits for thread ([0-9]+) \\(deadlock\\) to let go of the lock at 0x[0-9a-f]+, and "
        "thread ([0-9]+) \\(deadlock\\) waits for thread ([0-9]+) \\(deadlock\\) to let go of the lock at 0x[0-9a-f]+: none of them can go on"));
    EXPECT_EQ(graph.stuck.size(), 4u) << "and main, which joins them, and init, which waits for the program";
    unsigned joins = 0;
    for (const auto& edge : graph.edges) joins += edge.sentence.contains("to end, or to change the word at") ? 1 : 0;
    EXPECT_EQ(joins, 1u);
}

// The first scheme of a picture that is taken at the first such phase of a program that calls one.
nlohmann::json scheme_at(const std::string& phase)
{
    const auto run = run_cli({ "step", "--json", "--phase", phase, "--program", "test-scheme", "--seconds", "60", "--os", os_build() });
    EXPECT_EQ(run.status, 0) << run.problems;
    const auto document = nlohmann::json::parse(run.output, nullptr, false);
    if (document.is_discarded() || !document.contains("picture") || document["picture"]["schemes"].empty()) return nullptr;
    return document["picture"]["schemes"][0];
}

TEST(Schemes, ACallIsSeenOnItsWay)
{
    const auto received = scheme_at("call.received");
    ASSERT_FALSE(received.is_null());
    EXPECT_EQ(received["valid"], true) << received;
    ASSERT_EQ(received["received"].size(), 1u);
    const auto& call = received["received"][0];
    EXPECT_EQ(call["state"], "received");
    EXPECT_NE(call["thread"], 0);
    EXPECT_NE(call["server_thread"], call["thread"]);
    EXPECT_NE(call["server_space"], 0);
    EXPECT_THAT(call["sentence"].get<std::string>(), HasSubstr("is with server thread"));
    const auto resumed = scheme_at("call.resumed");
    ASSERT_FALSE(resumed.is_null());
    EXPECT_EQ(resumed["valid"], true) << resumed;
    EXPECT_TRUE(resumed["received"].empty()) << "its caller goes on with the answer";
}

TEST(Inspect, ExplainsAnAddress)
{
    const std::vector<std::string> common { "--os", os_build(), "--seconds", "2" };
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), common.begin(), common.end());
        return run_cli(std::move(arguments));
    };
    const auto text = run({ "inspect", "--address", "0x203000" });
    ASSERT_EQ(text.status, 0) << text.problems;
    EXPECT_THAT(text.output, HasSubstr("space 1 (init)\n  0x203000 is"));
    EXPECT_THAT(text.output, HasSubstr("level 4  table"));
    const auto document = nlohmann::json::parse(run({ "inspect", "--json", "--address", "16", "--space", "1" }).output, nullptr, false);
    ASSERT_FALSE(document.is_discarded());
    ASSERT_EQ(document["spaces"].size(), 1u);
    EXPECT_EQ(document["spaces"][0]["space_name"], "init");
    EXPECT_EQ(document["spaces"][0]["sentence"],
              "0x10 is not mapped and never will be: the first 64 KiB stay empty, so that a null pointer faults");
    const auto nowhere = run({ "inspect", "--address", "16", "--space", "999" });
    EXPECT_EQ(nowhere.status, 2);
    EXPECT_THAT(nowhere.problems, HasSubstr("there is no space 999"));
}

} // namespace
} // namespace orrery::inspector
