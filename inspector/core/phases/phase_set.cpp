// Parses phase names against the one table.
#include "inspector/core/phases/phase_set.h"

#include "inspector/core/text.h"

namespace orrery::inspector {

std::optional<abi::Phase> phase_named(std::string_view step_name)
{
    for (std::size_t i = 0; i < abi::phase_count; ++i)
        if (step_name == abi::phase_table[i].step_name) return static_cast<abi::Phase>(i);
    return std::nullopt;
}

Result<PhaseSet> parse_phases(std::string_view text)
{
    PhaseSet set;
    for (auto word : split(text, ',')) {
        while (word.starts_with(' ')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        if (word == "any" || word == "*") {
            set.set();
            continue;
        }
        auto group = word;
        if (group.ends_with(".*")) group.remove_suffix(2);
        bool found = false;
        for (std::size_t i = 0; i < abi::phase_count; ++i) {
            if (word != abi::phase_table[i].step_name && group != abi::phase_table[i].group) continue;
            set.set(i);
            found = true;
        }
        if (found) continue;
        std::vector<std::string> names;
        for (const auto& description : abi::phase_table) names.emplace_back(description.step_name);
        return failure(ErrorCode::invalid_argument,
                       "there is no phase '" + printable(word, 60) + "'; there are: any, " + join(names, ", "));
    }
    return set;
}

std::string phases_text(const PhaseSet& set)
{
    if (set.all()) return "any";
    std::vector<std::string> names;
    for (std::size_t i = 0; i < abi::phase_count; ++i)
        if (set.test(i)) names.emplace_back(abi::phase_table[i].step_name);
    return names.empty() ? "none" : join(names, ", ");
}

} // namespace orrery::inspector
