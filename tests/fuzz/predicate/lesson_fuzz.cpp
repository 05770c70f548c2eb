// Any bytes as lesson.json: parsing, the schema and its sentences never crash, and every refusal is one clean line.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "inspector/lessons/lesson_schema.h"
#include "inspector/lessons/lesson_text.h"

using namespace orrery::inspector::lessons;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)cut_into_sections(text);
    const auto json = parse_json(text);
    std::string sentence;
    if (!json)
        sentence = json.error().sentence;
    else if (const auto shape = check_lesson_shape(*json); !shape)
        sentence = shape.error().sentence;
    else
        return 0;
    for (const char c : sentence) {
        if (static_cast<unsigned char>(c) >= 0x20) continue;
        std::cerr << "a control byte in: " << sentence << '\n';
        std::abort();
    }
    return sentence.empty() ? (std::abort(), 1) : 0;
}
