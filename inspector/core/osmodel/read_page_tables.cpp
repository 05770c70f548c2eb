// The page tables of every space, user half (Intel SDM volume 3 section 4.5). A table is read once however often hostile
// tables lead to it, and there is a limit for each space and for the picture, so any tree is read in bounded time.
#include <map>

#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

namespace {

constexpr std::size_t maximum_tables_of_space = 1024; // 2 GiB of present pages
constexpr std::size_t maximum_tables = 4096;          // of one picture: 16 MiB
constexpr std::size_t maximum_oddities = 8;           // of one space
constexpr unsigned root_level = 4;
constexpr std::uint32_t user_entries = entries_per_table / 2; // of the root; the rest is the kernel's half
constexpr std::uint64_t present_bit = 1, large_bit = 1u << 7;
constexpr std::uint64_t address_bits = 0x000f'ffff'ffff'f000;

class TreeReader {
public:
    TreeReader(ReadContext& context, PageTablesView& tables, std::size_t& budget)
        : context_(context)
        , tables_(tables)
        , budget_(budget)
    {
    }
    void read(std::uint64_t root)
    {
        take(root & address_bits, root_level);
        // One level after the other, so that a table that is used at two levels is known by the higher one.
        for (unsigned level = root_level; level > 1; --level) {
            const auto above = at_level_[level];
            for (const auto physical : above) descend(physical, level);
        }
        for (auto& [physical, table] : found_) tables_.tables.push_back(std::move(table));
        for (unsigned level = root_level; level >= 1; --level)
            tables_.tables_at_level[level] = static_cast<unsigned>(at_level_[level].size());
    }

private:
    void odd(std::string sentence)
    {
        if (tables_.oddities.size() < maximum_oddities && std::ranges::find(tables_.oddities, sentence) == tables_.oddities.end())
            tables_.oddities.push_back(std::move(sentence));
    }

    void descend(std::uint64_t physical, unsigned level)
    {
        const auto& table = found_.at(physical);
        std::vector<std::uint64_t> below;
        for (const auto& entry : table.entries) {
            if (level == root_level && entry.index >= user_entries) break;
            if ((entry.value & present_bit) == 0) continue;
            if (level < root_level && (entry.value & large_bit) != 0) continue; // it maps a large page
            below.push_back(entry.value & address_bits);
        }
        for (const auto next : below) take(next, level - 1);
    }

    void take(std::uint64_t physical, unsigned level)
    {
        auto& known_here = at_level_[level];
        const auto place = std::ranges::lower_bound(known_here, physical);
        if (place != known_here.end() && *place == physical) {
            odd("the level-" + std::to_string(level) + " table at " + hex(physical) + " is used for more than one range");
            return;
        }
        if (const auto before = found_.find(physical); before != found_.end()) {
            odd("the table at " + hex(physical) + " is used at level " + std::to_string(before->second.level) + " and at level "
                + std::to_string(level) + (level == before->second.level ? "" : ": the tables run in a circle"));
            known_here.insert(place, physical);
            return;
        }
        if (found_.size() >= maximum_tables_of_space || budget_ == 0) {
            tables_.complete = false;
            return;
        }
        --budget_;
        known_here.insert(place, physical);
        PageTableView table;
        table.physical = physical;
        table.level = level;
        std::array<std::byte, entries_per_table * 8> bytes;
        table.readable = context_.memory.physical().read_physical(physical, bytes);
        if (!table.readable) odd("the level-" + std::to_string(level) + " table at " + hex(physical) + " lies outside of RAM");
        for (std::uint32_t i = 0; table.readable && i < entries_per_table; ++i)
            if (const auto value = value_at<std::uint64_t>(bytes, std::size_t { i } * 8); value != 0) table.entries.push_back({ i, value });
        found_.emplace(physical, std::move(table));
    }

    ReadContext& context_;
    PageTablesView& tables_;
    std::size_t& budget_;
    std::map<std::uint64_t, PageTableView> found_;
    std::array<std::vector<std::uint64_t>, root_level + 1> at_level_; // ascending
};

} // namespace

void read_page_tables(ReadContext& context)
{
    std::size_t budget = maximum_tables;
    for (auto& space : context.snapshot.spaces)
        if (space.cr3 != 0) TreeReader(context, space.page_tables, budget).read(space.cr3);
}

} // namespace orrery::inspector
