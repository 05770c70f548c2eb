// Compares answers as values if both can be read as values, else as text.
#include "inspector/lessons/answer.h"

#include <cctype>
#include <string>

#include "inspector/lessons/predicate.h"

namespace orrery::inspector::lessons {

namespace {

// Without surrounding space and quotes, in one case.
std::string plain(std::string_view text)
{
    const auto is_margin = [](char c) { return std::isspace(static_cast<unsigned char>(c)) || c == '"' || c == '.'; };
    while (!text.empty() && is_margin(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_margin(text.back()))
        text.remove_suffix(1);
    std::string result;
    for (const char c : text)
        result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result == "yes" ? "true" : result == "no" ? "false" : result;
}

} // namespace

bool answers_match(std::string_view given, std::string_view right)
{
    const auto plain_given = plain(given), plain_right = plain(right);
    if (plain_given.empty()) return false;
    if (plain_given == plain_right) return true;
    // Both must be whole expressions on their own, so that no parenthesis of one can reach into the other.
    if (!Predicate::parse(given) || !Predicate::parse(right)) return false;
    const auto same = Predicate::parse("(" + std::string(given) + ") == (" + std::string(right) + ")");
    return same && same->evaluate(Scene {}).holds();
}

} // namespace orrery::inspector::lessons
