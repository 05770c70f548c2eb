// Walks stacks frame by frame, and gives each its function and line.
#include "inspector/core/debuginfo/backtrace.h"

#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

using abi::SavedRegister;

const DebugInfo* owner_of(std::uint64_t address, std::span<const DebugInfoPointer> programs)
{
    for (const auto& program : programs)
        if (program && program->symbol_at(address)) return program.get();
    return nullptr;
}

// push rbp; mov rbp, rsp: the saved rbp lies at [rbp], the return address above it.
Result<RegisterFile> frame_pointer_step(const RegisterFile& registers, const VirtualMemory& memory)
{
    constexpr std::uint64_t largest_frame = 1 << 20;
    const auto rbp = registers.general[static_cast<unsigned>(SavedRegister::rbp)];
    if (rbp % 8 != 0 || rbp < registers.rsp() || rbp - registers.rsp() > largest_frame)
        return failure("no unwind information covers " + hex(registers.rip()) + ", and rbp holds no frame");
    const auto saved = memory.value<std::uint64_t>(rbp);
    const auto address = memory.value<std::uint64_t>(rbp + 8);
    if (!saved || !address) return failure("the stack at " + hex(rbp) + " can't be read");
    if (*address == 0) return failure("the outermost frame is reached");
    RegisterFile caller = registers;
    caller.general[static_cast<unsigned>(SavedRegister::rbp)] = *saved;
    caller.general[static_cast<unsigned>(SavedRegister::rsp)] = rbp + 16;
    caller.general[static_cast<unsigned>(SavedRegister::rip)] = *address;
    return caller;
}

} // namespace

BacktraceEntry symbolise(std::uint64_t address, std::span<const DebugInfoPointer> programs, bool is_return_address)
{
    BacktraceEntry entry { address, {}, {}, 0 };
    const auto lookup = is_return_address ? address - 1 : address;
    const DebugInfo* owner = owner_of(lookup, programs);
    if (owner == nullptr) return entry;
    const auto symbol = owner->symbol_at(lookup);
    entry.function = symbol->name;
    if (const auto location = owner->location(lookup)) {
        entry.file = location->file;
        entry.line = location->line;
    }
    return entry;
}

Backtrace backtrace(const RegisterFile& registers, const VirtualMemory& memory,
                    std::span<const DebugInfoPointer> programs, unsigned limit)
{
    Backtrace result;
    RegisterFile current = registers;
    while (result.entries.size() < limit) {
        const bool exact = result.entries.empty();
        result.entries.push_back(symbolise(current.rip(), programs, !exact));
        const auto lookup = exact ? current.rip() : current.rip() - 1;
        const DebugInfo* owner = owner_of(lookup, programs);
        auto next = owner != nullptr && owner->has_unwind_information(lookup)
            ? owner->unwind_step(current, memory, exact)
            : frame_pointer_step(current, memory);
        if (!next) {
            result.end = next.error().sentence;
            return result;
        }
        if (next->rsp() <= current.rsp()) {
            result.end = "the stack does not go on upwards from " + hex(current.rsp());
            return result;
        }
        current = *next;
    }
    result.end = "only the innermost " + std::to_string(limit) + " frames are shown";
    return result;
}

} // namespace orrery::inspector
