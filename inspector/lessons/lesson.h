// A lesson as data: text, a program, steps, and the wrong solutions that must be refused. Made by load_lesson().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "inspector/core/result.h"
#include "inspector/lessons/predicate.h"

namespace orrery::inspector::lessons {

// "Run until": the machine goes on until it stands at one of `phases` and `where` holds there, or the program ends.
struct Destination {
    std::vector<abi::Phase> phases; // empty: until the program has ended
    std::optional<Predicate> where; // a condition, tested at each of the phases
    std::uint64_t budget = 0; // guest instructions, after which the step has failed
    std::string in_words() const; // "until signal.handled where here.signal == SIGUSR1"
};

struct ReadStep { };

struct GotoStep {
    Destination destination;
};

// A question that is answered before the machine moves. The right answer is a literal, or the value of an expression
// on the machine once it has arrived.
struct PredictStep {
    std::string question;
    std::vector<std::string> choices; // empty: a free value (number, signal name, yes or no)
    std::optional<Predicate> answer_expression;
    std::string answer_literal; // used if there is no expression
    std::optional<Destination> destination; // where the machine goes before the answer is revealed
    std::string because; // shown with the right answer
};

struct CheckStep {
    Predicate holds;
    std::vector<std::string> hints; // one more after every refusal
    std::string refusal; // the lesson's own sentence before the explanation; may be ""
};

struct Step {
    std::string id; // unique in the lesson
    std::string title; // for people
    std::string text; // Markdown, the step's section of text.md; "" if it has none
    unsigned points = 0;
    std::variant<ReadStep, GotoStep, PredictStep, CheckStep> action;
};

struct Mutant { // a wrong solution
    std::string name;
    std::filesystem::path directory;
    std::string sentence; // what is wrong with it
    std::vector<std::string> refused_by; // ids of steps, all of which must fail
};

struct LessonProgram {
    std::string name; // of the program in the guest: SpaceView::name
    std::vector<std::string> sources; // file names in starter/, solution/ and a submission
};

struct LessonMachineSettings {
    unsigned cpus = 1;
    unsigned memory_mib = 128;
    std::uint64_t budget = 0; // guest instructions for the whole run
    // At which the grader stops in all: a program that signals itself for ever must not be graded for ever.
    std::size_t phases = 1000;
};

struct Lesson {
    std::filesystem::path directory;
    std::string id, title, summary;
    std::string introduction; // Markdown of text.md before its first section
    LessonProgram program;
    LessonMachineSettings machine;
    std::filesystem::path starter, solution;
    std::vector<Mutant> mutants;
    std::vector<Step> steps;

    unsigned points_possible() const;
    // Phases that any step stops at or counts: the machine watches all of them, so that the history is whole.
    std::vector<abi::Phase> watched_phases() const;
};
using LessonPointer = std::shared_ptr<const Lesson>;

// Reads and checks `directory`/lesson.json and all that it names: against the schema, and then for sense. The first
// mistake is the error: one sentence with file and place. Safe for hostile input: files are regular, inside
// `directory` (symbolic links are followed only within it), and at most a mebibyte each.
Result<LessonPointer> load_lesson(const std::filesystem::path& directory);

struct LessonListing {
    std::filesystem::path directory;
    std::string id, title, summary;
    std::string problem; // the sentence, if the lesson can't be loaded
};
// Every NN-name folder of `directory` that has a lesson.json, by name.
Result<std::vector<LessonListing>> list_lessons(const std::filesystem::path& directory);

} // namespace orrery::inspector::lessons
