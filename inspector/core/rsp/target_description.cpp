#include "inspector/core/rsp/target_description.h"

#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <set>

#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
constexpr unsigned maximum_depth = 8, maximum_files = 32, maximum_number = 4096, maximum_bits = 8192;

std::optional<unsigned> decimal(const char* text)
{
    const std::string_view digits = text;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc {} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

struct Collector {
    const AnnexReader& reader;
    std::vector<RegisterDescription> registers {};
    std::set<unsigned> numbers {};
    std::string architecture {};
    unsigned files = 0, next_number = 0;

    Result<void> add_file(const std::string& annex, unsigned depth)
    {
        if (depth > maximum_depth || ++files > maximum_files)
            return failure(ErrorCode::protocol, "the stub's register description includes files without end");
        const auto text = TRY(reader(annex));
        pugi::xml_document document;
        const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
        if (!parsed)
            return failure(ErrorCode::protocol,
                "the stub's register description " + printable(annex, 60) + " is no XML: " + parsed.description()
                    + " at byte " + std::to_string(parsed.offset));
        for (const auto node : document.children())
            TRY(add_node(node, depth));
        return {};
    }

    // <target> and <feature> only group; registers and includes may stand in both.
    Result<void> add_node(const pugi::xml_node& node, unsigned depth)
    {
        const std::string_view name = node.name();
        if (name == "target" || name == "feature") {
            // pugixml keeps nesting in the heap; our recursion must not follow a hostile depth.
            if (depth > 4 * maximum_depth)
                return failure(ErrorCode::protocol, "the stub's register description nests without end");
            for (const auto child : node.children())
                TRY(add_node(child, depth + 1));
        } else if (name == "xi:include") {
            return add_file(node.attribute("href").value(), depth + 1);
        } else if (name == "architecture") {
            architecture = printable(node.child_value(), 60);
        } else if (name == "reg") {
            return add_register(node);
        }
        return {};
    }

    Result<void> add_register(const pugi::xml_node& node)
    {
        const std::string name = node.attribute("name").value();
        const auto bits = decimal(node.attribute("bitsize").value());
        const auto given = node.attribute("regnum");
        const auto number = given ? decimal(given.value()) : std::optional(next_number);
        if (name.empty() || !bits || *bits == 0 || *bits % 8 != 0 || *bits > maximum_bits)
            return failure(ErrorCode::protocol,
                "the stub describes a register \"" + printable(name, 40) + "\" of impossible size \""
                    + printable(node.attribute("bitsize").value(), 20) + "\"");
        if (!number || *number > maximum_number || !numbers.insert(*number).second)
            return failure(ErrorCode::protocol,
                "the stub describes a register \"" + printable(name, 40) + "\" with an impossible or repeated number");
        next_number = *number + 1;
        registers.push_back({ name, *number, *bits, 0, node.attribute("type").as_string("int") });
        return {};
    }
};
} // namespace

Result<RegisterLayout> read_target_description(const AnnexReader& reader)
{
    Collector collector { reader };
    TRY(collector.add_file("target.xml", 0));
    if (collector.registers.empty())
        return failure(ErrorCode::protocol, "the stub's register description names no register");
    return RegisterLayout(std::move(collector.registers), std::move(collector.architecture));
}

} // namespace orrery::inspector::rsp
