// Recursive descent over the tokens, with kinds checked on the way, so that a lesson's mistake is found when the
// lesson is loaded and not when a student gets there.
#include <algorithm>
#include <utility>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/predicate_syntax.h"

namespace orrery::inspector::lessons {

namespace {

using Node = std::unique_ptr<ExpressionNode>;

class Parser {
public:
    Parser(std::string_view source, std::vector<Token> tokens)
        : source_(source)
        , tokens_(std::move(tokens))
    {
    }

    Result<Node> whole()
    {
        auto node = any_of();
        if (!node) return node;
        if (peek().type != TokenType::end) return expected("and, or, a comparison, or the end");
        if (is_object((*node)->kind)) return needs_field(**node);
        return node;
    }

    std::vector<abi::Phase> phases() && { return std::move(phases_); }

private:
    // Counts open productions, so that hostile nesting ends in a sentence and not on the stack.
    struct Depth {
        explicit Depth(Parser& parser)
            : parser(parser)
        {
            ++parser.depth_;
        }
        ~Depth() { --parser.depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;
        Parser& parser;
    };

    const Token& peek() const { return tokens_[next_]; }
    const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
    bool at_word(std::string_view word) const { return peek().type == TokenType::name && peek().source == word; }
    bool at_symbol(std::string_view symbol) const
    {
        return peek().type == TokenType::symbol && peek().source == symbol;
    }
    bool accept_symbol(std::string_view symbol) { return at_symbol(symbol) && (take(), true); }

    std::string found() const
    {
        if (peek().type == TokenType::end) return "the end";
        return compose("\"{}\"", printable(source_.substr(peek().begin, peek().end - peek().begin), 40));
    }
    std::unexpected<Error> expected(std::string_view what) const
    {
        return failure(compose("column {}: expected {}, found {}", peek().begin + 1, what, found()));
    }
    std::unexpected<Error> too_deep() const
    {
        return failure(compose(
            "column {}: the expression is nested more than {} deep", peek().begin + 1, Predicate::maximum_depth));
    }
    std::string text_of(const ExpressionNode& node) const
    {
        return printable(source_.substr(node.begin, node.end - node.begin), 60);
    }
    std::unexpected<Error> wrong_kind(const ExpressionNode& node, std::string_view wanted) const
    {
        return failure(compose(
            "column {}: expected {}, but `{}` is {}", node.begin + 1, wanted, text_of(node), in_words(node.kind)));
    }
    std::unexpected<Error> needs_field(const ExpressionNode& node) const
    {
        return failure(compose("column {}: `{}` is {}, not a value: expected one of its fields after it ({})",
            node.begin + 1, text_of(node), in_words(node.kind), fields_of(node.kind)));
    }
    static std::string fields_of(Kind kind)
    {
        std::string names;
        for (const auto& field : field_table())
            if (field.of == kind) names += compose(".{}, ", field.name);
        return names + "." + std::string(exists_field);
    }

    Result<Node> make(NodeType type, Kind kind, std::size_t begin)
    {
        if (++nodes_ > Predicate::maximum_nodes)
            return failure(
                compose("column {}: the expression has more than {} parts", begin + 1, Predicate::maximum_nodes));
        auto node = std::make_unique<ExpressionNode>();
        node->type = type;
        node->kind = kind;
        node->begin = begin;
        node->end = tokens_[next_ == 0 ? 0 : next_ - 1].end;
        return node;
    }

    Result<Node> chain(std::string_view word, NodeType type, Result<Node> (Parser::*operand)())
    {
        auto first = (this->*operand)();
        if (!first || !at_word(word)) return first;
        std::vector<Node> children;
        children.push_back(std::move(*first));
        while (at_word(word)) {
            take();
            auto next = (this->*operand)();
            if (!next) return next;
            children.push_back(std::move(*next));
        }
        for (const auto& child : children)
            if (child->kind != Kind::truth) return wrong_kind(*child, compose("a condition beside `{}`", word));
        auto node = make(type, Kind::truth, children.front()->begin);
        if (node) (*node)->children = std::move(children);
        return node;
    }

    Result<Node> any_of() { return chain("or", NodeType::any_of, &Parser::all_of); }
    Result<Node> all_of() { return chain("and", NodeType::all_of, &Parser::negation); }

