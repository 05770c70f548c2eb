// For tests of schemes: another process that runs this test's own program in another role, and a server that is one.
#pragma once

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "abi/scheme.h"
#include "check.h"
#include "common/ustar.h"
#include "posix/process/initrd.h"
#include "posix/process/spawn.h"
#include "posix/runtime/thread.h"

namespace orrery::test {

// `program role`, with these handles beside the console's.
inline process::SpawnedProcess start(
    const char* program, const char* role, std::initializer_list<process::GivenHandle> others)
{
    static std::uint32_t next_number = 100;
    const auto initrd = process::map_initrd();
    CHECK(initrd.has_value());
    const auto file = common::UstarArchive(*initrd).find(program);
    CHECK(file.has_value());
    const std::array<const char*, 2> arguments { program, role };
    std::array<process::GivenHandle, 4> handles {
        { { abi::Auxiliary::console_handle, runtime::process_state.console, abi::right_write } }
    };
    CHECK(others.size() < handles.size());
    std::copy(others.begin(), others.end(), handles.begin() + 1);
    const auto spawned = process::spawn({ .file = *file,
        .arguments = arguments,
        .environment = {},
        .handles = std::span(handles).first(1 + others.size()),
        .auxiliary = {},
        .process_id = next_number++ });
    CHECK(spawned.has_value());
    return *spawned;
}

inline process::SpawnedProcess start(const char* program, const char* role, std::uint64_t scheme, std::uint32_t rights)
{
    return start(program, role, { { abi::Auxiliary::scheme_handle, static_cast<abi::Handle>(scheme), rights } });
}

struct Server {
    std::uint64_t scheme; // this process can only call
    process::SpawnedProcess process;
};

inline Server start_server(const char* program)
{
    const std::uint64_t both = must(runtime::raw::scheme_create(), "scheme_create");
    const auto process = start(program, "serve", both, abi::right_serve);
    const std::uint64_t client
        = must(runtime::raw::handle_duplicate(both, abi::right_call | abi::right_duplicate), "handle_duplicate");
    must(runtime::raw::handle_close(both), "handle_close"); // else the scheme would outlive its server
    return { client, process };
}

// signal 0: it ends by itself.
inline void stop_server(const Server& server, int signal)
{
    if (signal != 0) CHECK_EQUAL(orrery_kill(server.process.space, signal), 0);
    const auto status = process::wait_for_end(server.process);
    CHECK(status.has_value());
    runtime::raw::handle_close(server.scheme);
}

} // namespace orrery::test
