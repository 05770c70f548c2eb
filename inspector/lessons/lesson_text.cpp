// Cuts Markdown at its second-level headings.
#include "inspector/lessons/lesson_text.h"

#include <cctype>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

std::string section_name(std::string_view heading)
{
    std::string name;
    for (const char c : heading) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) && byte < 0x80)
            name += static_cast<char>(std::tolower(byte));
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    while (!name.empty() && name.back() == '-')
        name.pop_back();
    return name;
}

Result<LessonText> cut_into_sections(std::string_view markdown)
{
    LessonText text;
    auto* target = &text.introduction;
    bool fenced = false;
    for (auto rest = markdown; !rest.empty();) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
        rest.remove_prefix(line.size());
        if (line.starts_with("```")) fenced = !fenced;
        if (!fenced && line.starts_with("## ")) {
            const auto name = section_name(line.substr(3));
            const auto [section, is_new] = text.sections.try_emplace(name);
            if (!is_new)
                return failure(
                    compose("the section \"{}\" is there twice", printable(line.substr(0, line.find('\n')), 80)));
            target = &section->second;
        }
        *target += line;
    }
    return text;
}

} // namespace orrery::inspector::lessons
