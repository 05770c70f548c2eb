// The map of an address space as bands from low to high addresses: mappings as high as the logarithm of their size, and the
// gaps between them folded. What the drawing shows, without any drawing.
#pragma once

#include <cstdint>
#include <vector>

#include <QString>

#include "inspector/core/osmodel/page_walk.h"

namespace orrery::inspector {

enum class CellState : std::uint8_t { absent, some, all };

struct AddressBand {
    bool gap = false;
    std::uint64_t begin = 0, end = 0;
    std::uint32_t protection = 0;
    QString label;    // "rw-  memory 8", or how large the gap is
    QString presence; // "7 of 21"
    double weight = 0; // height beyond the smallest band: the binary logarithm of its pages; 0 for gaps
    std::vector<CellState> cells; // of equal parts, low addresses first; at most one a page

    std::uint64_t pages() const;
    // The first page of a cell, and the cell that an address lies in.
    std::uint64_t address_of(std::size_t cell) const;
    std::size_t cell_of(std::uint64_t address) const;
    bool operator==(const AddressBand&) const = default;
};

// Of at most `bands_limit` mappings, each with up to `most_cells` cells.
inline constexpr std::size_t bands_limit = 256;
std::vector<AddressBand> address_bands(const SpaceView& space, const SpacePresence& presence, unsigned most_cells);

} // namespace orrery::inspector
