// Page tables of a picture: the walk of one address, and how much of each mapping is present. Pure functions of the
// snapshot.
#pragma once

#include <cstdint>
#include <vector>

#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/ram/address_translator.h"

namespace orrery::inspector {

// As the processor would walk now: with the levels that there are, and a problem if the tables can't be followed.
ram::Walk walk_page_tables(const SpaceView& space, std::uint64_t address);

// "present, write, user, accessed": what a level's entry allows and what the processor noted in it.
std::string entry_bits_text(const ram::PageTableLevel& level);

struct MappingPresence {
    std::uint64_t pages = 0, present = 0, writable = 0; // 4 KiB pages; a large page counts as those that it covers
};

struct SpacePresence {
    std::vector<MappingPresence> mappings; // parallel to SpaceView::mappings
    std::uint64_t present = 0;             // of the whole user half
    std::uint64_t stray = 0;               // present, but no mapping is there
    unsigned tables = 0;                   // of the user half, the root among them
};

SpacePresence presence_of(const SpaceView& space);
// Present pages in each of `cells` parts of a mapping, which are as equal as whole pages can be: part i begins at page
// pages * i / cells.
std::vector<std::uint64_t> presence_by_parts(const SpaceView& space, const MappingView& mapping, unsigned cells);

} // namespace orrery::inspector
