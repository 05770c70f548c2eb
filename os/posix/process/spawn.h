// Makes a process out of an ELF file: address space, segments, stack with arguments, handles, first thread.
#pragma once

#include "abi/error.h"
#include "abi/handle.h"
#include "abi/startup.h"
#include "abi/syscall.h"
#include "common/elf_image.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace orrery::process {

// A handle that the new process gets, and the auxiliary vector entry under which it finds it.
struct GivenHandle {
    abi::Auxiliary type;
    abi::Handle handle; // in the caller's table
    std::uint32_t rights; // abi::Right
};

struct SpawnRequest {
    std::span<const std::byte> file; // the whole ELF file
    std::span<const char* const> arguments; // argv, without the terminating null; the first names the process
    std::span<const char* const> environment;
    std::span<const GivenHandle> handles; // at most 24
    std::span<const abi::AuxiliaryEntry> auxiliary; // more entries, such as parent_process_id; at most 16
    std::uint32_t process_id; // what getpid() will say; the caller makes it unique
};

struct SpawnProblem {
    std::expected<void, common::ElfProblem> elf {}; // an error if the file was refused
    abi::Error error = abi::Error::none; // else what the kernel said
    const char* sentence() const;
};

struct SpawnedProcess {
    abi::Handle space; // with all rights: wait, signal, manage
    std::uint32_t process_id;
};

// The two halves, for who has to introduce two processes to each other before either runs.
// prepare: everything but the first thread. start: makes the thread; nothing can be given to the process any more.
class PreparedProcess {
public:
    // `name` is for people: the Inspector shows it.
    static std::expected<PreparedProcess, SpawnProblem> prepare(
        std::span<const std::byte> file, std::uint32_t process_id, std::string_view name);
    std::expected<SpawnedProcess, SpawnProblem> start(const SpawnRequest& request) const;
    abi::Handle space() const { return space_; }
    std::uint32_t process_id() const { return process_id_; }

private:
    PreparedProcess(abi::Handle space, std::uint32_t process_id, const common::ElfImage& image)
        : space_(space)
        , process_id_(process_id)
        , image_(image)
    {
    }
    abi::Handle space_;
    std::uint32_t process_id_;
    common::ElfImage image_;
};

// Both at once. On failure nothing is left behind.
std::expected<SpawnedProcess, SpawnProblem> spawn(const SpawnRequest& request);

// Waits until it has ended, and closes the handle. Signals to the caller are handled meanwhile.
std::expected<abi::ExitStatus, abi::Error> wait_for_end(const SpawnedProcess& process);

inline constexpr std::uint64_t stack_size = std::uint64_t { 256 } * 1024; // bytes, plus a guard page below

} // namespace orrery::process
