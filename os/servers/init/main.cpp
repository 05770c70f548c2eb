// init: the first program. Starts the one that the kernel's command line names, waits for its end, and ends the machine
// with its exit status.
//
// Command line: words separated by spaces; `run=NAME[,ARGUMENT...]` chooses the program (default: demo). The program gets
// the console, the initrd (to start others from) and its process number.
#include "abi/startup.h"
#include "abi/syscall.h"
#include "common/ustar.h"
#include "posix/process/spawn.h"
#include "posix/runtime/syscall.h"

#include <orrery/orrery.h>

#include <algorithm>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string_view>

namespace {

using orrery::abi::Auxiliary;
using orrery::abi::ExitStatus;
namespace abi = orrery::abi;
namespace raw = orrery::runtime::raw;

constexpr std::uint8_t status_cannot_run = 126; // found, but not a program
constexpr std::uint8_t status_not_found = 127;
constexpr std::uint64_t first_process_id = 2;

std::uint64_t auxiliary(Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0); }

[[noreturn]] void end_machine(ExitStatus status)
{
    fflush(stdout);
    raw::machine_end(auxiliary(Auxiliary::power_handle), status.word());
    abort();
}

[[noreturn]] void give_up(std::uint8_t code, const char* program, const char* why)
{
    printf("init: cannot run '%s': %s\n", program, why);
    end_machine({ .code = code, .signal = 0 });
}

// The words after `run=`, cut at commas, in a buffer of its own.
struct Request {
    char text[1024] = "demo";
    const char* arguments[64] = {};
    std::size_t count = 0;
};

void read_request(Request& request)
{
    const std::string_view line = reinterpret_cast<const char*>(auxiliary(Auxiliary::command_line));
    constexpr std::string_view key = "run=";
    for (std::size_t begin = 0; begin < line.size();) {
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        const std::string_view word = line.substr(begin, end - begin);
        if (word.starts_with(key)) {
            const std::string_view value = word.substr(key.size()).substr(0, sizeof(request.text) - 1);
            memcpy(request.text, value.data(), value.size());
            request.text[value.size()] = 0;
        }
        begin = end + 1;
    }
    for (char* rest = request.text; rest && request.count + 1 < std::size(request.arguments);)
        request.arguments[request.count++] = strsep(&rest, ",");
}

std::span<const std::byte> map_initrd()
{
    const std::uint64_t size = auxiliary(Auxiliary::initrd_size);
    const auto address = orrery::runtime::result_of(raw::memory_map(auxiliary(Auxiliary::space_handle),
        auxiliary(Auxiliary::initrd_handle), 0, 0, size, std::uint32_t { abi::protection_read }));
    if (!address)
        give_up(status_cannot_run, "init", abi::sentence(address.error()));
    return { reinterpret_cast<const std::byte*>(*address), size };
}

} // namespace

int main()
{
    Request request;
    read_request(request);
    const char* const program = request.arguments[0];
    const auto file = orrery::common::UstarArchive(map_initrd()).find(program);
    if (!file)
        give_up(status_not_found, program, "the initrd holds no program of that name");

    const auto own_space = static_cast<abi::Handle>(auxiliary(Auxiliary::space_handle));
    auto process = orrery::process::ProcessBuilder::create(own_space, program, *file);
    if (!process)
        give_up(status_cannot_run, program, process.error().sentence());
    for (const Auxiliary type : { Auxiliary::console_handle, Auxiliary::initrd_handle }) {
        if (const auto given = process->give(type, static_cast<abi::Handle>(auxiliary(type))); !given)
            give_up(status_cannot_run, program, given.error().sentence());
    }
    process->tell(Auxiliary::initrd_size, auxiliary(Auxiliary::initrd_size));
    process->tell(Auxiliary::process_id, first_process_id);
    const auto space = process->start({ request.arguments, request.count }, {});
    if (!space)
        give_up(status_cannot_run, program, space.error().sentence());

    for (;;) {
        const auto ended = orrery::runtime::result_of(raw::space_wait(*space, abi::no_deadline));
        if (ended)
            end_machine(ExitStatus::from_word(*ended));
        if (ended.error() != abi::Error::interrupted)
            give_up(status_cannot_run, program, abi::sentence(ended.error()));
    }
}
