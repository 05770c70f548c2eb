// The command `orrery grade`, as a function: the front end only parses its options.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

#include "inspector/lessons/grade.h"

namespace orrery::inspector::lessons {

struct GradeRequest {
    std::filesystem::path lesson; // the lesson's folder; not used with list and reference
    std::optional<std::filesystem::path> submission; // without one, and with self_check, the lesson examines itself
    std::string format = "text"; // report_format_of_name
    std::optional<std::filesystem::path> output; // else to `out`; written once, at the end, and whole or not at all
    bool self_check = false;
    bool reference = false; // prints what a predicate can name, and does nothing else
    bool list = false; // prints the lessons of `lesson`, and does nothing else
    GradeOptions grading;
};

// Exit status: 0 the submission has passed (or the lesson is sound), 1 it has not, 2 wrong use or a bad lesson,
// 3 it could not be graded. Sentences go to `problems`.
int run_grade(const GradeRequest& request, std::ostream& out, std::ostream& problems);

} // namespace orrery::inspector::lessons
