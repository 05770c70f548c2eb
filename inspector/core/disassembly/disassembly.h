// Machine code as text, with the names of what it jumps to and touches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/osmodel/memory_reader.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

struct Instruction {
    std::uint64_t address = 0;
    std::vector<std::uint8_t> bytes;
    std::string text;   // Intel syntax: "call orrery::kernel::panic"; "(bad)" for bytes that are no instruction
    std::string symbol; // the label that begins exactly here, "" if none
    bool is_call = false;
    bool is_return = false;
    std::uint64_t target = 0; // of a direct call or jump, else 0
};

// Instructions of [begin, end), at most `limit`; 64-bit mode. `program` may be null: then addresses stay numbers.
// Bytes that are no instruction are shown one by one. Errors: the memory can't be read at `begin`; where it ends later,
// so does the list.
Result<std::vector<Instruction>> disassemble(const VirtualMemory& memory, std::uint64_t begin, std::uint64_t end,
                                             const DebugInfo* program, std::size_t limit = 4096);

// Addresses at which the function's instructions begin, ascending. Errors: no such function; its code can't be read, or
// holds bytes that are no instruction.
Result<std::vector<std::uint64_t>> instruction_boundaries(const VirtualMemory& memory, const DebugInfo& program,
                                                          std::string_view function);

// The bytes that an ELF file would load, for code that is not in a guest.
class ProgramImage final : public VirtualMemory {
public:
    explicit ProgramImage(DebugInfoPointer program) : program_(std::move(program)) { }
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        return program_->read_image(address, target);
    }

private:
    DebugInfoPointer program_;
};

} // namespace orrery::inspector
