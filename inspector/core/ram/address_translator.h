// The x86-64 page-table walk, with every level shown. Source: Intel SDM volume 3, section 4.5 "4-level paging".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "inspector/core/ram/physical_memory.h"
#include "inspector/core/result.h"

namespace orrery::inspector::ram {

struct PageTableLevel {
    unsigned level = 0; // 4 = PML4 ... 1 = page table
    std::uint64_t table = 0; // physical address of the table
    unsigned index = 0; // of the entry in it, 0..511
    std::uint64_t entry = 0; // its value
    bool present() const { return entry & 1; }
    bool writable() const { return entry & 2; }
    bool user() const { return entry & 4; }
    bool accessed() const { return entry & 0x20; }
    bool dirty() const { return entry & 0x40; }
    bool large() const { return (level == 2 || level == 3) && (entry & 0x80); }
    bool global() const { return entry & 0x100; }
    bool no_execute() const { return entry >> 63; }
    std::uint64_t target() const { return entry & 0x000f'ffff'ffff'f000; } // physical: of the next table, or of the page
};

struct Walk {
    std::uint64_t virtual_address = 0;
    std::array<PageTableLevel, 4> levels {}; // [0] = PML4; only the first level_count are filled
    unsigned level_count = 0;
    bool mapped = false;
    std::uint64_t physical_address = 0; // if mapped
    std::uint64_t page_size = 0; // 4 KiB, 2 MiB or 1 GiB, if mapped
    // Rights of the whole walk: the weakest of its levels.
    bool writable = false, user = false, executable = false;
    std::string problem; // if not mapped: the sentence why
};

// "PML4", "page directory pointer table", "page directory", "page table": of level 4 to 1.
const char* table_name(unsigned level);

class AddressTranslator {
public:
    // `cr3` as the register holds it: flags and PCID in its low 12 bits are ignored. physical_address_bits: QEMU's TCG
    // default is 40; higher bits in an entry are reserved.
    AddressTranslator(const PhysicalMemory& memory, std::uint64_t cr3, unsigned physical_address_bits = 40);

    // The whole walk, mapped or not. Errors: those of `memory` (a table that lies outside RAM), so that a broken tree
    // is told apart from an absent page.
    Result<Walk> walk(std::uint64_t virtual_address) const;
    // The same, with the levels before a table that can't be read; `unreadable` is its error then, and else empty.
    Walk walk_so_far(std::uint64_t virtual_address, std::optional<Error>& unreadable) const;
    // Errors: unmapped with the sentence of the walk, non-canonical addresses among them.
    Result<std::uint64_t> translate(std::uint64_t virtual_address) const;
    std::uint64_t root() const { return root_; }

private:
    const PhysicalMemory& memory_;
    std::uint64_t root_;
    unsigned physical_address_bits_;
};

// 48-bit addresses: bits 63..47 are all alike.
constexpr bool is_canonical(std::uint64_t address)
{
    const auto high = address >> 47;
    return high == 0 || high == 0x1ffff;
}

} // namespace orrery::inspector::ram
