// Reads SDT notes and understands their argument strings; damaged or hostile notes give a sentence.
#include "inspector/core/debuginfo/sdt.h"

#include <array>
#include <charconv>
#include <cstring>

#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

using abi::SavedRegister;

constexpr std::size_t maximum_operands = 12; // what <sys/sdt.h> can emit
constexpr std::size_t maximum_text = 4096;
constexpr std::size_t maximum_probes = 65536;

struct RegisterName {
    std::string_view names[4]; // 64, 32, 16, 8 bits
    SavedRegister index;
};
constexpr std::array register_names {
    RegisterName { { "rax", "eax", "ax", "al" }, SavedRegister::rax },
    RegisterName { { "rbx", "ebx", "bx", "bl" }, SavedRegister::rbx },
    RegisterName { { "rcx", "ecx", "cx", "cl" }, SavedRegister::rcx },
    RegisterName { { "rdx", "edx", "dx", "dl" }, SavedRegister::rdx },
    RegisterName { { "rsi", "esi", "si", "sil" }, SavedRegister::rsi },
    RegisterName { { "rdi", "edi", "di", "dil" }, SavedRegister::rdi },
    RegisterName { { "rbp", "ebp", "bp", "bpl" }, SavedRegister::rbp },
    RegisterName { { "rsp", "esp", "sp", "spl" }, SavedRegister::rsp },
    RegisterName { { "r8", "r8d", "r8w", "r8b" }, SavedRegister::r8 },
    RegisterName { { "r9", "r9d", "r9w", "r9b" }, SavedRegister::r9 },
    RegisterName { { "r10", "r10d", "r10w", "r10b" }, SavedRegister::r10 },
    RegisterName { { "r11", "r11d", "r11w", "r11b" }, SavedRegister::r11 },
    RegisterName { { "r12", "r12d", "r12w", "r12b" }, SavedRegister::r12 },
    RegisterName { { "r13", "r13d", "r13w", "r13b" }, SavedRegister::r13 },
    RegisterName { { "r14", "r14d", "r14w", "r14b" }, SavedRegister::r14 },
    RegisterName { { "r15", "r15d", "r15w", "r15b" }, SavedRegister::r15 },
    RegisterName { { "rip", "eip", "", "" }, SavedRegister::rip },
};

// A number in decimal or 0x hexadecimal with an optional sign; wraps like the assembler does.
std::optional<std::int64_t> parse_number(std::string_view text)
{
    bool negative = false;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        negative = text[0] == '-';
        text.remove_prefix(1);
    }
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc {} || end != text.data() + text.size()) return std::nullopt;
    return static_cast<std::int64_t>(negative ? std::uint64_t { 0 } - value : value);
}

bool is_symbol_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.'; }

// "symbol", "symbol+8", "symbol-8", "12" or "": what stands before a parenthesis or after '$'.
bool parse_displacement(std::string_view text, ProbeOperand& operand)
{
    if (text.empty()) return true;
    if (!is_symbol_start(text[0])) {
        const auto number = parse_number(text);
        if (number) operand.constant = *number;
        return number.has_value();
    }
    const auto sign = text.find_first_of("+-", 1);
    operand.symbol = text.substr(0, sign);
    if (sign == std::string_view::npos) return true;
    const auto number = parse_number(text.substr(sign));
    if (number) operand.constant = *number;
    return number.has_value();
}

bool parse_memory(std::string_view text, ProbeOperand& operand)
{
    operand.kind = ProbeOperand::Kind::memory;
    if (text.starts_with("%fs:") || text.starts_with("%gs:")) {
        operand.segment = text.substr(1, 2);
        text.remove_prefix(4);
    }
    const auto open = text.find('(');
    if (!parse_displacement(text.substr(0, open), operand)) return false;
    if (open == std::string_view::npos) return !text.empty();
    if (text.back() != ')') return false;
    const auto parts = split(text.substr(open + 1, text.size() - open - 2), ',');
    if (parts.size() > 3) return false;
    const auto full_register = [](std::string_view name) -> std::optional<RegisterPart> {
        if (!name.starts_with('%')) return std::nullopt;
        auto part = register_part(name.substr(1));
        if (part && part->bits < 32) return std::nullopt; // x86-64 addresses with 32 or 64 bits only
        return part;
    };
    if (!parts[0].empty()) {
        operand.base = full_register(parts[0]);
        if (!operand.base) return false;
        operand.rip_relative = operand.base->index == static_cast<unsigned>(SavedRegister::rip);
        if (operand.rip_relative && parts.size() > 1) return false;
    }
    if (parts.size() > 1) {
        operand.index = full_register(parts[1]);
        if (!operand.index) return false;
    }
    if (parts.size() > 2) {
        const auto scale = parse_number(parts[2]);
        if (!scale || (*scale != 1 && *scale != 2 && *scale != 4 && *scale != 8)) return false;
        operand.scale = static_cast<unsigned>(*scale);
    }
    return operand.base || operand.index;
}

