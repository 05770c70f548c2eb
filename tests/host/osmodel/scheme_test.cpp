// Schemes and their calls: read from a guest's memory, told in sentences, and lists that lie.
#include <cstddef>
#include <gmock/gmock.h>

#include "abi/scheme.h"
#include "inspector/core/osmodel/explain_scheme.h"
#include "synthetic_guest.h"

namespace orrery::inspector {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string scheme_type = "orrery::kernel::Scheme";
const std::string operation_type = "orrery::kernel::Operation";
const std::string receiver_type = "orrery::kernel::Scheme::Receiver";

// A client with three threads and a server with two; scheme 3 between them.
class Schemes : public testing::Test {
protected:
    SyntheticGuest guest { GUEST_PATH };
    std::uint64_t client = 0, server = 0, scheme = 0;
    std::uint64_t callers[3] {}, servers[2] {};

    Schemes()
    {
        guest.describe(1);
        client = guest.add_space(1, "shell");
        server = guest.add_space(2, "files");
        for (unsigned i = 0; i < 3; ++i) callers[i] = guest.add_thread(5 + i, client, "blocked", 0);
        for (unsigned i = 0; i < 2; ++i) servers[i] = guest.add_thread(9 + i, server, "blocked", 0);
        scheme = guest.make(scheme_type);
        guest.set(scheme, scheme_type, "number", 3);
        guest.set_enumerator(scheme, scheme_type, "kind", "scheme");
        guest.set(scheme, scheme_type, "open_servers_", 1);
        guest.set(scheme, scheme_type, "next_tag_", 90);
        guest.put(guest.address_of("orrery::kernel::all_schemes"), scheme);
    }
    std::uint64_t call(std::uint32_t tag, std::uint64_t caller, const char* state, std::uint64_t next = 0)
    {
        const auto operation = guest.make(operation_type);
        guest.set(operation, operation_type, "entry.tag", tag);
        guest.set(operation, operation_type, "entry.opcode", 20);
        guest.set(operation, operation_type, "caller", caller);
        guest.set_enumerator(operation, operation_type, "state", state);
        guest.set(operation, operation_type, "link.next", next);
        return operation;
    }
    std::uint64_t received(std::uint32_t tag, std::uint64_t caller, std::uint64_t thread)
    {
        const auto operation = call(tag, caller, "received");
        guest.set(operation, operation_type, "server", server);
        guest.set(operation, operation_type, "server_thread", thread);
        guest.set(scheme, scheme_type, "received_[" + std::to_string(tag % 64) + "].first_", operation);
        return operation;
    }
    std::uint64_t receiver(std::uint64_t thread, std::uint64_t next = 0)
    {
        const auto waiting = guest.make(receiver_type);
        guest.set(waiting, receiver_type, "thread", thread);
        guest.set(waiting, receiver_type, "link.next", next);
        return waiting;
    }
    SnapshotPointer take() { return guest.reader().take(Freshness::stopped); }
    // Of the only scheme.
    std::string sentence()
    {
        const auto snapshot = take();
        return snapshot->schemes.size() == 1 ? explain_scheme(snapshot->schemes[0], *snapshot) : "not one scheme";
    }
};

TEST_F(Schemes, NobodyCalls)
{
    const auto snapshot = take();
    ASSERT_EQ(snapshot->schemes.size(), 1u);
    EXPECT_TRUE(snapshot->schemes[0].valid);
    EXPECT_EQ(snapshot->scheme(3), &snapshot->schemes[0]);
    EXPECT_EQ(snapshot->scheme(4), nullptr);
    EXPECT_EQ(snapshot->schemes[0].next_tag, 90u);
    EXPECT_EQ(sentence(), "scheme 3: nobody calls, and no server waits for a call");
    guest.set(scheme, scheme_type, "receivers_.first_", receiver(servers[0], receiver(servers[1])));
    EXPECT_THAT(take()->schemes[0].receivers, ElementsAre(9u, 10u));
    EXPECT_EQ(sentence(), "scheme 3: nobody calls, and thread 9 (files), thread 10 (files) wait for a call");
}

TEST_F(Schemes, CallsWaitAndAreReceived)
{
    const auto last = call(70, callers[2], "submitted");
    guest.set(scheme, scheme_type, "submitted_.first_", call(69, callers[1], "submitted", last));
    const auto at_work = received(66, callers[0], servers[0]);
    guest.set(at_work, operation_type, "entry.flags", abi::sqe_readable_buffer);
    guest.set(at_work, operation_type, "entry.arguments[4]", 0x40'3000);
    guest.set(at_work, operation_type, "entry.arguments[5]", 512);
    const auto snapshot = take();
    EXPECT_THAT(snapshot->problems, IsEmpty());
    const auto& view = snapshot->schemes.at(0);
    ASSERT_TRUE(view.valid) << view.problem;
    ASSERT_EQ(view.waiting.size(), 2u);
    ASSERT_EQ(view.received.size(), 1u);
    EXPECT_EQ(view.waiting[0].tag, 69u) << "in the order in which they will be taken";
    EXPECT_EQ(view.waiting[0].thread, 6u);
    EXPECT_EQ(view.waiting[0].space, 1u);
    EXPECT_EQ(view.waiting[0].server_thread, 0u);
    EXPECT_EQ(view.received[0].server_thread, 9u);
    EXPECT_EQ(view.received[0].server_space, 2u);
    EXPECT_EQ(view.received[0].opcode, 20u);
    EXPECT_EQ(view.received[0].buffer, 0x40'3000u);
    EXPECT_EQ(view.received[0].buffer_size, 512u);
    EXPECT_EQ(view.waiting[0].buffer_size, 0u) << "what no flag offers is no buffer";
    EXPECT_EQ(explain_scheme(view, *snapshot),
              "scheme 3: 2 calls wait, and no server asks for one now: 1 call is with a server");
    EXPECT_EQ(explain_call(view, view.received[0], *snapshot), "call 66 of thread 5 (shell) is with server thread 9 (files)");
    EXPECT_EQ(explain_call(view, view.waiting[0], *snapshot),
              "call 69 of thread 6 (shell) waits: no server has taken it yet, and it is the next");
    EXPECT_EQ(explain_call(view, view.waiting[1], *snapshot),
              "call 70 of thread 7 (shell) waits: no server has taken it yet, and 1 call goes first");
}

TEST_F(Schemes, ACancelledCallWaitsForTheServersWord)
{
    const auto operation = received(66, callers[0], servers[0]);
    guest.set(operation, operation_type, "cancelled", 1);
    const auto told = take();
    EXPECT_THAT(explain_call(told->schemes[0], told->schemes[0].received.at(0), *told),
                HasSubstr("has cancelled it, and waits until the server gives it up or answers"));
    guest.set(scheme, scheme_type, "cancelled_.first_", operation);
    const auto untold = take();
    EXPECT_TRUE(untold->schemes[0].received.at(0).cancel_untold);
    EXPECT_THAT(explain_call(untold->schemes[0], untold->schemes[0].received.at(0), *untold), HasSubstr("which no server has heard yet"));
}

TEST_F(Schemes, APageInIsTheKernelsOwnCall)
{
    const auto operation = received(66, callers[0], servers[0]);
    guest.set(operation, operation_type, "entry.opcode", static_cast<unsigned>(abi::SchemeOpcode::page_in));
    const auto snapshot = take();
    EXPECT_EQ(explain_call(snapshot->schemes[0], snapshot->schemes[0].received.at(0), *snapshot),
              "call 66 of thread 5 (shell), which misses a page, is with server thread 9 (files)");
    EXPECT_EQ(opcode_label(2), "page_in");
    EXPECT_EQ(opcode_label(20), "20");
}

TEST_F(Schemes, EveryStateHasItsSentence)
{
    guest.set(scheme, scheme_type, "submitted_.first_", call(69, callers[1], "submitted"));
    EXPECT_EQ(sentence(), "scheme 3: 1 call waits, and no server asks for one now");
    guest.set(scheme, scheme_type, "open_servers_", 0);
    EXPECT_EQ(sentence(), "scheme 3: 1 call waits, and nobody holds a handle that may serve");
    guest.set(scheme, scheme_type, "submitted_.first_", 0);
    received(1, callers[0], servers[0]);
    EXPECT_EQ(sentence(), "scheme 3: 1 call is with a server, and no server waits for the next");
    guest.set(scheme, scheme_type, "receivers_.first_", receiver(servers[1]));
    EXPECT_EQ(sentence(), "scheme 3: 1 call is with a server, and thread 10 (files) waits for the next");
    guest.set(scheme, scheme_type, "closed_", 1);
    EXPECT_THAT(sentence(), HasSubstr("scheme 3 has no server any more"));
}

TEST_F(Schemes, ListsThatLieEndWithASentence)
{
    const auto first = call(69, callers[1], "submitted");
    guest.set(first, operation_type, "link.next", first);
    guest.set(scheme, scheme_type, "submitted_.first_", first);
    EXPECT_THAT(sentence(), HasSubstr("scheme 3: a list of its calls runs in a circle at"));
    EXPECT_EQ(take()->schemes[0].waiting.size(), 1u) << "what was read before stays";
    for (const std::uint64_t nowhere : { std::uint64_t { 0x1000 }, SyntheticGuest::direct_map + SyntheticGuest::memory_size, ~std::uint64_t { 7 }, scheme + 1 }) {
        guest.set(first, operation_type, "link.next", nowhere);
        EXPECT_THAT(sentence(), HasSubstr("where no call can be")) << std::hex << nowhere;
    }
    guest.set(first, operation_type, "link.next", 0);
    guest.set_enumerator(first, operation_type, "state", "received");
    EXPECT_THAT(sentence(), HasSubstr("is no call that is submitted"));
    guest.set_enumerator(first, operation_type, "state", "submitted");
    guest.set(first, operation_type, "caller", scheme);
    EXPECT_THAT(sentence(), HasSubstr("is no call that is submitted"));
    guest.set(scheme, scheme_type, "submitted_.first_", 0);
    guest.set(scheme, scheme_type, "receivers_.first_", receiver(0x1234));
    EXPECT_THAT(sentence(), HasSubstr("a server that is said to wait for its calls is no thread"));
    guest.set(scheme, scheme_type, "receivers_.first_", 0);
    guest.set(scheme, scheme_type, "cancelled_.first_", first);
    EXPECT_THAT(sentence(), HasSubstr("is in no other list"));
    guest.set(scheme, scheme_type, "all_next", scheme);
    EXPECT_THAT(take()->problems.at(0).sentence, HasSubstr("the list of schemes runs in a circle"));
}

// While the guest runs a list may change under the reader: it looks once more.
TEST_F(Schemes, ATornListIsReadAgain)
{
    const auto first = call(69, callers[1], "submitted", 0x1000);
    guest.set(scheme, scheme_type, "submitted_.first_", first);
    int reads = 0;
    const auto operation = first - SyntheticGuest::direct_map;
    guest.on_read = [&](std::uint64_t address) {
        if (address == operation && ++reads == 2) guest.set(first, operation_type, "link.next", 0);
    };
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_TRUE(snapshot->schemes.at(0).valid) << snapshot->schemes[0].problem;
    EXPECT_EQ(reads, 2);
}

} // namespace
} // namespace orrery::inspector
