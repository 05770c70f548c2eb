// demo: makes two rings and two processes, introduces them to each other, starts both, and waits for them. Options are
// handed on (count=N, pace=MS). Ends with 0 if both did.
#include "common/ustar.h"
#include "posix/process/initrd.h"
#include "posix/process/spawn.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "programs/demo/trade.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <unistd.h>

namespace {

using namespace orrery;
using namespace orrery::demo;
namespace raw = orrery::runtime::raw;

[[noreturn]] void give_up(const char* what, const char* why)
{
    std::printf("demo: %s: %s\n", what, why);
    std::exit(1);
}

abi::Handle make_ring(std::uint64_t entry_size, std::uint64_t capacity)
{
    const auto handle = runtime::result_of(raw::ring_create(entry_size, capacity));
    if (!handle) give_up("a ring cannot be made", abi::sentence(handle.error()));
    return static_cast<abi::Handle>(*handle);
}

process::PreparedProcess prepare(const common::UstarArchive& archive, const char* name, std::uint32_t number)
{
    const auto file = archive.find(name);
    if (!file) give_up(name, "the initrd holds no such program");
    const auto prepared = process::PreparedProcess::prepare(*file, number, name);
    if (!prepared) give_up(name, prepared.error().sentence());
    return *prepared;
}

// Starts one trader with its ends of the rings and the right to signal the other.
process::SpawnedProcess start(const process::PreparedProcess& prepared, const process::PreparedProcess& peer,
    std::span<const char* const> arguments, const std::array<abi::Handle, 2>& rings, bool produces_submissions)
{
    const std::array<process::GivenHandle, 4> handles { {
        { abi::Auxiliary::console_handle, runtime::process_state.console, abi::right_write },
        { abi::Auxiliary::ring_handle, rings[0], produces_submissions ? abi::right_produce : abi::right_consume },
        { abi::Auxiliary::ring_handle, rings[1], produces_submissions ? abi::right_consume : abi::right_produce },
        { abi::Auxiliary::peer_space_handle, peer.space(), abi::right_signal },
    } };
    const std::array<abi::AuxiliaryEntry, 1> entries { {
        { static_cast<std::uint64_t>(abi::Auxiliary::peer_process_id), peer.process_id() },
    } };
    const auto started = prepared.start({
        .file = {},
        .arguments = arguments,
        .environment = {},
        .handles = handles,
        .auxiliary = entries,
        .process_id = prepared.process_id(),
    });
    if (!started) give_up(arguments.front(), started.error().sentence());
    return *started;
}

int end_of(const process::SpawnedProcess& process, const char* name)
{
    const auto status = process::wait_for_end(process);
    if (!status) give_up(name, abi::sentence(status.error()));
    if (status->signal != 0) std::printf("demo: %s was ended by signal %d\n", name, status->signal);
    return status->shell_status();
}

} // namespace

int main(int argc, char** argv)
{
    const auto initrd = process::map_initrd();
    if (!initrd) give_up("the initrd cannot be mapped", abi::sentence(initrd.error()));
    const common::UstarArchive archive(*initrd);
    const std::array<abi::Handle, 2> rings { make_ring(sizeof(abi::Sqe), submission_capacity),
        make_ring(sizeof(abi::Cqe), completion_capacity) };

    const auto first_number = static_cast<std::uint32_t>(getpid()) + 1;
    const auto ping = prepare(archive, "demo-ping", first_number);
    const auto pong = prepare(archive, "demo-pong", first_number + 1);

    // argv of both: the program's name and this program's options.
    std::array<const char*, 32> arguments {};
    std::size_t count = 1;
    for (int i = 1; i < argc && count < arguments.size(); i++)
        arguments[count++] = argv[i];
    arguments[0] = "demo-pong";
    const auto running_pong = start(pong, ping, std::span(arguments).first(count), rings, false);
    arguments[0] = "demo-ping";
    const auto running_ping = start(ping, pong, std::span(arguments).first(count), rings, true);
    // Only the traders hold the rings now, so each notices when the other is gone.
    for (const abi::Handle ring : rings)
        raw::handle_close(ring);

    const int ping_status = end_of(running_ping, "demo-ping");
    const int pong_status = end_of(running_pong, "demo-pong");
    return ping_status != 0 ? ping_status : pong_status;
}
