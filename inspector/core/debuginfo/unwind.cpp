// One step up a stack by the file's call frame information (.debug_frame, or else .eh_frame).
#include <array>
#include <cstdlib>
#include <memory>

#include "inspector/core/debuginfo/implementation.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

using abi::SavedRegister;

// DWARF's numbering of registers, System V ABI for x86-64 figure 3.36; 16 is the return address.
constexpr std::array dwarf_registers {
    SavedRegister::rax, SavedRegister::rdx, SavedRegister::rcx, SavedRegister::rbx, SavedRegister::rsi,
    SavedRegister::rdi, SavedRegister::rbp, SavedRegister::rsp, SavedRegister::r8,  SavedRegister::r9,
    SavedRegister::r10, SavedRegister::r11, SavedRegister::r12, SavedRegister::r13, SavedRegister::r14,
    SavedRegister::r15, SavedRegister::rip,
};
constexpr std::size_t maximum_stack = 64;

class Evaluator {
public:
    Evaluator(const RegisterFile& registers, const VirtualMemory& memory, std::optional<std::uint64_t> cfa)
        : registers_(registers), memory_(memory), cfa_(cfa)
    {
    }
    // False: an operation that frames do not use, a stack that runs over or empty, or memory that can't be read.
    // `is_value`: the result is the value itself, not the address where it lies.
    bool run(const Dwarf_Op* operations, std::size_t count, std::uint64_t& result, bool& is_value)
    {
        is_value = false;
        for (std::size_t i = 0; i < count; ++i) {
            if (operations[i].atom == DW_OP_stack_value) is_value = true;
            else if (!step(operations[i], is_value)) return false;
        }
        if (depth_ == 0) return false;
        result = stack_[depth_ - 1];
        return true;
    }

private:
    bool push(std::uint64_t value)
    {
        if (depth_ == maximum_stack) return false;
        stack_[depth_++] = value;
        return true;
    }
    std::optional<std::uint64_t> value_of(std::uint64_t number) const
    {
        if (number >= dwarf_registers.size()) return std::nullopt;
        return registers_.general[static_cast<unsigned>(dwarf_registers[number])];
    }
    bool push_register(std::uint64_t number, std::uint64_t offset)
    {
        const auto value = value_of(number);
        return value && push(*value + offset);
    }
    bool load(std::size_t size)
    {
        std::uint64_t value = 0;
        auto* bytes = reinterpret_cast<std::byte*>(&value);
        if (depth_ == 0 || size > 8 || !memory_.read(stack_[depth_ - 1], { bytes, size })) return false;
        stack_[depth_ - 1] = value;
        return true;
    }
    template <typename Operation>
    bool binary(Operation operation)
    {
        if (depth_ < 2) return false;
        stack_[depth_ - 2] = operation(stack_[depth_ - 2], stack_[depth_ - 1]);
        --depth_;
        return true;
    }
    bool step(const Dwarf_Op& operation, bool& is_value)
    {
        const auto atom = operation.atom;
        if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) return push(atom - DW_OP_lit0);
        if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) return push_register(atom - DW_OP_breg0, operation.number);
        if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
            is_value = true;
            return push_register(atom - DW_OP_reg0, 0);
        }
        using U = std::uint64_t;
        using S = std::int64_t;
        switch (atom) {
        case DW_OP_regx: is_value = true; return push_register(operation.number, 0);
        case DW_OP_bregx: return push_register(operation.number, operation.number2);
        case DW_OP_call_frame_cfa: return cfa_ && push(*cfa_);
        case DW_OP_addr:
        case DW_OP_const1u:
        case DW_OP_const1s:
        case DW_OP_const2u:
        case DW_OP_const2s:
        case DW_OP_const4u:
        case DW_OP_const4s:
        case DW_OP_const8u:
        case DW_OP_const8s:
        case DW_OP_constu:
        case DW_OP_consts: return push(operation.number);
        case DW_OP_dup: return depth_ != 0 && push(stack_[depth_ - 1]);
        case DW_OP_drop: return depth_ != 0 && depth_-- != 0;
        case DW_OP_swap:
            if (depth_ < 2) return false;
            std::swap(stack_[depth_ - 1], stack_[depth_ - 2]);
            return true;
        case DW_OP_deref: return load(8);
        case DW_OP_deref_size: return load(operation.number);
        case DW_OP_plus_uconst: return depth_ != 0 && ((stack_[depth_ - 1] += operation.number), true);
        case DW_OP_plus: return binary([](U a, U b) { return a + b; });
        case DW_OP_minus: return binary([](U a, U b) { return a - b; });
        case DW_OP_mul: return binary([](U a, U b) { return a * b; });
        case DW_OP_and: return binary([](U a, U b) { return a & b; });
        case DW_OP_or: return binary([](U a, U b) { return a | b; });
        case DW_OP_xor: return binary([](U a, U b) { return a ^ b; });
        case DW_OP_shl: return binary([](U a, U b) { return b < 64 ? a << b : 0; });
        case DW_OP_shr: return binary([](U a, U b) { return b < 64 ? a >> b : 0; });
        case DW_OP_ge: return binary([](U a, U b) { return U { static_cast<S>(a) >= static_cast<S>(b) }; });
        case DW_OP_gt: return binary([](U a, U b) { return U { static_cast<S>(a) > static_cast<S>(b) }; });
        case DW_OP_le: return binary([](U a, U b) { return U { static_cast<S>(a) <= static_cast<S>(b) }; });
        case DW_OP_lt: return binary([](U a, U b) { return U { static_cast<S>(a) < static_cast<S>(b) }; });
        case DW_OP_eq: return binary([](U a, U b) { return U { a == b }; });
        case DW_OP_ne: return binary([](U a, U b) { return U { a != b }; });
        case DW_OP_nop: return true;
        default: return false;
        }
    }

    const RegisterFile& registers_;
    const VirtualMemory& memory_;
    std::optional<std::uint64_t> cfa_;
    std::array<std::uint64_t, maximum_stack> stack_ {};
    std::size_t depth_ = 0;
};

