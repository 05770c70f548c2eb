// The symbol table: names of addresses and addresses of names.
#include <algorithm>
#include <tuple>

#include "inspector/core/debuginfo/implementation.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

void DebugInfo::Implementation::read_sections_and_symbols()
{
    std::size_t names_section = 0;
    if (elf_getshdrstrndx(elf, &names_section) != 0) return;
    std::size_t count = 0;
    if (elf_getshdrnum(elf, &count) != 0) return;
    sections.resize(count);
    Elf_Scn* symbol_table = nullptr;
    GElf_Shdr symbol_header {};
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
        GElf_Shdr header;
        const auto index = elf_ndxscn(section);
        if (gelf_getshdr(section, &header) == nullptr || index >= sections.size()) continue;
        const char* name = elf_strptr(elf, names_section, header.sh_name);
        auto& entry = sections[index];
        entry.name = name != nullptr ? name : "";
        if ((header.sh_flags & SHF_ALLOC) != 0 || entry.name == ".stapsdt.base") {
            entry.begin = header.sh_addr;
            entry.end = header.sh_addr + std::min(header.sh_size, ~std::uint64_t { 0 } - header.sh_addr);
            entry.executable = (header.sh_flags & SHF_EXECINSTR) != 0;
        }
        if (header.sh_type == SHT_SYMTAB) {
            symbol_table = section;
            symbol_header = header;
        }
    }
    if (symbol_table == nullptr || symbol_header.sh_entsize == 0) return;
    Elf_Data* data = elf_getdata(symbol_table, nullptr);
    if (data == nullptr) return;

    struct Entry {
        Symbol symbol;
        std::uint16_t section;
        int rank; // of several names of one address the lowest is shown
    };
    std::vector<Entry> entries;
    const auto symbol_count = std::min<std::uint64_t>(symbol_header.sh_size, data->d_size) / symbol_header.sh_entsize;
    for (std::uint64_t i = 0; i < symbol_count; ++i) {
        GElf_Sym raw;
        if (gelf_getsym(data, static_cast<int>(i), &raw) == nullptr) break;
        const auto type = GELF_ST_TYPE(raw.st_info);
        if (raw.st_shndx == SHN_UNDEF || raw.st_shndx >= sections.size()) continue;
        if (type == STT_SECTION || type == STT_FILE || type == STT_TLS) continue;
        const char* name = elf_strptr(elf, symbol_header.sh_link, raw.st_name);
        if (name == nullptr || *name == '\0') continue;
        Entry entry { {}, raw.st_shndx, 0 };
        entry.symbol.address = raw.st_value;
        entry.symbol.size = raw.st_size;
        entry.symbol.linker_name = name;
        entry.symbol.signature = demangle(name);
        entry.symbol.name = without_parameters(entry.symbol.signature);
        entry.symbol.is_function = type == STT_FUNC
            || (type == STT_NOTYPE && sections[raw.st_shndx].executable);
        entry.rank = (raw.st_size == 0 ? 4 : 0) + (type == STT_NOTYPE ? 2 : 0)
            + (GELF_ST_BIND(raw.st_info) == STB_LOCAL ? 1 : 0);
        entries.push_back(std::move(entry));
    }
    std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
        return std::tie(a.symbol.address, a.rank, a.symbol.linker_name)
            < std::tie(b.symbol.address, b.rank, b.symbol.linker_name);
    });
    for (auto& entry : entries) {
        const auto index = symbols.size();
        symbols_by_name.emplace(entry.symbol.linker_name, index);
        symbols_by_name.emplace(entry.symbol.signature, index);
        symbols_by_name.emplace(entry.symbol.name, index);
        symbols.push_back(std::move(entry.symbol));
        symbol_sections.push_back(entry.section);
    }
}

bool DebugInfo::Implementation::in_executable_section(std::uint64_t address) const
{
    return std::ranges::any_of(sections, [address](const Section& section) {
        return section.executable && address >= section.begin && address < section.end;
    });
}

std::optional<Symbol> DebugInfo::symbol_at(std::uint64_t address) const
{
    const auto& symbols = implementation_->symbols;
    auto after = std::ranges::upper_bound(symbols, address, {}, &Symbol::address);
    const Symbol* nearest_label = nullptr;
    // Symbols nest at most a few deep (a label in a function); 64 steps back find the one that covers.
    for (int steps = 0; after != symbols.begin() && steps < 64; ++steps) {
        --after;
        const auto index = static_cast<std::size_t>(after - symbols.begin());
        const auto& section = implementation_->sections[implementation_->symbol_sections[index]];
        if (address < section.begin || address >= section.end) break;
        if (after->size != 0 && address - after->address < after->size) {
            // A label without a size inside of the function is a place in it, not a function.
            const Symbol* best = &*after;
            while (after != symbols.begin() && std::prev(after)->address == best->address) best = &*--after;
            return *best;
        }
        if (after->size == 0 && (nearest_label == nullptr || nearest_label->address == after->address))
            nearest_label = &*after;
    }
    if (nearest_label != nullptr) return *nearest_label;
    return std::nullopt;
}

std::optional<Symbol> DebugInfo::symbol_named(std::string_view name) const
{
    const auto found = implementation_->symbols_by_name.find(std::string(name));
    if (found == implementation_->symbols_by_name.end()) return std::nullopt;
    return implementation_->symbols[found->second];
}

std::string DebugInfo::describe(std::uint64_t address) const
{
    const auto symbol = symbol_at(address);
    if (!symbol) return hex(address);
    return address == symbol->address ? symbol->name : symbol->name + "+" + hex(address - symbol->address);
}

std::optional<FunctionRange> DebugInfo::function_at(std::uint64_t address) const
{
    const auto symbol = symbol_at(address);
    if (!symbol || !symbol->is_function) return std::nullopt;
    if (symbol->size != 0) return FunctionRange { symbol->address, symbol->address + symbol->size, symbol->name };
    // An assembly label without .size reaches to the next symbol or to the end of its section.
    auto end = address + 1;
    for (const auto& section : implementation_->sections)
        if (section.executable && address >= section.begin && address < section.end) end = section.end;
    const auto next = std::ranges::upper_bound(implementation_->symbols, address, {}, &Symbol::address);
    if (next != implementation_->symbols.end()) end = std::min(end, next->address);
    return FunctionRange { symbol->address, end, symbol->name };
}

std::optional<FunctionRange> DebugInfo::function_named(std::string_view name) const
{
    const auto symbol = symbol_named(name);
    return symbol && symbol->is_function ? function_at(symbol->address) : std::nullopt;
}

} // namespace orrery::inspector
