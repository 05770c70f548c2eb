// compose("column {}: {}", 3, text): sentences from a pattern, because the C++ library that Qt needs here has no
// <format> yet. Only plain {}; a missing argument leaves its {} visible, a spare one is left out.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace orrery::inspector::lessons {

inline std::string_view piece(std::string_view text) { return text; }
std::string piece(std::integral auto number) { return std::to_string(number); }

inline std::string compose(std::string_view pattern) { return std::string(pattern); }

template <typename First, typename... Rest>
std::string compose(std::string_view pattern, const First& first, const Rest&... rest)
{
    const auto at = pattern.find("{}");
    if (at == std::string_view::npos) return std::string(pattern);
    std::string text(pattern.substr(0, at));
    text += piece(first);
    return text += compose(pattern.substr(at + 2), rest...);
}

} // namespace orrery::inspector::lessons
