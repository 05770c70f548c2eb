// The PVH boot protocol (Xen, "x86/HVM direct boot ABI"): what QEMU hands over.
#pragma once

#include <cstdint>

namespace orrery::kernel {

struct PvhStartInfo {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t flags;
    std::uint32_t module_count;
    std::uint64_t modules;
    std::uint64_t command_line;
    std::uint64_t rsdp;
    std::uint64_t memory_map;
    std::uint32_t memory_map_entries;
    std::uint32_t reserved;
};
inline constexpr std::uint32_t pvh_magic = 0x336ec578;

struct PvhModule {
    std::uint64_t address;
    std::uint64_t size;
    std::uint64_t command_line;
    std::uint64_t reserved;
};

struct PvhMemoryRange {
    std::uint64_t address;
    std::uint64_t size;
    std::uint32_t type; // 1 = RAM
    std::uint32_t reserved;
};

// Copied out of low memory before anything may overwrite it.
struct BootInformation {
    char command_line[1024] = {};
    std::uint64_t initrd = 0; // physical
    std::uint64_t initrd_size = 0;
    std::uint64_t rsdp = 0;
    PvhMemoryRange memory[32] = {};
    unsigned memory_ranges = 0;
};

} // namespace orrery::kernel