    Result<Node> negation()
    {
        if (!at_word("not")) return comparison();
        const Depth depth(*this);
        if (depth_ > Predicate::maximum_depth) return too_deep();
        const auto begin = take().begin;
        auto operand = negation();
        if (!operand) return operand;
        if ((*operand)->kind != Kind::truth) return wrong_kind(**operand, "a condition after `not`");
        auto node = make(NodeType::negation, Kind::truth, begin);
        if (node) (*node)->children.push_back(std::move(*operand));
        return node;
    }

    Result<Node> comparison()
    {
        auto left = sum();
        if (!left) return left;
        static constexpr std::pair<std::string_view, Comparison> operators[] = {
            { "==", Comparison::equal },
            { "!=", Comparison::not_equal },
            { "<", Comparison::less },
            { "<=", Comparison::less_or_equal },
            { ">", Comparison::greater },
            { ">=", Comparison::greater_or_equal },
        };
        if (at_symbol("=")) return expected("== (one = only sets a filter inside phase(...))");
        if (at_word("has")) {
            take();
            auto right = sum();
            if (!right) return right;
            if ((*left)->kind != Kind::signals) return wrong_kind(**left, "a set of signals before `has`");
            if ((*right)->kind != Kind::signal && (*right)->kind != Kind::signals)
                return wrong_kind(**right, "a signal after `has`");
            return pair(NodeType::has, Kind::truth, std::move(*left), std::move(*right));
        }
        for (const auto& [symbol, comparison] : operators) {
            if (!accept_symbol(symbol)) continue;
            auto right = sum();
            if (!right) return right;
            if (auto problem = check_comparison(**left, symbol, **right); !problem)
                return std::unexpected(problem.error());
            auto node = pair(NodeType::comparison, Kind::truth, std::move(*left), std::move(*right));
            if (node) (*node)->comparison = comparison;
            return node;
        }
        return left;
    }

    Result<void> check_comparison(ExpressionNode& left, std::string_view symbol, ExpressionNode& right) const
    {
        if (is_object(left.kind)) return needs_field(left);
        if (is_object(right.kind)) return needs_field(right);
        if (is_numeric(left.kind) && is_numeric(right.kind)) return {};
        if (auto problem = check_phase_text(left, right); !problem) return problem;
        if (auto problem = check_phase_text(right, left); !problem) return problem;
        if (left.kind != right.kind) return wrong_kind(right, std::string(in_words(left.kind)) + " to compare with");
        if (symbol != "==" && symbol != "!=")
            return failure(compose("column {}: `{}` orders numbers; `{}` is {}, which knows only == and !=",
                left.begin + 1, symbol, text_of(left), in_words(left.kind)));
        return {};
    }

    // A text that is compared with a phase must name one.
    Result<void> check_phase_text(const ExpressionNode& phase, ExpressionNode& text) const
    {
        if (phase.kind != Kind::phase || text.kind != Kind::text || text.type != NodeType::literal) return {};
        const auto& name = std::get<std::string>(text.value);
        if (!phase_of_name(name)) return unknown_phase(text.begin, name);
        text.kind = Kind::phase;
        return {};
    }

    static std::unexpected<Error> unknown_phase(std::size_t at, std::string_view name)
    {
        std::string names;
        for (const auto& phase : abi::phase_table)
            names += (names.empty() ? "" : ", ") + std::string(phase.step_name);
        return failure(
            compose("column {}: there is no phase \"{}\"; expected one of {}", at + 1, printable(name, 40), names));
    }

    Result<Node> pair(NodeType type, Kind kind, Node left, Node right)
    {
        auto node = make(type, kind, left->begin);
        if (!node) return node;
        (*node)->children.push_back(std::move(left));
        (*node)->children.push_back(std::move(right));
        return node;
    }

    Result<Node> sum()
    {
        auto left = term();
        while (left && (at_symbol("+") || at_symbol("-"))) {
            const auto type = take().source == "+" ? NodeType::sum : NodeType::difference;
            auto right = term();
            if (!right) return right;
            for (const auto* side : { left->get(), right->get() })
                if (!is_numeric(side->kind)) return wrong_kind(*side, "a number beside + or -");
            const bool is_address = (*left)->kind == Kind::address || (*right)->kind == Kind::address;
            const auto kind = is_address ? Kind::address : (*left)->kind;
            left = pair(type, kind, std::move(*left), std::move(*right));
        }
        return left;
    }

