// The one small expression language over a snapshot and the phases seen: checks, semantic breakpoints and the grader
// use it. `thread("ping").pending has SIGUSR1 and not thread("ping").allowset has SIGUSR1`.
//
//   expression := or ; or := and { "or" and } ; and := not { "and" not } ; not := "not" not | comparison
//   comparison := sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "has") sum ] ; sum := term { ("+" | "-") term }
//   term       := number | "text" | true | false | SIGNAME | "{" [ signal { "," signal } ] "}" | "(" expression ")"
//               | root [ "(" arguments ")" ] { "." field [ "(" argument ")" ] }
//
// Signals come from abi::ORRERY_SIGNALS, phases from abi::ORRERY_PHASES; roots and fields from the table in
// predicate_fields.cpp, which predicate_reference() prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/lessons/scene.h"

namespace orrery::inspector::lessons {

// Three values, because what can't be known must not count as true, not even under `not`.
enum class Truth { no, yes, unknown };

// One node of the answer to "why": the piece of the expression, its value in words, and what it was made of.
struct Explanation {
    std::string source; // the piece of the expression, as written
    std::string value; // "true", "{SIGUSR1}", "3", "unknown: there is no thread named ping"
    std::vector<Explanation> parts;
};

struct Evaluation {
    Truth truth = Truth::unknown; // of the whole; unknown if the expression is a value that is not true or false
    std::string value; // the whole's value in words
    // Why it does not hold, without a full stop: "thread ping's allowset has SIGUSR1 (it should not); thread ping's
    // pending = {SIGUSR1}". "" if it holds or is not a truth.
    std::string refusal;
    Explanation explanation;

    bool holds() const { return truth == Truth::yes; }
};

struct ExpressionNode; // predicate_syntax.h

// A parsed expression: immutable, cheap to copy, safe to evaluate from any thread.
class Predicate {
public:
    static constexpr std::size_t maximum_length = 4096; // bytes of source
    static constexpr std::size_t maximum_depth = 48; // of nesting
    static constexpr std::size_t maximum_nodes = 512;

    // Any expression, also one that is a value (a prediction's answer). Errors: one sentence with the column (from 1)
    // and what was expected there.
    static Result<Predicate> parse(std::string_view source);
    // As parse, but the expression must be true or false.
    static Result<Predicate> parse_condition(std::string_view source);

    // Time is bounded by nodes x (threads + phases seen). Never fails: see Truth::unknown.
    Evaluation evaluate(const Scene& scene) const;
    const std::string& source() const { return source_; }
    // Every phase that the expression counts or looks at: the ones that a machine must watch for it.
    const std::vector<abi::Phase>& phases() const { return phases_; }

private:
    std::string source_;
    std::shared_ptr<const ExpressionNode> root_;
    std::vector<abi::Phase> phases_;
};

// "signal.handled" -> abi::Phase, by abi::phase_table; nothing if there is no such phase.
std::optional<abi::Phase> phase_of_name(std::string_view name);
// SIGHUP..SIGSYS by abi::ORRERY_SIGNALS, SIGRTMIN, SIGRTMIN+1.. is written with a sum; 0 if there is no such signal.
int signal_of_name(std::string_view name);
// "SIGUSR1", "SIGRTMIN+2".
std::string signal_in_words(int signal);
// "{SIGUSR1, SIGUSR2}"; "all signals but {...}" for a set of more than half.
std::string signal_set_in_words(std::uint64_t set);
// Every root and field with its kind and sentence, as Markdown; made from the table that the parser uses.
std::string predicate_reference();

} // namespace orrery::inspector::lessons
