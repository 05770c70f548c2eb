// What a picture keeps of memory: the page tables of each space, and the pages of each object that is mapped somewhere.
// Enough to walk any user address later, when the guest has gone on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/memory.h"

namespace orrery::inspector {

struct PageEntryView { // an entry that is not 0
    std::uint32_t index = 0; // 0..511
    std::uint64_t value = 0;
};

struct PageTableView {
    std::uint64_t physical = 0; // where the table lies
    unsigned level = 0;         // 4 = the root ... 1; the highest one, if hostile tables use it at several
    std::vector<PageEntryView> entries; // ascending
    bool readable = true;       // false: it lies outside of RAM

    std::uint64_t entry(unsigned index) const;
};

struct PageTablesView {
    std::vector<PageTableView> tables; // ascending by physical; of the kernel's half only the root's own entries
    std::array<unsigned, 5> tables_at_level {}; // [4] = 1 ... [1]
    bool complete = true;     // false: there are more tables than a picture takes
    std::vector<std::string> oddities; // whole sentences about tables that no sound kernel makes

    const PageTableView* table(std::uint64_t physical) const;
};

// One page of a memory object. `frame` is 0 if the object has none for it.
struct ObjectPage {
    std::uint64_t frame = 0; // physical
    std::uint32_t flags = 0; // abi::PageSlotFlag
    bool sound = true;       // false: the slot points at no frame
    bool known = true;       // false: the slot could not be read
    bool paged = false;      // a pager brings it, instead of the kernel making a zeroed one
    bool device = false;     // registers and no memory; without a frame: a hole between them

    bool has(abi::PageSlotFlag flag) const { return (flags & flag) != 0; }
    bool untouched() const { return known && sound && frame == 0 && !has(abi::slot_discarded); }
};

struct MemoryObjectView {
    std::uint64_t address = 0; // of kernel::MemoryObject
    std::uint32_t number = 0;
    std::string label;         // "memory 12", "ring 1"
    std::uint64_t size = 0, resident_pages = 0;
    bool paged = false;          // its pages, or those of what it was cloned from, come from a pager
    std::uint64_t registers = 0; // physical, if it is a device's registers and no memory
    struct Range {
        std::uint64_t begin = 0, end = 0;
    };
    std::vector<Range> holes;    // offsets in the registers that no program may map
    bool complete = true;      // false: only some of its pages are in `leaves`
    std::string problem;       // a sentence, if its pages can't be read

    struct Leaf { // pages of 2 MiB
        std::uint64_t number = 0; // its first page is number * pages
        std::vector<ObjectPage> pages;
    };
    std::vector<Leaf> leaves; // ascending; a leaf that is missing has untouched pages only

    ObjectPage page(std::uint64_t offset) const; // that holds this byte
};

inline constexpr std::uint64_t entries_per_table = 512;
inline constexpr std::uint64_t pages_per_leaf = 512;

} // namespace orrery::inspector