    Result<Node> literal(Kind kind, Value value)
    {
        const auto begin = take().begin;
        auto node = make(NodeType::literal, kind, begin);
        if (node) (*node)->value = std::move(value);
        return node;
    }

    Result<Node> term()
    {
        const Depth depth(*this);
        if (depth_ > Predicate::maximum_depth) return too_deep();
        const auto& token = peek();
        if (token.type == TokenType::number) return literal(Kind::number, token.number);
        if (token.type == TokenType::text) return literal(Kind::text, std::string(token.source));
        if (at_symbol("{")) return set();
        if (at_symbol("(")) {
            const auto begin = take().begin;
            auto inner = any_of();
            if (!inner) return inner;
            if (!accept_symbol(")")) return expected("`)` for the `(` in column " + std::to_string(begin + 1));
            return inner;
        }
        if (token.type != TokenType::name)
            return expected("a value (a number, \"text\", a signal, or thread, frame, ring, phase, ...)");
        if (token.source == "true" || token.source == "false") return literal(Kind::truth, token.source == "true");
        if (const auto signal = signal_of_name(token.source)) return literal(Kind::signal, Number { signal });
        if (token.source.starts_with("SIG")) return expected("a signal's name (SIGHUP to SIGSYS, SIGRTMIN, SIGRTMAX)");
        return path();
    }

    Result<Node> set()
    {
        const auto begin = take().begin;
        SignalSet set;
        while (!at_symbol("}")) {
            const auto signal = peek().type == TokenType::name ? signal_of_name(peek().source) : 0;
            if (signal == 0) return expected("a signal's name or `}`");
            set.bits |= abi::signal_mask64(signal);
            take();
            if (!accept_symbol(",") && !at_symbol("}")) return expected("`,` or `}`");
        }
        take();
        auto node = make(NodeType::literal, Kind::signals, begin);
        if (node) (*node)->value = set;
        return node;
    }

    Result<Node> path()
    {
        const auto& token = take();
        const auto roots = root_table();
        const auto root = std::ranges::find_if(roots, [&](const Root& r) { return token.source == r.name; });
        if (root == roots.end()) {
            std::string names;
            for (const auto& known : roots)
                names += compose("{}{}", names.empty() ? "" : ", ", known.name);
            return failure(compose("column {}: there is no \"{}\"; expected one of {}", token.begin + 1,
                printable(token.source, 40), names));
        }
        auto node = make(NodeType::root, root->kind, token.begin);
        if (!node) return node;
        (*node)->root = &*root;
        if (auto done = argument_of(root->argument, root->name, **node); !done) return std::unexpected(done.error());
        return fields(std::move(*node));
    }

    Result<Node> fields(Node object)
    {
        while (at_symbol(".")) {
            take();
            const auto& token = peek();
            if (token.type != TokenType::name) return expected("a field's name after the dot");
            if (!is_object(object->kind))
                return failure(compose("column {}: `{}` is {} and has no fields", token.begin + 1, text_of(*object),
                    in_words(object->kind)));
            take();
            const auto begin = object->begin;
            if (token.source == exists_field) {
                auto node = make(NodeType::exists, Kind::truth, begin);
                if (!node) return node;
                (*node)->children.push_back(std::move(object));
                object = std::move(*node);
                continue;
            }
            const auto table = field_table();
            const auto field = std::ranges::find_if(
                table, [&](const Field& f) { return f.of == object->kind && token.source == f.name; });
            if (field == table.end())
                return failure(compose("column {}: {} has no field \"{}\"; expected one of {}", token.begin + 1,
                    in_words(object->kind), printable(token.source, 40), fields_of(object->kind)));
            auto node = make(NodeType::field, field->kind, begin);
            if (!node) return node;
            (*node)->field = &*field;
            (*node)->children.push_back(std::move(object));
            if (auto done = argument_of(field->argument, field->name, **node); !done)
                return std::unexpected(done.error());
            object = std::move(*node);
        }
        return object;
    }

