// Any bytes as a predicate: parsing ends in a tree or a sentence with a column, and a tree can always be evaluated and
// explained.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/host/lessons/sample.h"

using namespace orrery::inspector::lessons;
namespace inspector = orrery::inspector;

namespace {

void require(bool condition, std::string_view what, std::string_view source)
{
    if (condition) return;
    std::cerr << what << ": " << source << '\n';
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const inspector::Snapshot snapshot = [] {
        auto made = sample_snapshot();
        made.rings[0].producer.index = 3; // used() wraps
        return made;
    }();
    static const PhaseHistory history = [] {
        PhaseHistory made;
        made.add(seen(orrery::abi::Phase::signal_raised, "ping", 3, 10, 4));
        made.add(seen(orrery::abi::Phase::ring_pushed, "ping", 1, 4, ~std::uint64_t { 0 }));
        return made;
    }();
    static const SampleNames names;

    const std::string_view source(reinterpret_cast<const char*>(data), size);
    const auto predicate = Predicate::parse(source);
    if (!predicate) {
        const auto& sentence = predicate.error().sentence;
        require(sentence.starts_with("column ") || sentence.starts_with("the expression has "), sentence, source);
        require(sentence.size() < 2000, "the sentence is too long", source);
        return 0;
    }
    for (const auto& scene : { Scene {}, Scene { &snapshot, &history, &history.events()[0], &names, "ping" } }) {
        const auto evaluation = predicate->evaluate(scene);
        require(evaluation.truth != Truth::yes || evaluation.refusal.empty(), "it holds and is refused", source);
        require(!evaluation.value.empty() && !evaluation.explanation.value.empty(), "it has no value", source);
    }
    // What was parsed once is parsed again, in parentheses too, and means the same.
    if (source.size() < inspector::lessons::Predicate::maximum_length - 2) {
        const auto again = Predicate::parse("(" + std::string(source) + ")");
        const Scene scene { &snapshot, &history, nullptr, &names, "ping" };
        if (again)
            require(again->evaluate(scene).value == predicate->evaluate(scene).value, "parentheses changed it", source);
    }
    return 0;
}
