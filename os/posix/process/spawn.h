// Making a process out of an ELF file: an address space, its memory, its handles, its start stack, its first thread.
//
// Everything happens through handles of the new space; the kernel knows neither programs nor processes. In two steps,
// so that the maker can introduce several new processes to each other before any of them runs.
#pragma once

#include "abi/error.h"
#include "abi/handle.h"
#include "abi/startup.h"
#include "common/elf_image.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace orrery::process {

// Why a process could not be made: the file is bad, or the kernel refused something.
struct SpawnError {
    abi::Error error = abi::Error::none;
    bool bad_file = false;
    common::ElfProblem problem {};

    constexpr const char* sentence() const
    {
        return bad_file ? common::sentence(problem) : abi::sentence(error);
    }
};
template <typename T>
using SpawnResult = std::expected<T, SpawnError>;

inline constexpr std::size_t max_start_entries = 40;
inline constexpr std::uint64_t start_stack_size = 1 << 20; // bytes of the first thread's stack, touched as needed
inline constexpr std::uint64_t start_stack_top = 0x7000'0000'0000;
inline constexpr std::uint64_t max_argument_bytes = 128 * 1024; // argv and envp with their strings

class ProcessBuilder {
public:
    // Makes the space and loads the segments. `own_space` is the caller's own space handle with right_manage.
    static SpawnResult<ProcessBuilder> create(
        abi::Handle own_space, std::string_view name, std::span<const std::byte> file);

    ProcessBuilder(ProcessBuilder&& other) noexcept;
    ProcessBuilder& operator=(ProcessBuilder&&) = delete;
    // Ends a process that was never started and gives the handle back.
    ~ProcessBuilder();

    // Copies a handle (right_duplicate needed) into the new process and tells it under the auxiliary type.
    SpawnResult<abi::Handle> give(abi::Auxiliary type, abi::Handle handle);
    // The same with fewer rights than the maker has.
    SpawnResult<abi::Handle> give(abi::Auxiliary type, abi::Handle handle, std::uint32_t rights);
    void tell(abi::Auxiliary type, std::uint64_t value);

    abi::Handle space() const { return space_; }

    // Builds the start stack and lets the process run. Returns the space's handle, which then belongs to the caller.
    SpawnResult<abi::Handle> start(std::span<const char* const> arguments, std::span<const char* const> environment);

private:
    ProcessBuilder() = default;

    abi::Handle own_space_ = abi::no_handle;
    abi::Handle space_ = abi::no_handle;
    common::ElfImage image_ {};
    std::array<abi::AuxiliaryEntry, max_start_entries> entries_ {};
    std::size_t entry_count_ = 0;
};

} // namespace orrery::process