struct FreeFrame {
    void operator()(Dwarf_Frame* frame) const { std::free(frame); }
};
using FramePointer = std::unique_ptr<Dwarf_Frame, FreeFrame>;

FramePointer frame_at(const DebugInfo::Implementation& inside, std::uint64_t address)
{
    for (Dwarf_CFI* table : { inside.debug_frame, inside.eh_frame }) {
        Dwarf_Frame* frame = nullptr;
        if (table != nullptr && dwarf_cfi_addrframe(table, address, &frame) == 0) return FramePointer(frame);
    }
    return nullptr;
}

} // namespace

bool DebugInfo::has_unwind_information(std::uint64_t address) const
{
    implementation_->need_dwarf();
    const std::lock_guard guard(implementation_->mutex);
    return frame_at(*implementation_, address) != nullptr;
}

Result<RegisterFile> DebugInfo::unwind_step(const RegisterFile& registers, const VirtualMemory& memory, bool exact) const
{
    auto& inside = *implementation_;
    inside.need_dwarf();
    const std::lock_guard guard(inside.mutex);
    // A return address may be the first byte behind a function that never returns: look up the call itself.
    const auto lookup = exact ? registers.rip() : registers.rip() - 1;
    const auto frame = frame_at(inside, lookup);
    if (!frame) return failure("no unwind information covers " + hex(registers.rip()));
    Dwarf_Op* operations = nullptr;
    std::size_t count = 0;
    std::uint64_t cfa = 0;
    bool is_value = false;
    if (dwarf_frame_cfa(frame.get(), &operations, &count) != 0
        || !Evaluator(registers, memory, std::nullopt).run(operations, count, cfa, is_value))
        return failure("the frame of " + hex(registers.rip()) + " can't be found from its unwind information");
    RegisterFile caller = registers;
    caller.general[static_cast<unsigned>(SavedRegister::rsp)] = cfa;
    for (std::size_t number = 0; number < dwarf_registers.size(); ++number) {
        const auto saved = dwarf_registers[number];
        Dwarf_Op storage[3];
        if (dwarf_frame_register(frame.get(), static_cast<int>(number), storage, &operations, &count) != 0)
            return failure("the unwind information at " + hex(registers.rip()) + " is damaged");
        if (count == 0) {
            // operations == storage: undefined. For the return address that marks the outermost frame.
            if (operations == storage && saved == SavedRegister::rip)
                return failure("the outermost frame is reached");
            continue; // same value, or lost; rsp is the CFA
        }
        std::uint64_t value = 0;
        if (!Evaluator(registers, memory, cfa).run(operations, count, value, is_value))
            return failure("the stack of " + hex(registers.rip()) + " can't be read");
        if (!is_value) {
            const auto loaded = memory.value<std::uint64_t>(value);
            if (!loaded) return failure("the stack at " + hex(value) + " can't be read");
            value = *loaded;
        }
        caller.general[static_cast<unsigned>(saved)] = value;
    }
    if (caller.rip() == 0) return failure("the outermost frame is reached");
    return caller;
}

} // namespace orrery::inspector