std::optional<ProbeOperand> parse_operand(std::string_view text)
{
    ProbeOperand operand;
    operand.text = text;
    const auto at = text.find('@');
    if (at == std::string_view::npos) return std::nullopt;
    auto size_text = text.substr(0, at);
    if (size_text.ends_with('f')) size_text.remove_suffix(1); // floating point: its bits are given as they are
    const auto size = parse_number(size_text);
    if (!size) return std::nullopt;
    operand.is_signed = *size < 0;
    const auto magnitude = operand.is_signed ? std::uint64_t { 0 } - static_cast<std::uint64_t>(*size)
                                             : static_cast<std::uint64_t>(*size);
    if (magnitude != 1 && magnitude != 2 && magnitude != 4 && magnitude != 8) return std::nullopt;
    operand.size = static_cast<unsigned>(magnitude);

    const auto body = text.substr(at + 1);
    if (body.empty()) return std::nullopt;
    if (body[0] == '$') {
        operand.kind = ProbeOperand::Kind::constant;
        if (body.size() < 2 || !parse_displacement(body.substr(1), operand)) return std::nullopt;
        return operand;
    }
    const bool has_segment = body.starts_with("%fs:") || body.starts_with("%gs:");
    if (body[0] == '%' && !has_segment) {
        const auto part = register_part(body.substr(1));
        if (!part) return std::nullopt;
        operand.kind = ProbeOperand::Kind::in_register;
        operand.reg = *part;
        return operand;
    }
    if (!parse_memory(body, operand)) return std::nullopt;
    return operand;
}

std::uint64_t register_value(const RegisterPart& part, const RegisterFile& registers)
{
    const auto value = registers.general[part.index] >> part.shift;
    return part.bits == 64 ? value : value & ((std::uint64_t { 1 } << part.bits) - 1);
}

std::uint64_t extend(std::uint64_t value, unsigned size, bool is_signed)
{
    if (size == 8) return value;
    const unsigned unused = 64 - size * 8;
    value <<= unused;
    return is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> unused) : value >> unused;
}

} // namespace

std::optional<RegisterPart> register_part(std::string_view name)
{
    constexpr unsigned widths[] = { 64, 32, 16, 8 };
    for (const auto& entry : register_names)
        for (unsigned i = 0; i < 4; ++i)
            if (!entry.names[i].empty() && entry.names[i] == name)
                return RegisterPart { static_cast<unsigned>(entry.index), widths[i], 0 };
    if (name.size() == 2 && name[1] == 'h') {
        const std::string low { name[0], 'l' };
        if (auto part = register_part(low); part && name[0] >= 'a' && name[0] <= 'd') {
            part->shift = 8;
            return part;
        }
    }
    return std::nullopt;
}

Result<std::vector<ProbeOperand>> parse_probe_arguments(std::string_view text)
{
    if (text.size() > maximum_text) return failure("the argument string has more than 4096 bytes");
    std::vector<ProbeOperand> operands;
    while (true) {
        const auto begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return operands;
        text.remove_prefix(begin);
        const auto end = text.find_first_of(" \t");
        const auto word = text.substr(0, end);
        if (operands.size() == maximum_operands) return failure("there are more than 12 arguments");
        auto operand = parse_operand(word);
        if (!operand) return failure("argument '" + printable(word, 60) + "' is not understood");
        operands.push_back(std::move(*operand));
        text.remove_prefix(word.size());
    }
}

