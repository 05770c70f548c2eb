// Who waits for whom: edges, threads that can't go on, and what is not a deadlock.
#include "inspector/core/osmodel/wait_graph.h"

#include <gmock/gmock.h>

#include "abi/handle.h"
#include "abi/syscall.h"

namespace orrery::inspector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WaitGraphs : public testing::Test {
protected:
    ThreadView& thread(std::uint32_t id, std::uint32_t space, const char* name)
    {
        ThreadView view;
        view.id = id;
        view.space = space;
        view.space_name = name;
        view.state = "running";
        view.wait_deadline = abi::no_deadline;
        snapshot.threads.push_back(view);
        return snapshot.threads.back();
    }
    void blocked(std::uint32_t id, const char* reason, std::uint64_t object, std::uint64_t value = 0)
    {
        for (auto& view : snapshot.threads)
            if (view.id == id) {
                view.state = "blocked";
                view.wait_reason = reason;
                view.wait_object = object;
                view.wait_value = value;
            }
    }
    void with_ring(std::uint32_t space, std::uint32_t rights)
    {
        SpaceView view;
        view.id = space;
        view.handles.push_back({ .number = 1, .kind = "ring", .rights = rights, .object = 0, .label = "ring 5" });
        snapshot.spaces.push_back(view);
    }
    Snapshot snapshot;
};

TEST_F(WaitGraphs, ACallWaitsForItsServer)
{
    thread(1, 1, "client");
    thread(2, 2, "server");
    blocked(1, "scheme_call", 7, 2);
    const auto graph = wait_graph(snapshot);
    ASSERT_EQ(graph.edges.size(), 1u);
    EXPECT_EQ(graph.edges[0].sentence, "thread 1 (client) waits for thread 2 (server) to answer its call to scheme 7");
    EXPECT_FALSE(graph.edges[0].dead);
    EXPECT_THAT(graph.stuck, IsEmpty()) << "the server runs";
    blocked(1, "scheme_call", 7, 0);
    EXPECT_THAT(wait_graph(snapshot).edges, IsEmpty()) << "nobody has it yet";
}

TEST_F(WaitGraphs, TwoServersThatCallEachOther)
{
    thread(1, 1, "client");
    thread(2, 2, "a");
    thread(3, 3, "b");
    thread(4, 4, "bystander");
    blocked(1, "scheme_call", 1, 2);
    blocked(2, "scheme_call", 2, 3);
    blocked(3, "scheme_call", 1, 2);
    blocked(4, "futex", 0x1000, 1);
    const auto graph = wait_graph(snapshot);
    EXPECT_THAT(graph.stuck, ElementsAre(1, 2, 3)) << "the client, too: it waits for one that can't go on";
    EXPECT_THAT(graph.deadlocks,
                ElementsAre("deadlock: thread 2 (a) waits for thread 3 (b) to answer its call to scheme 2, and thread 3 (b) "
                            "waits for thread 2 (a) to answer its call to scheme 1: none of them can go on"));
}

TEST_F(WaitGraphs, ADeadlineEndsAWait)
{
    thread(2, 2, "a");
    thread(3, 3, "b").wait_deadline = 1000;
    blocked(2, "scheme_call", 2, 3);
    blocked(3, "scheme_call", 1, 2);
    EXPECT_THAT(wait_graph(snapshot).stuck, IsEmpty());
}

TEST_F(WaitGraphs, AProgramThatWaitsForItsOwnParent)
{
    thread(1, 1, "parent");
    thread(2, 2, "child");
    blocked(1, "space_end", 2);
    blocked(2, "scheme_call", 3, 1);
    const auto graph = wait_graph(snapshot);
    EXPECT_THAT(graph.stuck, ElementsAre(1, 2));
    EXPECT_EQ(graph.deadlocks.size(), 1u);
}

TEST_F(WaitGraphs, ARingIsFedByAnyOfThePeersThreads)
{
    thread(1, 1, "consumer");
    thread(2, 2, "producer");
    thread(3, 2, "producer");
    with_ring(1, abi::right_consume);
    with_ring(2, abi::right_produce);
    blocked(1, "ring_entries", 5);
    auto graph = wait_graph(snapshot);
    ASSERT_EQ(graph.edges.size(), 2u);
    EXPECT_EQ(graph.edges[0].sentence, "thread 1 (consumer) waits for thread 2 (producer) to push to ring 5");
    blocked(2, "space_end", 1);
    EXPECT_THAT(wait_graph(snapshot).stuck, IsEmpty()) << "thread 3 can push";
    blocked(3, "space_end", 1);
    EXPECT_THAT(wait_graph(snapshot).stuck, ElementsAre(1, 2, 3));
}

TEST_F(WaitGraphs, GarbageGivesNoEdge)
{
    thread(1, 1, "x");
    blocked(1, "scheme_call", 1, 77);
    EXPECT_THAT(wait_graph(snapshot).edges, IsEmpty());
    blocked(1, "scheme_call", 1, ~std::uint64_t { 0 });
    EXPECT_THAT(wait_graph(snapshot).edges, IsEmpty());
    blocked(1, "scheme_call", 1, 1);
    const auto itself = wait_graph(snapshot);
    EXPECT_THAT(itself.stuck, ElementsAre(1));
    EXPECT_THAT(itself.deadlocks, ElementsAre("deadlock: thread 1 (x) waits for thread 1 (x) to answer its call to scheme 1: it waits for itself"));
}

} // namespace
} // namespace orrery::inspector
