// Cuts an expression into names, numbers, texts and symbols.
#include <cctype>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/predicate_syntax.h"

namespace orrery::inspector::lessons {

namespace {

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Decimal or 0x hexadecimal, at most 64 bits.
std::optional<Number> number_of(std::string_view digits)
{
    const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
    if (hexadecimal) digits.remove_prefix(2);
    if (digits.empty()) return std::nullopt;
    const int base = hexadecimal ? 16 : 10;
    Number value = 0;
    for (const char c : digits) {
        int digit = 0;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (hexadecimal && c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (hexadecimal && c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return std::nullopt;
        value = value * base + digit;
        if (value >> 64 != 0) return std::nullopt;
    }
    return value;
}

std::string printable(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f ? "'" + std::string(1, c) + "'" : "the byte " + hex(byte, 2);
}

} // namespace

Result<std::vector<Token>> tokenize(std::string_view source)
{
    std::vector<Token> tokens;
    std::size_t at = 0;
    while (at < source.size()) {
        const char c = source[at];
        const auto begin = at;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++at;
            continue;
        }
        if (is_name_start(c)) {
            while (at < source.size() && is_name_part(source[at]))
                ++at;
            tokens.push_back({ TokenType::name, source.substr(begin, at - begin), begin, at, 0 });
            continue;
        }
        if (std::isdigit(static_cast<unsigned char>(c))) {
            while (at < source.size() && is_name_part(source[at]))
                ++at;
            const auto digits = source.substr(begin, at - begin);
            const auto number = number_of(digits);
            if (!number)
                return failure(
                    compose("column {}: \"{}\" is not a decimal or 0x number of at most 64 bits", begin + 1, digits));
            tokens.push_back({ TokenType::number, digits, begin, at, *number });
            continue;
        }
        if (c == '"') {
            const auto close = source.find('"', at + 1);
            if (close == std::string_view::npos)
                return failure(compose("column {}: the text that starts here has no closing quote", begin + 1));
            at = close + 1;
            tokens.push_back({ TokenType::text, source.substr(begin + 1, close - begin - 1), begin, at, 0 });
            continue;
        }
        const auto two = source.substr(at, 2);
        const bool is_pair = two == "==" || two == "!=" || two == "<=" || two == ">=";
        if (!is_pair && std::string_view("<>=(){}.,+-").find(c) == std::string_view::npos)
            return failure(compose("column {}: {} has no meaning in a predicate", begin + 1, printable(c)));
        at += is_pair ? 2 : 1;
        tokens.push_back({ TokenType::symbol, source.substr(begin, at - begin), begin, at, 0 });
    }
    tokens.push_back({ TokenType::end, {}, source.size(), source.size(), 0 });
    return tokens;
}

} // namespace orrery::inspector::lessons
