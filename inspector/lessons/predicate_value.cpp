// Values and kinds in words.
#include "inspector/lessons/predicate_value.h"
#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

#include <bit>

#include "inspector/lessons/predicate.h"

namespace orrery::inspector::lessons {

namespace {

std::string number_in_words(Number number, Kind kind)
{
    const bool negative = number < 0;
    const auto magnitude = static_cast<unsigned __int128>(negative ? -number : number);
    if (magnitude >> 64 != 0) return negative ? "less than -2^64" : "more than 2^64";
    const auto value = static_cast<std::uint64_t>(magnitude);
    if (kind == Kind::signal && !negative) {
        if (value == 0) return "no signal";
        if (value <= abi::signal_count) return signal_in_words(static_cast<int>(value));
    }
    if (kind == Kind::address) return (negative ? "-" : "") + hex(value);
    return compose("{}{}", negative ? "-" : "", value);
}

} // namespace

const char* in_words(Kind kind)
{
    switch (kind) {
#define X(name, words)                                                                                                 \
    case Kind::name: return words;
        ORRERY_PREDICATE_KINDS(X)
#undef X
    }
    return "nothing";
}

std::string signal_in_words(int signal)
{
    if (signal >= abi::first_realtime_signal && signal <= abi::signal_count)
        return signal == abi::first_realtime_signal ? "SIGRTMIN"
                                                    : compose("SIGRTMIN+{}", signal - abi::first_realtime_signal);
    const std::string_view name = abi::signal_name(signal);
    return name == "unknown" ? compose("signal {}", signal) : std::string(name);
}

std::string signal_set_in_words(std::uint64_t set)
{
    std::string words = "{";
    for (auto rest = set; rest != 0; rest &= rest - 1) {
        if (rest != set) words += ", ";
        words += signal_in_words(std::countr_zero(rest) + 1);
    }
    // An allowset is usually nearly full: what is missing says more than what is there.
    if (std::popcount(set) > 32) {
        if (set == ~std::uint64_t { 0 }) return "all signals";
        return "all signals but " + signal_set_in_words(~set);
    }
    return words + "}";
}

std::string in_words(const Value& value, Kind kind)
{
    if (const auto* reason = std::get_if<Unknown>(&value)) return "unknown: " + reason->why;
    if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
    if (const auto* number = std::get_if<Number>(&value)) return number_in_words(*number, kind);
    if (const auto* set = std::get_if<SignalSet>(&value)) return signal_set_in_words(set->bits);
    if (const auto* text = std::get_if<std::string>(&value)) return '"' + *text + '"';
    return in_words(kind);
}

int signal_of_name(std::string_view name)
{
#define X(number, NAME, action, sentence)                                                                              \
    if (name == #NAME) return number;
    ORRERY_SIGNALS(X)
#undef X
    if (name == "SIGRTMIN") return abi::first_realtime_signal;
    if (name == "SIGRTMAX") return abi::signal_count;
    return 0;
}

std::optional<abi::Phase> phase_of_name(std::string_view name)
{
    for (std::size_t index = 0; index < abi::phase_count; ++index)
        if (name == abi::phase_table[index].step_name) return static_cast<abi::Phase>(index);
    return std::nullopt;
}

} // namespace orrery::inspector::lessons
