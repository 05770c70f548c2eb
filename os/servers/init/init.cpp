// The first program: starts the one that the kernel's command line names, waits for it, and ends the machine with its
// exit status. It holds what the kernel hands out once: the initrd, the power switch, the console.
#include "common/ustar.h"
#include "posix/process/initrd.h"
#include "posix/process/spawn.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "servers/init/command_line.h"

#include "abi/startup.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <orrery/orrery.h>
#include <string_view>
#include <unistd.h>

namespace {

using namespace orrery;
namespace raw = orrery::runtime::raw;

// What a shell says for a program that is there but cannot be run, and for one that is not there.
constexpr abi::ExitStatus cannot_run { .code = 126, .signal = 0 };
constexpr abi::ExitStatus not_there { .code = 127, .signal = 0 };

constexpr std::string_view default_program = "demo";
constexpr std::uint32_t first_process_id = 2; // init is 1

std::uint64_t auxiliary(abi::Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0); }

[[noreturn]] void end_machine(abi::ExitStatus status)
{
    std::fflush(nullptr);
    raw::machine_end(auxiliary(abi::Auxiliary::power_handle), status.word());
    std::_Exit(1); // only if there was no power handle
}

[[noreturn]] [[gnu::format(printf, 2, 3)]] void give_up(abi::ExitStatus status, const char* format, ...)
{
    std::va_list arguments;
    va_start(arguments, format);
    std::printf("init: ");
    std::vprintf(format, arguments);
    std::printf("\n");
    end_machine(status);
}

} // namespace

int main()
{
    const auto* line = reinterpret_cast<const char*>(auxiliary(abi::Auxiliary::command_line));
    const init::RunRequest request(line == nullptr ? "" : line, default_program);
    if (request.problem() != nullptr) give_up(not_there, "%s", request.problem());

    const auto initrd = process::map_initrd();
    if (!initrd) give_up(not_there, "the initrd cannot be mapped: %s", abi::sentence(initrd.error()));
    const auto file = common::UstarArchive(*initrd).find(request.program());
    if (!file) give_up(not_there, "the initrd holds no program called \"%s\"", request.program());

    // The initrd goes with it, so that a program can start others out of it.
    const std::array<process::GivenHandle, 4> handles { {
        { abi::Auxiliary::console_handle, runtime::process_state.console, abi::right_write | abi::right_duplicate },
        { abi::Auxiliary::initrd_handle, static_cast<abi::Handle>(auxiliary(abi::Auxiliary::initrd_handle)),
            abi::right_read | abi::right_duplicate },
        { abi::Auxiliary::hardware_handle, static_cast<abi::Handle>(auxiliary(abi::Auxiliary::hardware_handle)),
            abi::right_manage | abi::right_duplicate },
        { abi::Auxiliary::parent_space_handle, runtime::process_state.space, abi::right_signal },
    } };
    const std::array<abi::AuxiliaryEntry, 2> entries { {
        { static_cast<std::uint64_t>(abi::Auxiliary::initrd_size), auxiliary(abi::Auxiliary::initrd_size) },
        { static_cast<std::uint64_t>(abi::Auxiliary::parent_process_id), static_cast<std::uint64_t>(getpid()) },
    } };
    const auto process = process::spawn({
        .file = *file,
        .arguments = request.arguments(),
        .environment = {},
        .handles = handles,
        .auxiliary = entries,
        .process_id = first_process_id,
    });
    if (!process)
        give_up(cannot_run, "the program \"%s\" cannot be started: %s", request.program(), process.error().sentence());
    const auto status = process::wait_for_end(*process);
    if (!status) give_up(cannot_run, "waiting for \"%s\" failed: %s", request.program(), abi::sentence(status.error()));
    end_machine(*status);
}
