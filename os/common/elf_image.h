// Reads an ELF64 file that may be hostile and answers one question: what has to be mapped where, to run it?
//
// Used by the kernel (to load init), by init and by every program that spawns another; needs no allocation, no kernel
// and no C library, so the host tests and the fuzzer run the same code.
// Source: System V ABI, "Object Files" and "Program Loading"; AMD64 supplement; ELF handling for TLS.
#pragma once

#include "abi/startup.h"
#include "abi/syscall.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

namespace orrery::common {

// X(name, sentence for people)
#define ORRERY_ELF_PROBLEMS(X)                                                                                         \
    X(too_short, "the file is too short to be an ELF program")                                                         \
    X(bad_magic, "the file is not an ELF program (it does not start with 7f 45 4c 46)")                                \
    X(not_64_bit, "the ELF file is not 64-bit little-endian")                                                          \
    X(bad_version, "the ELF version is unknown")                                                                       \
    X(wrong_machine, "the ELF file is for another processor than x86-64")                                              \
    X(not_static, "the ELF file is not a statically linked program at fixed addresses (ET_EXEC)")                      \
    X(needs_interpreter, "the program wants a dynamic linker, and there is none")                                      \
    X(bad_header_table, "the program header table does not lie inside the file")                                       \
    X(no_segments, "the program has nothing to load")                                                                  \
    X(too_many_segments, "the program has more loadable segments than are supported")                                  \
    X(segment_outside_file, "a segment's contents do not lie inside the file")                                         \
    X(segment_larger_in_file, "a segment is larger in the file than in memory")                                        \
    X(segment_misaligned, "a segment's file offset and address do not agree modulo the page size")                     \
    X(segment_outside_memory, "a segment does not lie inside the addresses that a program may use")                    \
    X(segments_overlap, "two segments share a page, or are not in ascending order")                                    \
    X(writable_and_executable, "a segment is both writable and executable")                                            \
    X(bad_entry, "the entry point does not lie in an executable segment")                                              \
    X(bad_thread_storage, "the thread-local storage segment is malformed")                                             \
    X(too_large, "the program's segments need more memory than a program may have")

enum class ElfProblem : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_ELF_PROBLEMS(X)
#undef X
};

constexpr const char* sentence(ElfProblem problem)
{
    switch (problem) {
#define X(name, sentence)                                                                                              \
    case ElfProblem::name: return sentence;
        ORRERY_ELF_PROBLEMS(X)
#undef X
    }
    return "an ELF problem that this version does not know";
}

// One PT_LOAD. The first and last page may be only partly the segment's; no two segments share a page.
struct ElfSegment {
    std::uint64_t file_offset = 0; // bytes from the file's start; contents are [file_offset, file_offset + file_size)
    std::uint64_t file_size = 0; // bytes; the rest up to memory_size is zero
    std::uint64_t memory_size = 0; // bytes, > 0
    std::uint64_t address = 0; // of the first byte; address and file_offset agree modulo the page size
    std::uint32_t protection = 0; // abi::Protection; never writable and executable

    constexpr std::uint64_t first_page() const { return address & ~(abi::page_size - 1); }
    constexpr std::uint64_t end_page() const
    {
        return (address + memory_size + abi::page_size - 1) & ~(abi::page_size - 1);
    }
};

// PT_TLS: the image that every thread's block starts with.
struct ElfThreadStorage {
    std::uint64_t address = 0; // of the image, inside a loaded segment
    std::uint64_t file_size = 0; // bytes that are copied
    std::uint64_t memory_size = 0; // bytes of the block; the rest is zero
    std::uint64_t alignment = 1; // a power of two, at most one page
};

inline constexpr std::size_t elf_max_segments = 8;
inline constexpr std::uint64_t elf_max_memory = std::uint64_t { 1 } << 30;

struct ElfImage {
    std::uint64_t entry = 0;
    std::array<ElfSegment, elf_max_segments> segment_table {};
    std::size_t segment_count = 0;
    std::optional<ElfThreadStorage> thread_storage;
    std::uint64_t program_headers = 0; // address in memory for AT_PHDR, or 0 if no segment holds the table
    std::uint16_t program_header_count = 0;
    std::uint16_t program_header_size = 0; // bytes

    std::span<const ElfSegment> segments() const { return std::span(segment_table).first(segment_count); }
};

// Checks the whole file's headers and gives the plan. Reads nothing outside `file`, whatever it holds; `file` needs no
// alignment. Every accepted plan can be mapped as it stands: ascending, page-disjoint, inside [user_begin, user_end).
[[nodiscard]] std::expected<ElfImage, ElfProblem> parse_elf(std::span<const std::byte> file);

} // namespace orrery::common
