// Who waits for whom: edges, threads that can't go on, and what is not a deadlock.
#include "inspector/core/osmodel/wait_graph.h"

#include <gmock/gmock.h>

#include "abi/futex.h"
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
    void with_handle(std::uint32_t space, const char* kind, const char* label, std::uint32_t rights)
    {
        SpaceView view;
        view.id = space;
        view.handles.push_back({ .number = 1, .kind = kind, .rights = rights, .object = 0, .label = label });
        snapshot.spaces.push_back(view);
    }
    void with_ring(std::uint32_t space, std::uint32_t rights) { with_handle(space, "ring", "ring 5", rights); }
    void waits_for_owner(std::uint32_t id, std::uint64_t address, std::uint32_t word)
    {
        blocked(id, "futex_owned", address, word);
        for (auto& view : snapshot.threads)
            if (view.id == id) view.wait_word = word;
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
    EXPECT_THAT(wait_graph(snapshot).edges, IsEmpty()) << "nobody has it yet, and nobody may serve";
    with_handle(2, "scheme", "scheme 7", abi::right_serve);
    with_handle(3, "scheme", "scheme 7", abi::right_call);
    ASSERT_EQ(wait_graph(snapshot).edges.size(), 1u);
    EXPECT_EQ(wait_graph(snapshot).edges[0].to, 2u) << "who may take it";
}

TEST_F(WaitGraphs, AnyThreadOfTheServerMayAnswer)
{
    thread(1, 1, "client");
    thread(2, 2, "server");
    thread(3, 2, "server");
    blocked(1, "scheme_call", 7, 2);
    blocked(2, "space_end", 1);
    auto graph = wait_graph(snapshot);
    ASSERT_EQ(graph.edges.size(), 2u) << "shown: who took the call";
    EXPECT_TRUE(graph.edges[0].any);
    EXPECT_THAT(graph.stuck, IsEmpty()) << "thread 3 can answer for thread 2";
    blocked(3, "space_end", 1);
    graph = wait_graph(snapshot);
    EXPECT_THAT(graph.stuck, ElementsAre(1, 2, 3));
    EXPECT_EQ(graph.deadlocks.size(), 1u);
}

TEST_F(WaitGraphs, TwoServersThatCallEachOther)
{
    thread(1, 1, "client");
    thread(2, 2, "a");
    thread(3, 3, "b");
    thread(4, 4, "bystander");
    with_handle(2, "scheme", "scheme 1", abi::right_serve);
    with_handle(3, "scheme", "scheme 2", abi::right_serve);
    blocked(1, "scheme_call", 1, 2);
    blocked(2, "scheme_call", 2, 3);
    blocked(3, "scheme_call", 1, 0); // the last one calls a server that is blocked already, and so can't take the call
    blocked(4, "futex", 0x1000, 1);
    const auto graph = wait_graph(snapshot);
    EXPECT_THAT(graph.stuck, ElementsAre(1, 2, 3)) << "the client, too: it waits for one that can't go on";
    EXPECT_THAT(graph.deadlocks,
                ElementsAre("deadlock: thread 2 (a) waits for thread 3 (b) to answer its call to scheme 2, and thread 3 (b) "
                            "waits for thread 2 (a) to answer its call to scheme 1: none of them can go on"));
}

TEST_F(WaitGraphs, AServerThatCallsItself)
{
    thread(1, 1, "server");
    with_handle(1, "scheme", "scheme 1", abi::right_serve);
    blocked(1, "scheme_call", 1, 0);
    EXPECT_THAT(wait_graph(snapshot).deadlocks,
                ElementsAre("deadlock: thread 1 (server) waits for thread 1 (server) to answer its call to scheme 1: it waits for itself"));
    thread(2, 1, "server");
    EXPECT_THAT(wait_graph(snapshot).stuck, IsEmpty()) << "its other thread can answer";
}

TEST_F(WaitGraphs, TwoLocksInTheOtherOrder)
{
    thread(1, 1, "philosopher");
    thread(2, 1, "philosopher");
    thread(3, 1, "philosopher");
    waits_for_owner(1, 0x1000, abi::futex_contended | 2);
    waits_for_owner(2, 0x2000, abi::futex_contended | 1);
    waits_for_owner(3, 0x3000, 2); // pthread_join
    const auto graph = wait_graph(snapshot);
    EXPECT_THAT(graph.stuck, ElementsAre(1, 2, 3));
    EXPECT_THAT(graph.deadlocks,
                ElementsAre("deadlock: thread 1 (philosopher) waits for thread 2 (philosopher) to let go of the lock at 0x1000, and "
                            "thread 2 (philosopher) waits for thread 1 (philosopher) to let go of the lock at 0x2000: none of them can "
                            "go on"));
    EXPECT_EQ(graph.edges[2].sentence, "thread 3 (philosopher) waits for thread 2 (philosopher) to end, or to change the word at 0x3000");
    waits_for_owner(2, 0x2000, abi::futex_contended | 77);
    EXPECT_THAT(wait_graph(snapshot).stuck, IsEmpty()) << "nobody has that number";
    waits_for_owner(1, 0x1000, abi::futex_contended | 1);
    EXPECT_THAT(wait_graph(snapshot).stuck, ElementsAre(1)) << "a lock that it has itself";
}

TEST_F(WaitGraphs, AnEventIsSignalledByWhoMay)
{
    thread(1, 1, "waiter");
    thread(2, 2, "signaller");
    blocked(1, "event", 3);
    EXPECT_THAT(wait_graph(snapshot).edges, IsEmpty()) << "an interrupt: the device does it";
    with_handle(2, "event", "event 3", abi::right_signal);
    ASSERT_EQ(wait_graph(snapshot).edges.size(), 1u);
    EXPECT_EQ(wait_graph(snapshot).edges[0].sentence, "thread 1 (waiter) waits for thread 2 (signaller) to count one more of event 3");
    blocked(2, "space_end", 1);
    EXPECT_THAT(wait_graph(snapshot).stuck, ElementsAre(1, 2));
}

TEST_F(WaitGraphs, AProgramEndsWhenAllOfItsThreadsDo)
{
    thread(1, 1, "parent");
    thread(2, 2, "child");
    thread(3, 2, "child");
    blocked(1, "space_end", 2);
    blocked(3, "scheme_call", 3, 1);
    EXPECT_THAT(wait_graph(snapshot).stuck, ElementsAre(1, 3)) << "thread 2 runs, and that is not enough";
}

TEST_F(WaitGraphs, ManyHelpersAreNotAllShown)
{
    for (std::uint32_t id = 1; id <= 1000; ++id) thread(id, id <= 500 ? 1 : 2, "crowd");
    with_ring(1, abi::right_consume);
    with_ring(2, abi::right_produce);
    for (std::uint32_t id = 1; id <= 999; ++id) blocked(id, id <= 500 ? "ring_entries" : "ring_space", 5);
    const auto graph = wait_graph(snapshot);
    EXPECT_EQ(graph.edges.size(), 999u * 8);
    EXPECT_TRUE(graph.edges[7].sentence.ends_with("(crowd) to push to ring 5, and 492 more are not shown")) << graph.edges[7].sentence;
    EXPECT_THAT(graph.stuck, IsEmpty()) << "thread 1000 can push";
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
