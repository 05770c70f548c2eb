// Whether a student's answer is the right one, when both are words: "16" is 0x10, "yes" is true, "sigusr1" is SIGUSR1.
#pragma once

#include <string_view>

namespace orrery::inspector::lessons {

bool answers_match(std::string_view given, std::string_view right);

} // namespace orrery::inspector::lessons
