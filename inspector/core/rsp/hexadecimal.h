// Hexadecimal text of the protocol: bytes and numbers.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orrery::inspector::rsp {

constexpr int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

inline std::string bytes_to_hex(std::span<const std::byte> bytes)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(bytes.size() * 2, '0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        text[2 * i] = digits[std::to_integer<unsigned>(bytes[i]) >> 4];
        text[2 * i + 1] = digits[std::to_integer<unsigned>(bytes[i]) & 15];
    }
    return text;
}

// False if `text` is not exactly `bytes.size()` pairs of digits.
inline bool hex_to_bytes(std::string_view text, std::span<std::byte> bytes)
{
    if (text.size() != bytes.size() * 2) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<std::byte>(high << 4 | low);
    }
    return true;
}

// The whole of `text` as a hexadecimal number without prefix.
inline std::optional<std::uint64_t> parse_hex(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc {} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

inline std::string plain_hex(std::uint64_t value)
{
    char digits[16];
    return { digits, std::to_chars(digits, digits + sizeof digits, value, 16).ptr };
}

} // namespace orrery::inspector::rsp
