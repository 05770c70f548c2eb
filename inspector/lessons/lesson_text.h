// A lesson's Markdown, cut at its ## headings into the sections that steps name.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::lessons {

struct LessonText {
    std::string introduction; // before the first ## heading
    std::map<std::string, std::string, std::less<>> sections; // by name; the text begins with its heading
};

// "What a signal is" -> "what-a-signal-is": letters and digits in lower case, everything between as one hyphen.
std::string section_name(std::string_view heading);

// Headings inside fenced code do not count. Error: two sections have the same name.
Result<LessonText> cut_into_sections(std::string_view markdown);

} // namespace orrery::inspector::lessons
