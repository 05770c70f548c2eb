// Walks the tables that a picture kept, by the same code that walks the guest's own.
#include "inspector/core/osmodel/page_walk.h"

#include <algorithm>
#include <map>

#include "abi/startup.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

constexpr std::uint64_t present_bit = 1, write_bit = 2, large_bit = 1u << 7;
constexpr std::uint64_t address_bits = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t user_half_end = std::uint64_t { 1 } << 47;
constexpr unsigned root_level = 4;

// The kept tables as if they were the guest's memory.
class KeptTables final : public ram::PhysicalMemory {
public:
    explicit KeptTables(const PageTablesView& tables)
        : tables_(tables)
    {
    }
    Result<void> read(std::uint64_t address, std::span<std::byte> into) const override
    {
        const auto* table = tables_.table(address & address_bits);
        if (table == nullptr)
            return failure(ErrorCode::unmapped, tables_.complete
                    ? "the picture has no table at physical " + hex(address & address_bits)
                    : "the space has more tables than a picture takes");
        if (!table->readable) return failure(ErrorCode::unmapped, "physical " + hex(table->physical) + " lies outside of RAM");
        if (into.size() != 8 || address % 8 != 0) return failure("only whole entries are kept");
        const auto value = table->entry(static_cast<unsigned>(address % abi::page_size / 8));
        __builtin_memcpy(into.data(), &value, sizeof value);
        return {};
    }

private:
    const PageTablesView& tables_;
};

struct Count {
    std::uint64_t present = 0, writable = 0;
    Count& operator+=(const Count& other)
    {
        present += other.present;
        writable += other.writable;
        return *this;
    }
};

constexpr std::uint64_t span_of_entry(unsigned level) { return std::uint64_t { abi::page_size } << 9 * (level - 1); }

// Counts present pages of a range. What lies below a table as a whole is counted once and remembered, and the level falls
// with every step, so hostile tables that lead to each other cost no more than sound ones.
class PresenceCounter {
public:
    explicit PresenceCounter(const PageTablesView& tables)
        : tables_(tables)
    {
    }
    Count count(std::uint64_t root, std::uint64_t begin, std::uint64_t end)
    {
        end = std::min(end, user_half_end);
        return begin < end ? in_table(root & address_bits, root_level, 0, begin, end) : Count {};
    }

private:
    // Of [begin, end), which lies wholly or partly in the range that the table at `base` covers.
    Count in_table(std::uint64_t physical, unsigned level, std::uint64_t base, std::uint64_t begin, std::uint64_t end)
    {
        const auto span = span_of_entry(level);
        const bool whole = begin <= base && end >= base + span * entries_per_table;
        if (whole)
            if (const auto known = whole_.find({ physical, level }); known != whole_.end()) return known->second;
        Count sum;
        if (const auto* table = tables_.table(physical)) {
            const auto index = begin > base ? (begin - base) / span : 0;
            auto entry = std::ranges::lower_bound(table->entries, index, {}, &PageEntryView::index);
            for (; entry != table->entries.end(); ++entry) {
                const auto first = base + span * entry->index;
                if (first >= end) break;
                if ((entry->value & present_bit) == 0) continue;
                auto below = in_entry(entry->value, level, first, begin, end);
                if ((entry->value & write_bit) == 0) below.writable = 0;
                sum += below;
            }
        }
        if (whole) whole_.emplace(std::pair { physical, level }, sum);
        return sum;
    }
    Count in_entry(std::uint64_t entry, unsigned level, std::uint64_t first, std::uint64_t begin, std::uint64_t end)
    {
        const bool page = level == 1 || ((level == 2 || level == 3) && (entry & large_bit) != 0);
        if (!page) return level == 1 ? Count {} : in_table(entry & address_bits, level - 1, first, begin, end);
        const auto pages = (std::min(first + span_of_entry(level), end) - std::max(first, begin)) / abi::page_size;
        return { pages, pages };
    }

    const PageTablesView& tables_;
    std::map<std::pair<std::uint64_t, unsigned>, Count> whole_;
};

} // namespace

ram::Walk walk_page_tables(const SpaceView& space, std::uint64_t address)
{
    const KeptTables memory(space.page_tables);
    std::optional<Error> unreadable; // stands in the walk's problem
    return ram::AddressTranslator(memory, space.cr3).walk_so_far(address, unreadable);
}

std::string entry_bits_text(const ram::PageTableLevel& level)
{
    if (level.entry == 0) return "empty";
    std::vector<std::string> bits { level.present() ? "present" : "not present" };
    const auto add = [&bits](bool set, const char* name) {
        if (set) bits.emplace_back(name);
    };
    add(level.writable(), "write");
    add(level.user(), "user");
    add(level.no_execute(), "no execute");
    add(level.accessed(), "accessed");
    add(level.dirty(), "dirty");
    add(level.large(), "large page");
    add(level.level == 1 && level.global(), "global");
    add((level.entry & (1u << 3 | 1u << 4)) != 0, "uncached");
    return join(bits, ", ");
}

SpacePresence presence_of(const SpaceView& space)
{
    SpacePresence presence;
    PresenceCounter counter(space.page_tables);
    std::uint64_t mapped = 0;
    for (const auto& mapping : space.mappings) {
        MappingPresence of;
        if (mapping.begin < mapping.end) {
            of.pages = (mapping.end - mapping.begin) / abi::page_size;
            const auto count = counter.count(space.cr3, mapping.begin, mapping.end);
            of.present = count.present;
            of.writable = count.writable;
        }
        mapped += of.present;
        presence.mappings.push_back(of);
    }
    presence.present = counter.count(space.cr3, 0, user_half_end).present;
    presence.stray = presence.present > mapped ? presence.present - mapped : 0;
    for (const auto count : space.page_tables.tables_at_level) presence.tables += count;
    return presence;
}

std::vector<std::uint64_t> presence_by_parts(const SpaceView& space, const MappingView& mapping, unsigned cells)
{
    std::vector<std::uint64_t> parts;
    if (mapping.begin >= mapping.end || mapping.end > user_half_end || cells == 0) return parts;
    PresenceCounter counter(space.page_tables);
    const auto pages = (mapping.end - mapping.begin) / abi::page_size; // below 2^35, so the product below does not overflow
    for (unsigned i = 0; i < cells; ++i)
        parts.push_back(counter.count(space.cr3, mapping.begin + pages * i / cells * abi::page_size,
                                      mapping.begin + pages * (i + 1) / cells * abi::page_size).present);
    return parts;
}

} // namespace orrery::inspector
