// Folding and scaling of the address map.
#include "inspector/models/address_bands.h"

#include <algorithm>
#include <cmath>

#include <QCoreApplication>

#include "abi/startup.h"
#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("addresses", sentence); }

AddressBand gap_between(std::uint64_t begin, std::uint64_t end)
{
    AddressBand band;
    band.gap = true;
    band.begin = begin;
    band.end = end;
    band.label = translate("%1 unmapped").arg(rounded_size_text(end - begin));
    return band;
}

} // namespace

std::uint64_t AddressBand::pages() const { return end > begin ? (end - begin) / abi::page_size : 0; }

std::uint64_t AddressBand::address_of(std::size_t cell) const
{
    if (cells.empty()) return begin;
    return begin + pages() * std::min(cell, cells.size() - 1) / cells.size() * abi::page_size;
}

std::size_t AddressBand::cell_of(std::uint64_t address) const
{
    for (std::size_t cell = cells.size(); cell-- > 1;)
        if (address >= address_of(cell)) return cell;
    return 0;
}

std::vector<AddressBand> address_bands(const SpaceView& space, const SpacePresence& presence, unsigned most_cells)
{
    std::vector<AddressBand> bands;
    std::uint64_t reached = 0;
    for (std::size_t i = 0; i < std::min({ space.mappings.size(), presence.mappings.size(), bands_limit }); ++i) {
        const auto& mapping = space.mappings[i];
        if (mapping.begin < reached || mapping.end <= mapping.begin || mapping.end > abi::user_end) continue; // no sound kernel has it
        if (mapping.begin > reached) bands.push_back(gap_between(reached, mapping.begin));
        reached = mapping.end;
        AddressBand band;
        band.begin = mapping.begin;
        band.end = mapping.end;
        band.protection = mapping.protection;
        band.label = protection_text(mapping.protection) + QStringLiteral("  ") + text(mapping.object);
        const auto& pages = presence.mappings[i];
        band.presence = translate("%1 of %2").arg(pages.present).arg(pages.pages);
        band.weight = std::log2(static_cast<double>(std::max<std::uint64_t>(pages.pages, 1)));
        const auto count = static_cast<unsigned>(std::min<std::uint64_t>(most_cells, band.pages()));
        const auto parts = presence_by_parts(space, mapping, count);
        for (std::uint64_t part = 0; part < parts.size(); ++part) {
            const auto size = band.pages() * (part + 1) / count - band.pages() * part / count;
            band.cells.push_back(parts[part] == 0 ? CellState::absent : parts[part] < size ? CellState::some : CellState::all);
        }
        bands.push_back(std::move(band));
    }
    if (!bands.empty() && reached < abi::user_end) bands.push_back(gap_between(reached, abi::user_end));
    return bands;
}

} // namespace orrery::inspector
