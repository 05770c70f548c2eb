// The inside of DebugInfo: what load reads at once, and the libdw handles for what is looked up late.
#pragma once

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "inspector/core/debuginfo/debuginfo.h"

namespace orrery::inspector {

struct DebugInfo::Implementation {
    struct Section {
        std::string name;
        std::uint64_t begin = 0, end = 0; // addresses
        bool executable = false;
    };
    struct Segment {
        std::uint64_t begin = 0, size = 0, physical = 0;
        std::uint64_t file_offset = 0, file_size = 0; // checked against the contents
    };
    struct Line {
        std::uint64_t begin = 0, end = 0;
        std::uint32_t file = 0; // index into files
        int line = 0;
        bool statement = false;
    };
    // The members that libdw reads from must outlive its handles: destroyed last, so declared first.
    std::filesystem::path path;
    std::vector<char> contents;
    Elf* elf = nullptr;
    Dwarf* dwarf = nullptr;
    Dwarf_CFI* debug_frame = nullptr; // owned by dwarf
    Dwarf_CFI* eh_frame = nullptr;    // owned by us

    std::string dwarf_problem;
    std::uint64_t entry = 0;
    std::vector<Segment> segments; // PT_LOAD
    std::vector<Section> sections; // index = ELF section number
    std::vector<Symbol> symbols;   // ascending address; of equals the best name first
    std::vector<std::uint16_t> symbol_sections;
    std::unordered_map<std::string, std::size_t> symbols_by_name;
    std::vector<Line> lines; // ascending, not overlapping
    std::vector<std::string> files;
    std::vector<Probe> probes;
    std::string probe_problem;

    // Qualified name -> offset of the defining DIE, and DIE -> name for all that has one.
    std::unordered_map<std::string, Dwarf_Off> structures, enumerations, variables, typedefs;
    std::unordered_map<Dwarf_Off, std::string> names;

    std::once_flag dwarf_once; // guards what read_dwarf fills: files, lines, the type index, the handles
    // libdw handles are not safe to share; everything that touches them after read_dwarf holds this.
    std::mutex mutex;
    std::unordered_map<Dwarf_Off, std::shared_ptr<const StructShape>> structure_cache;
    std::unordered_map<Dwarf_Off, std::shared_ptr<const EnumShape>> enumeration_cache;

    ~Implementation();
    Result<void> open();
    void read_sections_and_symbols(); // symbols.cpp
    void read_probes();
    // Lines and types cost most of the reading, and few files are asked for theirs: they are read at the first question.
    void need_dwarf()
    {
        std::call_once(dwarf_once, [this] { read_dwarf(); });
    }
    void read_dwarf();
    void read_lines(); // lines.cpp
    void index_types(); // types.cpp
    std::vector<std::pair<Dwarf_Off, Dwarf_Off>> definitions_outside; // of static members: definition, declaration
    void index_children(Dwarf_Die* parent, const std::string& prefix, int depth);
    bool in_executable_section(std::uint64_t address) const;
    std::string file_name() const { return path.filename().string(); }

    // types.cpp, under the mutex:
    TypeShape type_of(Dwarf_Die* die, int depth);
    std::shared_ptr<const StructShape> structure_of(Dwarf_Die* die, int depth);
    std::shared_ptr<const EnumShape> enumeration_of(Dwarf_Die* die);
    void add_fields(Dwarf_Die* die, std::uint64_t base, StructShape& shape, int depth);
    std::string name_of(Dwarf_Die* die, int depth);
};

} // namespace orrery::inspector
