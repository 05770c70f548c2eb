// Evaluates a parsed expression, every part of it, so that a verdict can be explained by all the values behind it.

#include "inspector/lessons/compose.h"
#include "inspector/lessons/predicate_syntax.h"

namespace orrery::inspector::lessons {

namespace {

// Kleene's logic: unknown wins unless the others already decide.
Value combine(const std::vector<Evaluated>& children, bool deciding)
{
    const Evaluated* first_unknown = nullptr;
    for (const auto& child : children) {
        if (const auto* known = std::get_if<bool>(&child.value)) {
            if (*known == deciding) return deciding;
        } else if (first_unknown == nullptr) {
            first_unknown = &child;
        }
    }
    if (first_unknown != nullptr) return first_unknown->value;
    return !deciding;
}

bool compare(const auto& left, Comparison comparison, const auto& right)
{
    switch (comparison) {
    case Comparison::equal: return left == right;
    case Comparison::not_equal: return !(left == right);
    case Comparison::less: return left < right;
    case Comparison::less_or_equal: return left <= right;
    case Comparison::greater: return left > right;
    case Comparison::greater_or_equal: return left >= right;
    }
    return false;
}

Value compare_values(const Value& left, Comparison comparison, const Value& right)
{
    if (const auto* number = std::get_if<Number>(&left)) return compare(*number, comparison, std::get<Number>(right));
    if (const auto* text = std::get_if<std::string>(&left))
        return compare(*text, comparison, std::get<std::string>(right));
    if (const auto* truth = std::get_if<bool>(&left)) return compare(*truth, comparison, std::get<bool>(right));
    return compare(std::get<SignalSet>(left).bits, comparison, std::get<SignalSet>(right).bits);
}

Value has(const Value& set, const Value& wanted)
{
    const auto bits = std::get<SignalSet>(set).bits;
    if (const auto* other = std::get_if<SignalSet>(&wanted)) return (bits & other->bits) == other->bits;
    const auto signal = std::get<Number>(wanted);
    if (signal < 1 || signal > abi::signal_count)
        return unknown(compose("{} is not a signal", in_words(wanted, Kind::number)));
    return (bits & abi::signal_mask64(static_cast<int>(signal))) != 0;
}

// A long sum could leave even 128 bits; what is beyond 2^64 is no value of the machine.
Value add(const Value& left, const Value& right, bool subtract)
{
    const Number limit = Number { 1 } << 64;
    const auto result = std::get<Number>(left) + (subtract ? -std::get<Number>(right) : std::get<Number>(right));
    if (result > limit || result < -limit) return unknown("the sum does not fit 64 bits");
    return result;
}

Value value_of(const ExpressionNode& node, const std::vector<Evaluated>& children, const Scene& scene)
{
    switch (node.type) {
    case NodeType::literal: return node.value;
    case NodeType::all_of: return combine(children, false);
    case NodeType::any_of: return combine(children, true);
    case NodeType::exists: return !is_unknown(children[0].value);
    default: break;
    }
    for (const auto& child : children)
        if (is_unknown(child.value)) return child.value;
    switch (node.type) {
    case NodeType::negation: return !std::get<bool>(children[0].value);
    case NodeType::comparison: return compare_values(children[0].value, node.comparison, children[1].value);
    case NodeType::has: return has(children[0].value, children[1].value);
    case NodeType::sum: return add(children[0].value, children[1].value, false);
    case NodeType::difference: return add(children[0].value, children[1].value, true);
    case NodeType::root:
        if (node.root->get == nullptr) return node.value;
        return node.root->get(scene, children.empty() ? nullptr : &children[0].value);
    default: return node.field->get(scene, children[0].value, children.size() > 1 ? &children[1].value : nullptr);
    }
}

} // namespace

Evaluated evaluate_node(const ExpressionNode& node, const Scene& scene)
{
    Evaluated evaluated;
    evaluated.node = &node;
    evaluated.children.reserve(node.children.size());
    for (const auto& child : node.children)
        evaluated.children.push_back(evaluate_node(*child, scene));
    evaluated.value = value_of(node, evaluated.children, scene);
    return evaluated;
}

} // namespace orrery::inspector::lessons
