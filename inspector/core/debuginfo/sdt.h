// SDT probes: the markers that <sys/sdt.h> leaves in .note.stapsdt, and the values of their arguments at a stop.
// Format: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/core/osmodel/memory_reader.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

// Which part of which register: "%eax" is bits 0..31 of rax, "%ah" bits 8..15. `index` is an abi::SavedRegister.
struct RegisterPart {
    unsigned index = 0;
    unsigned bits = 64;
    unsigned shift = 0;
};
std::optional<RegisterPart> register_part(std::string_view name_without_percent);

// One argument: "-8@%rax", "4@$5", "8@16(%rsp,%rcx,8)", "8@counter+8(%rip)".
struct ProbeOperand {
    enum class Kind { in_register, constant, memory };
    Kind kind = Kind::constant;
    unsigned size = 8; // bytes
    bool is_signed = false;
    RegisterPart reg {};        // in_register
    std::int64_t constant = 0;  // constant, or the displacement of memory
    std::string symbol;         // memory or constant: added to the displacement
    std::optional<RegisterPart> base, index;
    unsigned scale = 1;
    bool rip_relative = false;  // with a symbol: its address; without: displacement from the probe's address
    std::string segment;        // "fs", "gs" or ""
    std::string text;           // as it stands in the note
};

struct Probe {
    std::string provider, name;
    std::uint64_t address = 0;   // link-time address of the marker's nop
    std::uint64_t semaphore = 0; // 0 = none
    std::string arguments_text;
    std::vector<ProbeOperand> arguments;
    std::string problem; // not "": the arguments could not be understood, and this is why
};

// "8@%rax -4@$5" -> operands. Errors name the operand that is not understood.
Result<std::vector<ProbeOperand>> parse_probe_arguments(std::string_view text);

// Contents of .note.stapsdt (little endian, 64 bit); `base_address` is where .stapsdt.base lies now, or 0 if the file
// has none. Damaged notes end the list; `problem` gets a sentence then, unless it is null.
std::vector<Probe> parse_probe_notes(std::span<const std::byte> notes, std::uint64_t base_address,
                                     std::string* problem);

// The operand's value, sign- or zero-extended to 64 bits. `resolve` turns a symbol into its address.
using SymbolResolver = std::function<std::optional<std::uint64_t>(std::string_view)>;
Result<std::uint64_t> evaluate(const ProbeOperand& operand, std::uint64_t probe_address,
                               const RegisterFile& registers, const VirtualMemory& memory,
                               const SymbolResolver& resolve);

} // namespace orrery::inspector
