// Mappings, page tables and single addresses as text and as JSON.
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/osmodel/explain_address.h"
#include "inspector/core/osmodel/render_parts.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

using nlohmann::json;

namespace {

std::string protection_letters(std::uint32_t protection)
{
    std::string letters = "---";
    if ((protection & abi::protection_read) != 0) letters[0] = 'r';
    if ((protection & abi::protection_write) != 0) letters[1] = 'w';
    if ((protection & abi::protection_execute) != 0) letters[2] = 'x';
    return letters;
}

const char* access_name(std::uint32_t access)
{
    return access == abi::protection_read ? "read" : access == abi::protection_write ? "write" : "execute";
}

json mapping_json(const MappingView& mapping)
{
    return { { "begin", hex(mapping.begin) },
             { "end", hex(mapping.end) },
             { "offset", hex(mapping.offset) },
             { "read", (mapping.protection & abi::protection_read) != 0 },
             { "write", (mapping.protection & abi::protection_write) != 0 },
             { "execute", (mapping.protection & abi::protection_execute) != 0 },
             { "object", mapping.object } };
}

// The spaces to look in; those that have ended only if they are asked for.
std::vector<const SpaceView*> chosen_spaces(const Snapshot& snapshot, std::uint32_t id)
{
    std::vector<const SpaceView*> chosen;
    for (const auto& space : snapshot.spaces)
        if (id == 0 ? !space.ended : space.id == id) chosen.push_back(&space);
    return chosen;
}

void add_walk(std::string& out, const ram::Walk& walk)
{
    for (unsigned i = 0; i < walk.level_count; ++i) {
        const auto& level = walk.levels[i];
        out += "    level " + std::to_string(level.level) + "  table " + hex(level.table) + "  entry " + std::to_string(level.index) + "  "
            + hex(level.entry, 16) + "  " + entry_bits_text(level) + "\n";
    }
    if (walk.mapped) out += "    physical " + hex(walk.physical_address) + " in a page of " + std::to_string(walk.page_size / 1024) + " KiB\n";
}

json walk_json(const ram::Walk& walk)
{
    auto levels = json::array();
    for (unsigned i = 0; i < walk.level_count; ++i) {
        const auto& level = walk.levels[i];
        levels.push_back({ { "level", level.level },           { "table", hex(level.table) },
                           { "index", level.index },           { "entry", hex(level.entry) },
                           { "present", level.present() },     { "write", level.writable() },
                           { "user", level.user() },           { "no_execute", level.no_execute() },
                           { "accessed", level.accessed() },   { "dirty", level.dirty() },
                           { "large", level.large() },         { "leads_to", hex(level.target()) } });
    }
    return levels;
}

} // namespace

std::string mappings_text(const SpaceView& space)
{
    const auto presence = presence_of(space);
    std::string out;
    for (std::size_t i = 0; i < space.mappings.size(); ++i) {
        const auto& mapping = space.mappings[i];
        const auto& pages = presence.mappings[i];
        out += "    " + hex(mapping.begin, 12) + "-" + hex(mapping.end, 12) + " " + protection_letters(mapping.protection) + "  " + mapping.object
            + "  " + std::to_string(pages.present) + " of " + std::to_string(pages.pages) + (pages.pages == 1 ? " page" : " pages") + " present\n";
    }
    if (presence.tables != 0)
        out += "    page tables: " + std::to_string(presence.tables) + ", with " + std::to_string(presence.present)
            + (presence.present == 1 ? " page" : " pages") + " present\n";
    if (presence.stray != 0)
        out += "    page tables: " + std::to_string(presence.stray) + " of them where nothing is mapped\n";
    if (!space.page_tables.complete) out += "    page tables: there are more than a picture takes; the rest counts as absent\n";
    for (const auto& oddity : space.page_tables.oddities) out += "    page tables: " + oddity + "\n";
    return out;
}

void add_memory(json& object, const SpaceView& space)
{
    const auto presence = presence_of(space);
    for (std::size_t i = 0; i < space.mappings.size(); ++i) {
        auto mapping = mapping_json(space.mappings[i]);
        mapping["pages"] = presence.mappings[i].pages;
        mapping["present"] = presence.mappings[i].present;
        mapping["writable"] = presence.mappings[i].writable;
        object["mappings"].push_back(std::move(mapping));
    }
    if (const auto& account = space.account; account.known) {
        object["memory"] = { { "charged", account.charged }, { "objects", account.objects }, { "sentence", explain(account) } };
        if (account.limit) object["memory"]["limit"] = *account.limit;
    }
    const auto& levels = space.page_tables.tables_at_level;
    object["page_tables"] = { { "levels", { levels[4], levels[3], levels[2], levels[1] } },
                              { "present", presence.present },
                              { "stray", presence.stray },
                              { "complete", space.page_tables.complete },
                              { "oddities", space.page_tables.oddities } };
}

std::string render_address(const Snapshot& snapshot, std::uint64_t address, std::uint32_t id)
{
    const auto spaces = chosen_spaces(snapshot, id);
    std::string out;
    for (const auto* space : spaces) {
        const auto view = explain_address(snapshot, *space, address);
        out += space_label(snapshot, space->id) + "\n  " + view.sentence + "\n";
        for (const auto& access : view.accesses) out += "    " + access.sentence + "\n";
        for (const auto& sentence : view.contradictions) out += "    contradiction: " + sentence + "\n";
        add_walk(out, view.walk);
    }
    if (!spaces.empty()) return out;
    return id == 0 ? "no space lives\n" : "there is no space " + std::to_string(id) + "\n";
}

json address_json(const Snapshot& snapshot, std::uint64_t address, std::uint32_t id)
{
    json root { { "schema", 1 }, { "number", snapshot.number }, { "freshness", name(snapshot.freshness) },
                { "address", hex(address) }, { "spaces", json::array() } };
    for (const auto* space : chosen_spaces(snapshot, id)) {
        const auto view = explain_address(snapshot, *space, address);
        json object { { "space", space->id },          { "space_name", space->name },
                      { "sentence", view.sentence },   { "contradictions", view.contradictions },
                      { "walk", walk_json(view.walk) }, { "accesses", json::array() } };
        if (view.mapping) object["mapping"] = mapping_json(*view.mapping);
        for (const auto& access : view.accesses)
            object["accesses"].push_back({ { "access", access_name(access.access) },
                                           { "outcome", name(access.outcome) },
                                           { "sentence", access.sentence } });
        if (view.walk.mapped) {
            object["physical"] = hex(view.walk.physical_address);
            object["page_size"] = view.walk.page_size;
        } else {
            object["problem"] = view.walk.problem;
        }
        root["spaces"].push_back(std::move(object));
    }
    return root;
}

} // namespace orrery::inspector
