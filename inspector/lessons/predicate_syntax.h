// Between lexer, parser, field table, evaluator and explainer: tokens and the parsed tree.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/lessons/predicate.h"
#include "inspector/lessons/predicate_value.h"

namespace orrery::inspector::lessons {

enum class TokenType { end, name, number, text, symbol };

struct Token {
    TokenType type = TokenType::end;
    std::string_view source; // as written; a text without its quotes
    std::size_t begin = 0, end = 0; // offsets in the expression
    Number number = 0;
};

// The whole expression at once, closed by a TokenType::end. Error: "column 3: ...".
Result<std::vector<Token>> tokenize(std::string_view source);

// A root ("thread", "ring") or a field ("pending", "frame").
enum class Argument { none, name_or_number, optional_name_or_number, number, optional_number, signal, phase, symbol };

struct Root {
    const char* name;
    Kind kind;
    Argument argument;
    Value (*get)(const Scene& scene, const Value* argument); // argument: null if left out
    const char* sentence;
};

struct Field {
    Kind of;
    const char* name;
    Kind kind;
    Argument argument;
    Value (*get)(const Scene& scene, const Value& object, const Value* argument); // object is known and of kind `of`
    const char* sentence;
};

std::span<const Root> root_table();
std::span<const Field> field_table();
// Every object has this field too: whether it can be known at all.
inline constexpr std::string_view exists_field = "exists";

enum class NodeType { literal, all_of, any_of, negation, comparison, has, sum, difference, root, field, exists };
enum class Comparison { equal, not_equal, less, less_or_equal, greater, greater_or_equal };

struct ExpressionNode {
    NodeType type = NodeType::literal;
    Kind kind = Kind::truth;
    std::size_t begin = 0, end = 0; // of the piece, as offsets in the expression
    Value value = false; // literal; for the root "phase", its query
    Comparison comparison = Comparison::equal;
    const Root* root = nullptr;
    const Field* field = nullptr;
    // all_of, any_of: two or more; negation, exists: one; two for comparison, has, sum, difference;
    // root: the argument, if any; field: the object, then the argument, if any.
    std::vector<std::unique_ptr<ExpressionNode>> children;
};

// One node's value and those of its children, in the order of ExpressionNode::children.
struct Evaluated {
    const ExpressionNode* node = nullptr;
    Value value;
    std::vector<Evaluated> children;

    Truth truth() const
    {
        const auto* known = std::get_if<bool>(&value);
        return known == nullptr ? Truth::unknown : *known ? Truth::yes : Truth::no;
    }
};

Evaluated evaluate_node(const ExpressionNode& node, const Scene& scene);
// Why `evaluated` is not true; "" if it is.
std::string refusal_of(const Evaluated& evaluated, std::string_view source);
Explanation explanation_of(const Evaluated& evaluated, std::string_view source);
// Whether one time that a phase was seen is among those that the query means.
bool matches(const PhaseQuery& query, const SeenPhase& seen);
// The value of the phase's argument of this name ("signal", "rip"), by abi::phase_table.
std::optional<std::uint64_t> argument_of(const SeenPhase& seen, std::string_view name);

} // namespace orrery::inspector::lessons
