// What a new program finds on its stack: the System V layout (argc, argv, envp, auxv), with Orrery's handles as
// auxiliary vector entries.
#pragma once

#include <cstdint>

namespace orrery::abi {

// Auxiliary vector types. The first group has the System V numbers; Orrery's own start where nobody else's are.
enum class Auxiliary : std::uint64_t {
    end = 0,
    program_headers = 3,      // AT_PHDR
    program_header_size = 4,  // AT_PHENT
    program_header_count = 5, // AT_PHNUM
    page_size = 6,            // AT_PAGESZ
    entry = 9,                // AT_ENTRY
    space_handle = 0x4f5200,  // the program's own address space
    console_handle,           // the console, with right_write
    power_handle,             // init only
    initrd_handle,            // init only: the archive as a memory object
    initrd_size,              // init only: its length in bytes
    command_line,             // init only: address of the kernel's command line, NUL-terminated
    process_id,               // number for getpid, chosen by whoever made the process
    parent_space_handle,      // the maker's space with right_signal, if it gave one
    ring_handle,              // a ring that the maker shares with the program; may occur several times
    peer_space_handle,        // a process that the maker introduces, with right_signal; may occur several times
    peer_process_id,          // its number, for kill(): the i-th belongs to the i-th peer_space_handle
    parent_process_id,        // the number of parent_space_handle
    hardware_handle,          // the right to use devices, for drivers
    scheme_handle,            // a scheme to serve or to call; may occur several times
};

struct AuxiliaryEntry {
    std::uint64_t type;
    std::uint64_t value;
};

// User addresses: [page, user_end). The first page stays unmapped so that a null pointer faults.
inline constexpr std::uint64_t page_size = 4096;
inline constexpr std::uint64_t user_begin = 0x10000;
inline constexpr std::uint64_t user_end = 0x0000'7fff'ffff'0000;

} // namespace orrery::abi
