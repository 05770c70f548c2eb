// Small text helpers that every part of the core needs for its sentences.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::inspector {

// "0x1f"; with a width, zero-padded to so many digits.
inline std::string hex(std::uint64_t value, unsigned width = 0)
{
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
    const auto length = static_cast<unsigned>(end - digits);
    std::string text = "0x";
    if (length < width) text.append(width - length, '0');
    return text.append(digits, end);
}

inline std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    while (true) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

inline std::string join(const std::vector<std::string>& parts, std::string_view separator)
{
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i != 0) text += separator;
        text += parts[i];
    }
    return text;
}

// Text from the guest for a sentence or a terminal: control bytes become '?', and it is cut at `limit` bytes.
inline std::string printable(std::string_view text, std::size_t limit = 200)
{
    std::string result;
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        result += byte < 0x20 || byte >= 0x7f ? '?' : c;
    }
    if (text.size() > limit) result += "...";
    return result;
}

} // namespace orrery::inspector
