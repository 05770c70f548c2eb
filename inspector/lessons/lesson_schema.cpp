// JSON and schema mistakes as sentences; the words of nlohmann-json and valijson are for programmers.
#include "inspector/lessons/lesson_schema.h"

#include <algorithm>
#include <set>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

using Json = nlohmann::json;

constexpr std::size_t maximum_depth = 16;

std::string place_in(std::string_view text, std::size_t offset)
{
    const auto before = text.substr(0, std::min(offset, text.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto line_start = before.rfind('\n');
    const auto column = before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1;
    return compose("line {}, column {}", line, column);
}

// A first pass over the events: finds what the document type would hide (a key that is there twice) and what
// would cost too much (nesting), before anything is built.
class Inspection final : public Json::json_sax_t {
public:
    std::string problem; // sentence without a place
    std::optional<std::size_t> at; // byte offset, where the parser told one

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override
    {
        if (keys_.back().insert(name).second) return true;
        problem = compose("the key \"{}\" is there twice in one object", printable(name, 60));
        return false;
    }
    bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override
    {
        at = position == 0 ? 0 : position - 1;
        // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ...; expected ..."
        const std::string_view words = error.what();
        const auto colon = words.find(": ");
        problem =
            "this is not JSON: " + printable(colon == std::string_view::npos ? words : words.substr(colon + 2), 300);
        return false;
    }

private:
    bool open()
    {
        keys_.emplace_back();
        if (keys_.size() <= maximum_depth) return true;
        problem = compose("objects and arrays are nested more than {} deep", maximum_depth);
        return false;
    }
    bool close()
    {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;
};

// valijson's {"<root>", "[\"steps\"]", "[3]"} -> {"steps", "3"}.
std::vector<std::string> keys_of(const std::vector<std::string>& context)
{
    std::vector<std::string> keys;
    for (const auto& part : context) {
        if (part == "<root>") continue;
        auto key = std::string_view(part);
        if (key.starts_with("[")) key = key.substr(1, key.size() - 2);
        if (key.starts_with("\"") && key.size() >= 2) key = key.substr(1, key.size() - 2);
        keys.emplace_back(key);
    }
    return keys;
}

std::string place_of(const std::vector<std::string>& keys)
{
    std::string place;
    for (const auto& key : keys) {
        const bool is_index = !key.empty() && std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
        if (is_index)
            place += "[" + key + "]";
        else
            place += (place.empty() ? "" : ".") + key;
    }
    return place.empty() ? "the lesson" : printable(place, 120);
}

const Json* node_at(const Json& root, const std::vector<std::string>& keys)
{
    const auto* node = &root;
    for (const auto& key : keys) {
        if (node->is_object() && node->contains(key))
            node = &(*node)[key];
        else if (node->is_array() && std::strtoul(key.c_str(), nullptr, 10) < node->size())
            node = &(*node)[std::strtoul(key.c_str(), nullptr, 10)];
        else
            return nullptr;
    }
    return node;
}

const char* type_in_words(const Json& node)
{
    switch (node.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "a list";
    case Json::value_t::string: return "a text";
    case Json::value_t::boolean: return "true or false";
    case Json::value_t::number_float: return "a number with a fraction";
    default: return "a number";
    }
}

// What the schema wants of a property of this name; in it a name has the same type everywhere.
const Json* wanted_of(const Json& schema, const Json& root, const std::string& name)
{
    if (schema.is_object() && schema.contains("properties")) {
        const auto& properties = schema["properties"];
        if (properties.contains(name)) {
            const auto* wanted = &properties[name];
            if (wanted->contains("$ref")) {
                const auto reference = (*wanted)["$ref"].get<std::string>().substr(1);
                return &root[Json::json_pointer(reference)];
            }
            return wanted;
        }
    }
    if (schema.is_structured())
        for (const auto& child : schema)
            if (const auto* found = wanted_of(child, root, name)) return found;
    return nullptr;
}

std::string wanted_in_words(const Json& wanted)
{
    if (wanted.contains("const")) return wanted["const"].dump();
    if (wanted.contains("enum")) {
        std::string words;
        for (const auto& value : wanted["enum"])
            words += (words.empty() ? "one of " : ", ") + value.dump();
        return words;
    }
    const auto type = wanted.value("type", "");
    if (type == "string" && wanted.contains("pattern"))
        return "a text that matches " + wanted["pattern"].get<std::string>();
    if (type == "string") return "a text";
    if (type == "array") return "a list";
    if (type == "integer") return "a whole number";
    return type == "object" ? "an object" : "of another type";
}

// Text between the first pair of single quotes: valijson's way to name a property.
std::string quoted(std::string_view description)
{
    const auto open = description.rfind(": '");
    if (open != std::string_view::npos) {
        auto rest = description.substr(open + 3);
        return printable(rest.substr(0, rest.find('\'')), 60);
    }
    const auto first = description.find('\'');
    if (first == std::string_view::npos) return "";
    const auto rest = description.substr(first + 1);
    return printable(rest.substr(0, rest.find('\'')), 60);
}

std::string sentence_of(const valijson::ValidationResults::Error& error, const Json& lesson, const Json& schema)
{
    const auto keys = keys_of(error.context);
    const auto place = place_of(keys);
    const std::string_view description = error.description;
    const auto name = std::ranges::find_if(keys.rbegin(), keys.rend(),
        [](const std::string& key) { return !key.empty() && !(key[0] >= '0' && key[0] <= '9'); });
    const auto* node = node_at(lesson, keys);
    if (description.starts_with("Missing required property"))
        return compose("{} lacks \"{}\"", place, quoted(description));
    if (description.find("additionalProperties") != std::string_view::npos)
        return compose("{} has a key \"{}\" that means nothing here", place, quoted(description));
    const bool wants = description.find("'type'") != std::string_view::npos
        || description.find("'const'") != std::string_view::npos || description.find("enum") != std::string_view::npos
        || description.find("pattern") != std::string_view::npos
        || description.find("regular") != std::string_view::npos;
    if (wants && node != nullptr && name != keys.rend()) {
        const auto* wanted = wanted_of(schema, schema, *name);
        const bool is_element = *name != keys.back();
        if (wanted != nullptr && is_element && wanted->contains("items")) wanted = &(*wanted)["items"];
        if (wanted != nullptr && wanted->contains("$ref"))
            wanted = &schema[Json::json_pointer((*wanted)["$ref"].get<std::string>().substr(1))];
        if (wanted != nullptr)
            return compose("{} must be {}, and is {}", place, wanted_in_words(*wanted),
                node->is_string() ? '"' + printable(node->get<std::string>(), 60) + '"' : type_in_words(*node));
    }
    if (description.starts_with("Elements at indexes")) return compose("{} has the same element twice", place);
    std::string words(description);
    while (!words.empty() && words.back() == '.')
        words.pop_back();
    if (!words.empty()) words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
    return compose("{}: {}", place, printable(words, 300));
}

} // namespace

Result<Json> parse_json(std::string_view text)
{
    Inspection inspection;
    if (!Json::sax_parse(text, &inspection)) {
        if (inspection.at) return failure(compose("{}: {}", place_in(text, *inspection.at), inspection.problem));
        return failure(inspection.problem);
    }
    return Json::parse(text, nullptr, false);
}

Result<void> check_lesson_shape(const Json& lesson)
{
    // The schema is the project's own and was checked by the tests; only the lesson is a stranger's.
    static const Json schema_document = Json::parse(lesson_schema_text());
    static const auto schema = [] {
        auto parsed = std::make_unique<valijson::Schema>();
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_document), *parsed);
        return parsed;
    }();
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(*schema, valijson::adapters::NlohmannJsonAdapter(lesson), &results)) return {};
    // The first is the innermost: what follows only says that the whole around it is wrong too.
    valijson::ValidationResults::Error error;
    if (!results.popError(error)) return failure("the lesson does not have the shape of a lesson");
    return failure(sentence_of(error, lesson, schema_document));
}

} // namespace orrery::inspector::lessons