    // Parses what stands in the parentheses after `name` and appends it to `node`.
    Result<void> argument_of(Argument argument, const char* name, ExpressionNode& node)
    {
        const bool optional = argument == Argument::optional_name_or_number || argument == Argument::optional_number;
        if (argument == Argument::none || (optional && !at_symbol("("))) {
            if (at_symbol("(")) return failure(compose("column {}: {} takes no argument", peek().begin + 1, name));
            return {};
        }
        if (!accept_symbol("(")) return expected(compose("`(` after {}", name));
        if (argument == Argument::phase) {
            auto query = phase_query(node);
            if (!query) return query;
        } else if (argument == Argument::symbol) {
            if (peek().type != TokenType::text) return expected("a quoted name of the program");
            auto value = term();
            if (!value) return std::unexpected(value.error());
            node.children.push_back(std::move(*value));
        } else {
            const bool takes_text =
                argument == Argument::name_or_number || argument == Argument::optional_name_or_number;
            auto value = sum();
            if (!value) return std::unexpected(value.error());
            const auto kind = (*value)->kind;
            const bool fits = argument == Argument::signal ? kind == Kind::signal
                                                           : kind == Kind::number || (takes_text && kind == Kind::text);
            if (!fits)
                return wrong_kind(**value,
                    argument == Argument::signal ? "a signal in the parentheses"
                        : takes_text             ? "a quoted name or a number in the parentheses"
                                                 : "a number in the parentheses");
            node.children.push_back(std::move(*value));
        }
        if (!accept_symbol(")")) return expected("`)`");
        node.end = tokens_[next_ - 1].end;
        return {};
    }

    // "signal.handled" { "," ("signal" | "thread" | "ring") "=" literal }
    Result<void> phase_query(ExpressionNode& node)
    {
        if (peek().type != TokenType::text) return expected("a phase's name in quotes, such as \"signal.handled\"");
        const auto& name = take();
        const auto phase = phase_of_name(name.source);
        if (!phase) return unknown_phase(name.begin, name.source);
        PhaseQuery query { .phase = *phase, .signal = {}, .thread_name = {}, .ring = {} };
        while (accept_symbol(",")) {
            const auto filter = peek().source;
            if (!at_word("signal") && !at_word("thread") && !at_word("ring"))
                return expected("a filter: signal = SIGUSR1, thread = \"name\", or ring = 1");
            take();
            if (!accept_symbol("=")) return expected("`=`");
            const auto& value = peek();
            if (filter == "signal") {
                query.signal = value.type == TokenType::name ? signal_of_name(value.source) : 0;
                if (*query.signal == 0) return expected("a signal's name");
            } else if (filter == "thread") {
                if (value.type != TokenType::text) return expected("a thread's name in quotes");
                query.thread_name = value.source;
            } else {
                if (value.type != TokenType::number) return expected("a ring's number");
                query.ring = static_cast<std::uint64_t>(value.number);
            }
            take();
        }
        if (std::ranges::find(phases_, *phase) == phases_.end()) phases_.push_back(*phase);
        node.value = std::move(query);
        return {};
    }

    std::string_view source_;
    std::vector<Token> tokens_;
    std::vector<abi::Phase> phases_;
    std::size_t next_ = 0, depth_ = 0, nodes_ = 0;
};

} // namespace

Result<Predicate> Predicate::parse(std::string_view source)
{
    if (source.size() > maximum_length)
        return failure(compose("the expression has {} bytes; at most {} are allowed", source.size(), maximum_length));
    Predicate predicate;
    predicate.source_ = source;
    auto tokens = tokenize(predicate.source_);
    if (!tokens) return std::unexpected(tokens.error());
    Parser parser(predicate.source_, std::move(*tokens));
    auto root = parser.whole();
    if (!root) return std::unexpected(root.error());
    predicate.root_ = std::move(*root);
    predicate.phases_ = std::move(parser).phases();
    return predicate;
}

Result<Predicate> Predicate::parse_condition(std::string_view source)
{
    auto predicate = parse(source);
    if (predicate && predicate->root_->kind != Kind::truth)
        return failure(compose("column 1: expected a condition, but the expression is {}: compare it with something",
            in_words(predicate->root_->kind)));
    return predicate;
}

Evaluation Predicate::evaluate(const Scene& scene) const
{
    if (root_ == nullptr) return {};
    const auto evaluated = evaluate_node(*root_, scene);
    return {
        .truth = evaluated.truth(),
        .value = in_words(evaluated.value, root_->kind),
        .refusal = root_->kind == Kind::truth ? refusal_of(evaluated, source_) : "",
        .explanation = explanation_of(evaluated, source_),
    };
}

} // namespace orrery::inspector::lessons
