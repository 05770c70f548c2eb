#include "inspector/core/ram/address_translator.h"

#include <iterator>

#include "inspector/core/text.h"

namespace orrery::inspector::ram {

namespace {
// Bits of an entry that must be 0 at its level. SDM volume 3, tables 4-15 to 4-20.
std::uint64_t reserved_bits(const PageTableLevel& entry, unsigned physical_address_bits)
{
    const auto above = ((std::uint64_t { 1 } << 52) - 1) & ~((std::uint64_t { 1 } << physical_address_bits) - 1);
    if (entry.level == 4) return above | 0x80; // PS
    if (entry.large()) return above | (entry.level == 3 ? 0x3fff'e000u : 0x001f'e000u);
    return above;
}
} // namespace

const char* table_name(unsigned level)
{
    constexpr const char* names[] = { "no table", "page table", "page directory", "page directory pointer table", "PML4" };
    return level < std::size(names) ? names[level] : names[0];
}

AddressTranslator::AddressTranslator(const PhysicalMemory& memory, std::uint64_t cr3, unsigned physical_address_bits)
    : memory_(memory)
    , root_(cr3 & 0x000f'ffff'ffff'f000)
    , physical_address_bits_(physical_address_bits)
{
}

Result<Walk> AddressTranslator::walk(std::uint64_t virtual_address) const
{
    std::optional<Error> unreadable;
    auto walk = walk_so_far(virtual_address, unreadable);
    if (unreadable) return std::unexpected(std::move(*unreadable));
    return walk;
}

Walk AddressTranslator::walk_so_far(std::uint64_t virtual_address, std::optional<Error>& unreadable) const
{
    unreadable.reset();
    Walk walk;
    walk.virtual_address = virtual_address;
    if (!is_canonical(virtual_address)) {
        walk.problem = "virtual address " + hex(virtual_address) + " is not canonical (bits 63 to 47 differ)";
        return walk;
    }
    walk.writable = walk.user = walk.executable = true;
    auto table = root_;
    for (unsigned level = 4; level >= 1; --level) {
        const unsigned shift = 12 + 9 * (level - 1);
        auto& entry = walk.levels[walk.level_count];
        entry.level = level;
        entry.table = table;
        entry.index = static_cast<unsigned>(virtual_address >> shift) & 511;
        const auto value = memory_.value<std::uint64_t>(table + 8 * entry.index);
        if (!value) {
            unreadable = Error { "the " + std::string(table_name(level)) + " of virtual address " + hex(virtual_address)
                    + " can't be read: " + value.error().sentence,
                value.error().code };
            walk.problem = unreadable->sentence;
            return walk;
        }
        entry.entry = *value;
        ++walk.level_count;
        const auto where = [&] {
            return "entry " + std::to_string(entry.index) + " of its " + table_name(level) + " at physical "
                + hex(entry.table);
        };
        if (!entry.present()) {
            walk.problem = "virtual address " + hex(virtual_address) + " is not mapped: " + where() + " is not present";
            return walk;
        }
        if (const auto wrong = entry.entry & reserved_bits(entry, physical_address_bits_)) {
            walk.problem = "virtual address " + hex(virtual_address) + " would fault: " + where()
                + " has reserved bits set (" + hex(wrong) + ")";
            return walk;
        }
        walk.writable &= entry.writable();
        walk.user &= entry.user();
        walk.executable &= !entry.no_execute();
        if (level == 1 || entry.large()) {
            walk.page_size = std::uint64_t { 1 } << shift;
            const auto base = entry.entry & 0x000f'ffff'ffff'f000 & ~(walk.page_size - 1);
            walk.physical_address = base | (virtual_address & (walk.page_size - 1));
            walk.mapped = true;
            return walk;
        }
        table = entry.entry & 0x000f'ffff'ffff'f000;
    }
    return walk;
}

Result<std::uint64_t> AddressTranslator::translate(std::uint64_t virtual_address) const
{
    const auto walk = TRY(this->walk(virtual_address));
    if (!walk.mapped) return failure(ErrorCode::unmapped, walk.problem);
    return walk.physical_address;
}

} // namespace orrery::inspector::ram
