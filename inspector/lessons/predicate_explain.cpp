// Says in words why an expression does not hold: "thread ping's allowset has SIGUSR1 (it should not)".
#include <algorithm>

#include "inspector/lessons/compose.h"
#include "inspector/lessons/predicate_syntax.h"

namespace orrery::inspector::lessons {

namespace {

using Words = std::vector<std::string>;

std::string value_in_words(const Evaluated& evaluated) { return in_words(evaluated.value, evaluated.node->kind); }

std::string with_spaces(std::string_view name)
{
    std::string words(name);
    std::ranges::replace(words, '_', ' ');
    return words;
}

std::string query_in_words(const PhaseQuery& query)
{
    std::string words = abi::phase_table[static_cast<std::size_t>(query.phase)].step_name;
    Words filters;
    if (query.signal) filters.push_back("for " + signal_in_words(*query.signal));
    if (query.thread_name) filters.push_back("in " + *query.thread_name);
    if (query.ring) filters.push_back(compose("on ring {}", *query.ring));
    for (const auto& filter : filters)
        words += " " + filter;
    return words;
}

std::string argument_in_words(const Evaluated& argument)
{
    if (const auto* text = std::get_if<std::string>(&argument.value)) return *text;
    return value_in_words(argument);
}

// "thread ping's allowset", "ring 1's used", "the number of signal.handled for SIGUSR1".
std::string name_of(const Evaluated& evaluated, std::string_view source)
{
    const auto& node = *evaluated.node;
    if (node.type == NodeType::root) {
        if (node.kind == Kind::phases) return query_in_words(std::get<PhaseQuery>(node.value));
        if (node.kind == Kind::seen) return "the phase here";
        if (node.kind == Kind::exit) return "the program's exit";
        if (node.kind == Kind::machine) return "the machine";
        if (node.kind == Kind::thread && evaluated.children.empty()) return "the program";
        if (evaluated.children.empty())
            return node.kind == Kind::frame ? "the newest signal frame" : compose("the program's {}", node.root->name);
        return compose("{} {}", with_spaces(node.root->name), argument_in_words(evaluated.children[0]));
    }
    if (node.type == NodeType::field) {
        const auto object = name_of(evaluated.children[0], source);
        if (node.field->of == Kind::phases)
            return compose("the {} {}", node.kind == Kind::number ? "number of" : node.field->name, object);
        auto field = with_spaces(node.field->name);
        if (evaluated.children.size() > 1) field += " " + argument_in_words(evaluated.children[1]);
        return node.field->of == Kind::seen ? compose("the {} of {}", field, object)
            : node.field->of == Kind::exit  ? compose("{} {}", object, field)
                                            : compose("{}'s {}", object, field);
    }
    if (node.type == NodeType::literal) return value_in_words(evaluated);
    return std::string(source.substr(node.begin, node.end - node.begin));
}

bool is_literal(const Evaluated& evaluated) { return evaluated.node->type == NodeType::literal; }

// "3", or "ring 1's capacity, 8" if it is not written in the expression.
std::string operand_in_words(const Evaluated& operand, std::string_view source)
{
    if (is_literal(operand)) return value_in_words(operand);
    return compose("{}, {}", name_of(operand, source), value_in_words(operand));
}

const char* in_words(Comparison comparison)
{
    switch (comparison) {
    case Comparison::equal: return "";
    case Comparison::not_equal: return "anything but ";
    case Comparison::less: return "less than ";
    case Comparison::less_or_equal: return "at most ";
    case Comparison::greater: return "more than ";
    case Comparison::greater_or_equal: return "at least ";
    }
    return "";
}

Comparison opposite(Comparison comparison)
{
    switch (comparison) {
    case Comparison::equal: return Comparison::not_equal;
    case Comparison::not_equal: return Comparison::equal;
    case Comparison::less: return Comparison::greater_or_equal;
    case Comparison::less_or_equal: return Comparison::greater;
    case Comparison::greater: return Comparison::less_or_equal;
    case Comparison::greater_or_equal: return Comparison::less;
    }
    return comparison;
}

std::string comparison_in_words(const Evaluated& evaluated, bool wanted, std::string_view source)
{
    const auto comparison = wanted ? evaluated.node->comparison : opposite(evaluated.node->comparison);
    const auto& left = evaluated.children[0];
    const auto& right = evaluated.children[1];
    if (comparison == Comparison::not_equal)
        return compose("{} is {} (it should be anything else)", name_of(left, source), value_in_words(left));
    return compose("{} is {} (it should be {}{})", name_of(left, source), value_in_words(left), in_words(comparison),
        operand_in_words(right, source));
}

// Appends a sentence for every part that keeps `evaluated` from being `wanted`.
void collect(const Evaluated& evaluated, bool wanted, std::string_view source, Words& words, Words& told)
{
    const auto truth = evaluated.truth();
    if (truth == (wanted ? Truth::yes : Truth::no)) return;
    switch (evaluated.node->type) {
    case NodeType::negation: collect(evaluated.children[0], !wanted, source, words, told); return;
    case NodeType::all_of:
    case NodeType::any_of:
        for (const auto& child : evaluated.children)
            collect(child, wanted, source, words, told);
        return;
    default: break;
    }
    for (const auto& child : evaluated.children)
        told.push_back(name_of(child, source));
    told.push_back(name_of(evaluated, source));
    if (const auto* reason = std::get_if<Unknown>(&evaluated.value)) {
        if (std::ranges::find(words, reason->why) == words.end()) words.push_back(reason->why);
        return;
    }
    switch (evaluated.node->type) {
    case NodeType::has:
        words.push_back(compose("{} {} {} (it should{})", name_of(evaluated.children[0], source),
            wanted ? "does not have" : "has", argument_in_words(evaluated.children[1]), wanted ? "" : " not"));
        return;
    case NodeType::comparison: words.push_back(comparison_in_words(evaluated, wanted, source)); return;
    case NodeType::exists:
        words.push_back(compose("{} does {}exist (it should{})", name_of(evaluated.children[0], source),
            wanted ? "not " : "", wanted ? "" : " not"));
        return;
    default:
        words.push_back(compose("{} is {} (it should be {})", name_of(evaluated, source), value_in_words(evaluated),
            wanted ? "true" : "false"));
        return;
    }
}

// Values that the sentences did not name yet: the outermost fields and roots that are no objects.
void collect_values(const Evaluated& evaluated, std::string_view source, Words& told, Words& words)
{
    const auto& node = *evaluated.node;
    const bool is_leaf = (node.type == NodeType::field || node.type == NodeType::root) && !is_object(node.kind);
    if (!is_leaf) {
        for (const auto& child : evaluated.children)
            collect_values(child, source, told, words);
        return;
    }
    const auto name = name_of(evaluated, source);
    if (is_unknown(evaluated.value) || std::ranges::find(told, name) != told.end()) return;
    told.push_back(name);
    words.push_back(compose("{} = {}", name, value_in_words(evaluated)));
}

std::string joined(const Words& words, std::string_view between)
{
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : std::string(between)) + word;
    return text;
}

} // namespace

std::string refusal_of(const Evaluated& evaluated, std::string_view source)
{
    static constexpr std::size_t most_values = 4;
    if (evaluated.truth() == Truth::yes) return "";
    Words words, told, values;
    collect(evaluated, true, source, words, told);
    collect_values(evaluated, source, told, values);
    if (values.size() > most_values) values.resize(most_values);
    return joined(words, evaluated.node->type == NodeType::any_of ? ", and " : "; ") + (values.empty() ? "" : "; ")
        + joined(values, ", ");
}

Explanation explanation_of(const Evaluated& evaluated, std::string_view source)
{
    const auto& node = *evaluated.node;
    Explanation explanation { std::string(source.substr(node.begin, node.end - node.begin)), value_in_words(evaluated),
        {} };
    for (const auto& child : evaluated.children)
        if (child.node->type != NodeType::literal) explanation.parts.push_back(explanation_of(child, source));
    return explanation;
}

} // namespace orrery::inspector::lessons