std::vector<Probe> parse_probe_notes(std::span<const std::byte> notes, std::uint64_t base_address, std::string* problem)
{
    constexpr std::uint32_t stapsdt_type = 3;
    std::vector<Probe> probes;
    const auto give_up = [&](std::string sentence) {
        if (problem != nullptr) *problem = std::move(sentence);
    };
    const auto align4 = [](std::uint64_t value) { return (value + 3) & ~std::uint64_t { 3 }; };
    while (!notes.empty()) {
        std::uint32_t header[3];
        if (notes.size() < sizeof header) {
            give_up("the probe notes end in the middle of a header");
            return probes;
        }
        std::memcpy(header, notes.data(), sizeof header);
        const auto [name_size, description_size, type] = header;
        const auto name_at = sizeof header;
        const auto description_at = name_at + align4(name_size);
        if (description_at + description_size > notes.size()) {
            give_up("a probe note is longer than its section");
            return probes;
        }
        const std::string_view owner(reinterpret_cast<const char*>(notes.data() + name_at), name_size);
        if (type == stapsdt_type && owner == std::string_view("stapsdt\0", 8)) {
            const auto description = notes.subspan(description_at, description_size);
            std::uint64_t addresses[3];
            if (description.size() < sizeof addresses) {
                give_up("a probe note is too short for its addresses");
                return probes;
            }
            std::memcpy(addresses, description.data(), sizeof addresses);
            std::string_view strings(reinterpret_cast<const char*>(description.data()), description.size());
            strings.remove_prefix(sizeof addresses);
            std::string_view words[3];
            for (auto& word : words) {
                const auto end = strings.find('\0');
                if (end == std::string_view::npos) {
                    give_up("a probe note's text does not end");
                    return probes;
                }
                word = strings.substr(0, end);
                strings.remove_prefix(end + 1);
            }
            // The linker may have moved everything since the note was written; .stapsdt.base moved along.
            const auto moved = base_address != 0 && addresses[1] != 0 ? base_address - addresses[1] : 0;
            Probe probe;
            probe.provider = words[0];
            probe.name = words[1];
            probe.address = addresses[0] + moved;
            probe.semaphore = addresses[2] != 0 ? addresses[2] + moved : 0;
            probe.arguments_text = words[2];
            if (auto arguments = parse_probe_arguments(words[2])) probe.arguments = std::move(*arguments);
            else probe.problem = arguments.error().sentence;
            probes.push_back(std::move(probe));
            if (probes.size() == maximum_probes) {
                give_up("there are more than 65536 probes; the rest is left out");
                return probes;
            }
        }
        const auto next = description_at + align4(description_size);
        notes = next >= notes.size() ? std::span<const std::byte> {} : notes.subspan(next);
    }
    return probes;
}

Result<std::uint64_t> evaluate(const ProbeOperand& operand, std::uint64_t probe_address, const RegisterFile& registers,
                               const VirtualMemory& memory, const SymbolResolver& resolve)
{
    auto address = static_cast<std::uint64_t>(operand.constant);
    if (!operand.symbol.empty()) {
        const auto symbol = resolve ? resolve(operand.symbol) : std::nullopt;
        if (!symbol) return failure("argument '" + operand.text + "' names a symbol that the program does not have");
        address += *symbol;
    }
    if (operand.kind == ProbeOperand::Kind::constant) return extend(address, operand.size, operand.is_signed);
    if (operand.kind == ProbeOperand::Kind::in_register)
        return extend(register_value(operand.reg, registers), operand.size, operand.is_signed);

    if (operand.rip_relative) {
        if (operand.symbol.empty()) address += probe_address;
    } else if (operand.base) {
        address += register_value(*operand.base, registers);
    }
    if (operand.index) address += register_value(*operand.index, registers) * operand.scale;
    if (operand.segment == "fs") address += registers.fs_base;
    if (operand.segment == "gs") address += registers.gs_base;
    std::byte bytes[8] {};
    if (!memory.read(address, std::span(bytes).first(operand.size)))
        return failure("argument '" + operand.text + "' lies at " + hex(address) + ", which can't be read");
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return extend(value, operand.size, operand.is_signed);
}

} // namespace orrery::inspector
