// Benchmarks of two processes that wait for each other: a ring entry there and back, a call to a scheme, a signal there and
// back. Both sides sleep in between, on one processor, so a figure holds two sleeps, two wake-ups and two switches.
#include <array>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "abi/ring.h"
#include "abi/scheme.h"
#include "common/ustar.h"
#include "measure.h"
#include "orrery/orrery.h"
#include "posix/process/initrd.h"
#include "posix/process/spawn.h"
#include "posix/ring/ring.h"

namespace {

using namespace orrery;
using bench::measure;
using bench::require;

constexpr std::uint32_t capacity = 8;
constexpr unsigned no_spins = 0; // the other side can't run while this one spins
constexpr std::uint32_t last_tag = ~0u;
constexpr std::uint8_t last_call = abi::first_free_opcode + 1;

using Producer = ring::Producer<abi::Cqe>;
using Consumer = ring::Consumer<abi::Cqe>;

template <typename End>
End attach(abi::Handle handle)
{
    auto end = ring::attach<End, abi::Cqe>(handle, capacity);
    require(end.has_value(), "a ring's end does not attach");
    return *std::move(end);
}

volatile sig_atomic_t signals = 0;

void count(int, siginfo_t*, void*) { signals = signals + 1; }

// SIGUSR1 is handled only inside sigsuspend.
sigset_t prepare_signal()
{
    struct sigaction action {};
    action.sa_sigaction = count;
    action.sa_flags = SA_SIGINFO;
    require(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction failed");
    sigset_t user, while_waiting;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    sigprocmask(SIG_BLOCK, &user, &while_waiting);
    sigdelset(&while_waiting, SIGUSR1);
    return while_waiting;
}

abi::Handle given(abi::Auxiliary type, unsigned index)
{
    const auto handle
        = static_cast<abi::Handle>(orrery_auxiliary(static_cast<std::uint64_t>(type), index, abi::no_handle));
    require(handle != abi::no_handle, "the echo was not given its handles");
    return handle;
}

// Answers every call with its first argument plus one, up to the call that says that it was the last.
void answer_calls(abi::Handle scheme)
{
    abi::Sqe entry {};
    abi::Cqe completion {};
    const abi::Cqe* answer = nullptr;
    do {
        require(runtime::raw::scheme_receive(scheme, answer, &entry, abi::no_deadline) == 0, "the echo can't receive");
        completion = { .flags = 0, .extra = {}, .tag = entry.tag, .result = entry.arguments[0] + 1 };
        answer = &completion;
    } while (entry.opcode != last_call);
    require(runtime::raw::scheme_receive(scheme, answer, 0, 0) == 0, "the echo can't answer its last call");
}

// The other process: sends every entry back, then answers calls, then sends every signal back, until SIGTERM ends it.
[[noreturn]] void echo()
{
    const sigset_t while_waiting = prepare_signal();
    const abi::Handle peer = given(abi::Auxiliary::peer_space_handle, 0);
    auto from_peer = attach<Consumer>(given(abi::Auxiliary::ring_handle, 0));
    auto to_peer = attach<Producer>(given(abi::Auxiliary::ring_handle, 1));
    abi::Cqe entry {};
    do {
        require(from_peer.pop_wait(entry, abi::no_deadline, no_spins) == abi::Error::none, "the echo can't pop");
        require(to_peer.push_wait(entry, abi::no_deadline, no_spins) == abi::Error::none, "the echo can't push");
    } while (entry.tag != last_tag);
    answer_calls(given(abi::Auxiliary::scheme_handle, 0));
    while (true) {
        sigsuspend(&while_waiting);
        orrery_kill(peer, SIGUSR1);
    }
}

process::SpawnedProcess start_echo(const std::array<abi::Handle, 2>& rings, abi::Handle scheme)
{
    const auto initrd = process::map_initrd();
    require(initrd.has_value(), "the initrd can't be mapped");
    const auto file = common::UstarArchive(*initrd).find("bench-pair");
    require(file.has_value(), "the initrd holds no bench-pair");
    const std::array<const char*, 2> arguments { "bench-echo", "echo" };
    const std::array<process::GivenHandle, 5> handles { {
        { abi::Auxiliary::console_handle, runtime::process_state.console, abi::right_write },
        { abi::Auxiliary::ring_handle, rings[0], abi::right_consume },
        { abi::Auxiliary::ring_handle, rings[1], abi::right_produce },
        { abi::Auxiliary::peer_space_handle, runtime::process_state.space, abi::right_signal },
        { abi::Auxiliary::scheme_handle, scheme, abi::right_serve },
    } };
    const auto spawned = process::spawn({
        .file = *file,
        .arguments = arguments,
        .environment = {},
        .handles = handles,
        .auxiliary = {},
        .process_id = static_cast<std::uint32_t>(getpid()) + 1,
    });
    require(spawned.has_value(), "the echo can't be started");
    return *spawned;
}

abi::Handle make_ring()
{
    const auto handle = runtime::result_of(runtime::raw::ring_create(sizeof(abi::Cqe), capacity));
    require(handle.has_value(), "a ring can't be made");
    return static_cast<abi::Handle>(*handle);
}

} // namespace

int main(int argument_count, char** arguments)
{
    if (argument_count > 1 && std::strcmp(arguments[1], "echo") == 0) echo();

    const sigset_t while_waiting = prepare_signal();
    const std::array<abi::Handle, 2> rings { make_ring(), make_ring() };
    auto to_echo = attach<Producer>(rings[0]);
    auto from_echo = attach<Consumer>(rings[1]);
    const auto made = runtime::result_of(runtime::raw::scheme_create());
    require(made.has_value(), "a scheme can't be made");
    const auto scheme = static_cast<abi::Handle>(*made);
    const auto other = start_echo(rings, scheme);

    abi::Cqe sent {}, received {};
    const auto round_trip = [&] {
        to_echo.push_wait(sent, abi::no_deadline, no_spins);
        from_echo.pop_wait(received, abi::no_deadline, no_spins);
    };
    measure("ring_round_trip", [&] {
        ++sent.tag;
        round_trip();
    });
    require(received.tag == sent.tag, "an entry did not come back");
    sent.tag = last_tag;
    round_trip();

    abi::Sqe call { .opcode = abi::first_free_opcode };
    abi::Cqe completion {};
    measure("scheme_round_trip", [&] {
        ++call.arguments[0];
        runtime::raw::scheme_call(scheme, &call, &completion, abi::no_deadline);
    });
    require(completion.result == call.arguments[0] + 1, "a call was not answered");
    call.opcode = last_call;
    require(runtime::raw::scheme_call(scheme, &call, &completion, abi::no_deadline) == 0, "the last call was not answered");

    signals = 0;
    measure("signal_round_trip", [&] {
        orrery_kill(other.space, SIGUSR1);
        sigsuspend(&while_waiting);
    });
    require(signals == 117, "not every signal came back exactly once");

    orrery_kill(other.space, SIGTERM);
    const auto status = process::wait_for_end(other);
    require(status.has_value() && status->signal == SIGTERM, "the echo did not end by SIGTERM");
    return 0;
}
