// Decodes with Zydis, and lets its formatter print symbols instead of addresses.
#include "inspector/core/disassembly/disassembly.h"

#include <Zydis/Zydis.h>
#include <algorithm>
#include <array>

#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

struct Printer {
    ZydisFormatter formatter {};
    ZydisFormatterFunc print_absolute = nullptr; // Zydis's own, for addresses without a name
    const DebugInfo* program = nullptr;
};

ZyanStatus print_address(const ZydisFormatter*, ZydisFormatterBuffer* buffer, ZydisFormatterContext* context)
{
    const auto& printer = *static_cast<const Printer*>(context->user_data);
    ZyanU64 address = 0;
    if (printer.program != nullptr
        && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(context->instruction, context->operand, context->runtime_address, &address))) {
        if (printer.program->symbol_at(address)) {
            ZyanString* text = nullptr;
            ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
            ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &text));
            const auto name = printer.program->describe(address);
            ZyanStringView view;
            ZYAN_CHECK(ZyanStringViewInsideBufferEx(&view, name.data(), name.size()));
            return ZyanStringAppend(text, &view);
        }
    }
    return printer.print_absolute(&printer.formatter, buffer, context);
}

Printer* make_printer(Printer& printer, const DebugInfo* program)
{
    printer.program = program;
    ZydisFormatterInit(&printer.formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&printer.formatter, ZYDIS_FORMATTER_PROP_FORCE_SEGMENT, ZYAN_FALSE);
    ZydisFormatterSetProperty(&printer.formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    ZydisFormatterSetProperty(&printer.formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&printer.formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&printer.formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    const void* hook = reinterpret_cast<const void*>(&print_address);
    ZydisFormatterSetHook(&printer.formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, &hook);
    printer.print_absolute = reinterpret_cast<ZydisFormatterFunc>(const_cast<void*>(hook)); // what was there before
    return &printer;
}

bool is_direct_branch(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands)
{
    return instruction.operand_count_visible > 0 && operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE
        && operands[0].imm.is_relative;
}

} // namespace

Result<std::vector<Instruction>> disassemble(const VirtualMemory& memory, std::uint64_t begin, std::uint64_t end,
                                             const DebugInfo* program, std::size_t limit)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    Printer printer;
    make_printer(printer, program);
    std::vector<Instruction> result;
    std::array<std::byte, ZYDIS_MAX_INSTRUCTION_LENGTH> window;
    for (auto address = begin; address < end && result.size() < limit;) {
        auto length = std::min<std::uint64_t>(window.size(), end - address);
        while (length > 0 && !memory.read(address, std::span(window).first(length))) --length; // up to the page's end
        if (length == 0) {
            if (result.empty()) return failure(ErrorCode::unmapped, "there is no code at " + hex(address) + " to disassemble");
            break;
        }
        Instruction line;
        line.address = address;
        if (program != nullptr) {
            const auto symbol = program->symbol_at(address);
            if (symbol && symbol->address == address) line.symbol = symbol->name;
        }
        ZydisDecodedInstruction decoded;
        std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
        const bool good = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, window.data(), length, &decoded, operands.data()));
        const std::uint64_t size = good ? decoded.length : 1;
        for (std::uint64_t i = 0; i < size; ++i) line.bytes.push_back(static_cast<std::uint8_t>(window[i]));
        char text[512] = "(bad)";
        if (good) {
            ZydisFormatterFormatInstruction(&printer.formatter, &decoded, operands.data(), decoded.operand_count_visible,
                                            text, sizeof text, address, &printer);
            line.is_call = decoded.meta.category == ZYDIS_CATEGORY_CALL;
            line.is_return = decoded.meta.category == ZYDIS_CATEGORY_RET;
            ZyanU64 target = 0;
            if (is_direct_branch(decoded, operands.data())
                && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&decoded, operands.data(), address, &target)))
                line.target = target;
        }
        line.text = text;
        result.push_back(std::move(line));
        address += size;
    }
    return result;
}

Result<std::vector<std::uint64_t>> instruction_boundaries(const VirtualMemory& memory, const DebugInfo& program,
                                                          std::string_view function)
{
    const auto range = program.function_named(function);
    if (!range) return failure(program.path().filename().string() + " has no function " + std::string(function));
    const auto instructions = TRY(disassemble(memory, range->begin, range->end, nullptr, range->end - range->begin));
    std::vector<std::uint64_t> boundaries;
    for (const auto& instruction : instructions) {
        if (instruction.text == "(bad)")
            return failure(std::string(function) + " holds bytes at " + hex(instruction.address) + " that are no instruction");
        boundaries.push_back(instruction.address);
    }
    return boundaries;
}

} // namespace orrery::inspector
