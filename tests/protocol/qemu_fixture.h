// What all tests with a real QEMU share: the test guest, started and talked to.
#pragma once

#include <gtest/gtest.h>
#include <memory>

#include "inspector/core/session/session.h"
#include "tests/protocol/guest/guest.h"
#include "tests/protocol/scripted_peer.h"

namespace orrery::inspector::test {

using namespace std::chrono_literals;

// Hang guard of everything that waits: generous, since the machine may be busy.
inline Deadline patience() { return deadline_in(60s); }

inline std::uint64_t word(Session& session, std::uint64_t address)
{
    const auto value = session.memory().value<std::uint64_t>(address);
    EXPECT_TRUE(value) << value.error().sentence;
    return value.value_or(0);
}

// Until `condition` holds, or the guest has ended. There is no event for a change of memory, so it is looked at each
// ms.
template <typename Condition>
bool eventually(Session& session, Condition condition)
{
    const auto deadline = patience();
    while (!condition()) {
        if (Clock::now() > deadline || session.state() == GuestState::ended) return condition();
        [[maybe_unused]] const auto stop = session.wait_for_stop(deadline_in(1ms));
    }
    return true;
}

inline bool counter_moves(Session& session, std::uint64_t address = GUEST_COUNTER)
{
    const auto before = word(session, address);
    return eventually(session, [&] { return word(session, address) != before; });
}

inline LaunchOptions guest_options()
{
    LaunchOptions options;
    options.kernel = PROTOCOL_GUEST;
    options.memory_mebibytes = 32;
    options.start_timeout = 60s;
    return options;
}

// A running guest whose both CPUs count; null (and a failure) if it does not come up.
inline std::unique_ptr<Session> start_guest(LaunchOptions options = guest_options())
{
    auto session = Session::launch(options);
    if (!session) {
        ADD_FAILURE() << session.error().sentence;
        return nullptr;
    }
    if (!options.stopped_at_start && !eventually(**session, [&] {
            return (options.cpus < 2 || word(**session, GUEST_READY) != 0) && word(**session, GUEST_COUNTER) != 0;
        })) {
        ADD_FAILURE() << "the guest did not come up";
        return nullptr;
    }
    return std::move(*session);
}

// Puts a command into the guest's mailbox; the guest must be stopped.
inline void give_command(Session& session, std::uint64_t command, std::uint64_t argument = 0)
{
    auto client = session.control();
    ASSERT_TRUE(client) << client.error().sentence;
    const std::uint64_t words[2] = { command, argument };
    const auto done = (*client)->write_physical(GUEST_COMMAND, std::as_bytes(std::span(words)));
    ASSERT_TRUE(done) << done.error().sentence;
}

#define ASSERT_OK(expression)                                                                                          \
    do {                                                                                                               \
        const auto& outcome = (expression);                                                                            \
        ASSERT_TRUE(outcome) << outcome.error().sentence;                                                              \
    } while (false)
#define EXPECT_SAYS(error, words) EXPECT_NE((error).sentence.find(words), std::string::npos) << (error).sentence

} // namespace orrery::inspector::test
