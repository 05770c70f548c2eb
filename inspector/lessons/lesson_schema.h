// The first two sieves for a lesson file: is it JSON, and does it have the shape of assets/schema/lesson.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::lessons {

// JSON with bounded nesting and no key twice in an object. Errors: one sentence with line and column.
Result<nlohmann::json> parse_json(std::string_view text);
// Error: one sentence that begins with the place: "steps[2].points must be an integer, and is a text".
Result<void> check_lesson_shape(const nlohmann::json& lesson);
// The text of the schema file, as it was when the program was built.
std::string_view lesson_schema_text();

} // namespace orrery::inspector::lessons
