// What an ELF file tells about itself: symbols, lines, types, variables, probes and how to unwind its stack.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/core/debuginfo/sdt.h"
#include "inspector/core/debuginfo/types.h"
#include "inspector/core/osmodel/memory_reader.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

struct Symbol {
    std::uint64_t address = 0, size = 0; // size 0: the file does not tell (assembly labels)
    std::string name;                    // demangled, without parameters: "orrery::kernel::panic"
    std::string signature;               // demangled in full
    std::string linker_name;             // as it stands in .symtab
    bool is_function = false;
};

struct SourceLocation {
    std::string file; // as the compiler recorded it, made absolute with the compilation directory
    int line = 0;
    bool operator==(const SourceLocation&) const = default;
};

// A run of instructions that belongs to one line.
struct LineRange {
    std::uint64_t begin = 0, end = 0; // [begin, end)
    SourceLocation location;
    bool statement = false; // a recommended place for a breakpoint
};

struct FunctionRange {
    std::uint64_t begin = 0, end = 0; // [begin, end)
    std::string name;
};

struct Variable {
    std::string name; // qualified
    std::uint64_t address = 0;
    TypeShape type;
};

// Safe to share between threads: what is read late is guarded inside. Lines and types are read at the first question.
class DebugInfo {
public:
    // Reads the file once. Errors: it is missing, unreadable, not an ELF file, not for x86-64, or damaged. A file
    // without DWARF loads: symbols and probes work, and `dwarf_problem` says what is missing.
    static Result<std::shared_ptr<const DebugInfo>> load(const std::filesystem::path& path);
    ~DebugInfo();
    DebugInfo(const DebugInfo&) = delete;
    DebugInfo& operator=(const DebugInfo&) = delete;

    const std::filesystem::path& path() const;
    const std::string& dwarf_problem() const; // "" = DWARF is there
    std::uint64_t entry() const;              // ELF entry point

    // Where the loader puts the byte of this virtual address, from the program headers (p_paddr); nullopt: not loaded.
    std::optional<std::uint64_t> physical_address(std::uint64_t address) const;

    // The bytes that the loader would put there; what the file does not hold of a segment (.bss) is zero. False: some
    // byte is in no segment.
    bool read_image(std::uint64_t address, std::span<std::byte> target) const;

    // The symbol that covers the address, or, for those without a size, the nearest one below in the same section.
    std::optional<Symbol> symbol_at(std::uint64_t address) const;
    // By demangled name without parameters, in full, or as the linker knows it.
    std::optional<Symbol> symbol_named(std::string_view name) const;
    const std::vector<Symbol>& symbols() const; // ascending address
    // "orrery::kernel::panic+0x12", or "0x1234" if no symbol is near.
    std::string describe(std::uint64_t address) const;
    std::optional<FunctionRange> function_at(std::uint64_t address) const;
    std::optional<FunctionRange> function_named(std::string_view name) const;

    std::optional<SourceLocation> location(std::uint64_t address) const;
    // First address of every run of code for the line, ascending. `file` may be the end of the path ("signal/raise.cpp").
    // A line without code gives the next line of that file that has some, as debuggers do.
    std::vector<std::uint64_t> addresses_of(std::string_view file, int line) const;
    // Clipped to [begin, end).
    std::vector<LineRange> lines_between(std::uint64_t begin, std::uint64_t end) const;
    std::optional<LineRange> line_at(std::uint64_t address) const;
    std::vector<std::string> source_files() const; // that have code, sorted

    // Qualified names: "orrery::kernel::Thread". Errors are sentences that name the type and this file.
    Result<std::shared_ptr<const StructShape>> structure(std::string_view name) const;
    Result<std::shared_ptr<const EnumShape>> enumeration(std::string_view name) const;
    Result<Variable> variable(std::string_view name) const;

    const std::vector<Probe>& probes() const;
    const std::string& probe_problem() const; // "" = all notes were understood

    // One step up the stack: the registers of the caller. Errors: no unwind information covers rip, the stack can't be
    // read, or the outermost frame is reached. `exact`: rip is where the processor stands, not a return address.
    Result<RegisterFile> unwind_step(const RegisterFile& registers, const VirtualMemory& memory, bool exact) const;
    bool has_unwind_information(std::uint64_t address) const;

    struct Implementation;

private:
    explicit DebugInfo(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};
using DebugInfoPointer = std::shared_ptr<const DebugInfo>;

// "ns::f(int) const" -> "ns::f"; leaves operators, templates and anonymous namespaces whole.
std::string without_parameters(std::string_view demangled);
std::string demangle(const char* linker_name);

} // namespace orrery::inspector
