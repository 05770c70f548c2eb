// The line table: from addresses to source lines and back.
#include <algorithm>
#include <set>

#include "inspector/core/debuginfo/implementation.h"

namespace orrery::inspector {

void DebugInfo::Implementation::read_lines()
{
    std::unordered_map<std::string, std::uint32_t> file_numbers;
    std::unordered_map<const char*, std::uint32_t> file_numbers_by_pointer; // libdw gives one pointer a file and unit
    const auto number_of = [&](const char* name) {
        const auto known = file_numbers_by_pointer.find(name);
        if (known != file_numbers_by_pointer.end()) return known->second;
        auto normal = std::filesystem::path(name).lexically_normal().string();
        const auto [entry, added] = file_numbers.emplace(normal, static_cast<std::uint32_t>(files.size()));
        if (added) files.push_back(std::move(normal));
        file_numbers_by_pointer.emplace(name, entry->second);
        return entry->second;
    };
    Dwarf_CU* unit = nullptr;
    Dwarf_Die unit_die;
    while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &unit_die, nullptr) == 0) {
        Dwarf_Lines* table = nullptr;
        std::size_t count = 0;
        if (dwarf_getsrclines(&unit_die, &table, &count) != 0) continue;
        for (std::size_t i = 0; i + 1 < count; ++i) {
            Dwarf_Line* row = dwarf_onesrcline(table, i);
            Dwarf_Line* next = dwarf_onesrcline(table, i + 1);
            Dwarf_Addr begin = 0;
            Dwarf_Addr end = 0;
            bool ends = false;
            bool statement = false;
            int number = 0;
            if (row == nullptr || next == nullptr || dwarf_lineaddr(row, &begin) != 0 || dwarf_lineaddr(next, &end) != 0
                || dwarf_lineendsequence(row, &ends) != 0 || dwarf_lineno(row, &number) != 0
                || dwarf_linebeginstatement(row, &statement) != 0)
                continue;
            // Line 0 is code that the compiler made up; sections that the linker dropped stay behind at address 0.
            if (ends || end <= begin || number == 0 || !in_executable_section(begin)) continue;
            const char* file = dwarf_linesrc(row, nullptr, nullptr);
            if (file == nullptr) continue;
            lines.push_back({ begin, end, number_of(file), number, statement });
        }
    }
    std::ranges::sort(lines, {}, &Line::begin);
    // Damaged tables may overlap; every lookup below relies on disjoint ranges.
    std::uint64_t reached = 0;
    std::erase_if(lines, [&reached](Line& line) {
        if (line.begin < reached) return true;
        reached = line.end;
        return false;
    });
}

std::optional<LineRange> DebugInfo::line_at(std::uint64_t address) const
{
    implementation_->need_dwarf();
    const auto& lines = implementation_->lines;
    auto after = std::ranges::upper_bound(lines, address, {}, &Implementation::Line::begin);
    if (after == lines.begin()) return std::nullopt;
    const auto& line = *std::prev(after);
    if (address >= line.end) return std::nullopt;
    return LineRange { line.begin, line.end, { implementation_->files[line.file], line.line }, line.statement };
}

std::optional<SourceLocation> DebugInfo::location(std::uint64_t address) const
{
    const auto line = line_at(address);
    return line ? std::optional(line->location) : std::nullopt;
}

std::vector<LineRange> DebugInfo::lines_between(std::uint64_t begin, std::uint64_t end) const
{
    implementation_->need_dwarf();
    std::vector<LineRange> result;
    const auto& lines = implementation_->lines;
    auto at = std::ranges::upper_bound(lines, begin, {}, &Implementation::Line::end);
    for (; at != lines.end() && at->begin < end; ++at)
        result.push_back({ std::max(at->begin, begin), std::min(at->end, end), { implementation_->files[at->file], at->line }, at->statement });
    return result;
}

std::vector<std::uint64_t> DebugInfo::addresses_of(std::string_view file, int line) const
{
    implementation_->need_dwarf();
    std::set<std::uint32_t> matching;
    for (std::uint32_t i = 0; i < implementation_->files.size(); ++i) {
        const std::string_view candidate = implementation_->files[i];
        if (!candidate.ends_with(file)) continue;
        const bool whole_part = candidate.size() == file.size() || file.starts_with('/')
            || candidate[candidate.size() - file.size() - 1] == '/';
        if (whole_part) matching.insert(i);
    }
    int best = 0;
    for (const auto& row : implementation_->lines)
        if (matching.contains(row.file) && row.line >= line && (best == 0 || row.line < best)) best = row.line;
    std::vector<std::uint64_t> addresses;
    const Implementation::Line* previous = nullptr;
    for (const auto& row : implementation_->lines) {
        if (!matching.contains(row.file) || row.line != best) continue;
        const bool goes_on = previous != nullptr && previous->end == row.begin && previous->file == row.file;
        if (!goes_on) addresses.push_back(row.begin);
        previous = &row;
    }
    return best == 0 ? std::vector<std::uint64_t> {} : addresses;
}

std::vector<std::string> DebugInfo::source_files() const
{
    implementation_->need_dwarf();
    auto files = implementation_->files;
    std::ranges::sort(files);
    return files;
}

} // namespace orrery::inspector
