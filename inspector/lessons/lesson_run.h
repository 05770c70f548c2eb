// One student's way through one lesson, as a state machine without any I/O: it says what it needs next (reading, an
// answer, a move of the machine, a look at the machine), and is told what happened. The window's lesson dock drives
// it from its event loop, walk_lesson() from the grader.
//
//   while (run.need() != Need::nothing)
//       switch (run.need()) {
//       case Need::reading:  show run.current()->text; on "next": run.advance();
//       case Need::answer:   show question and choices; on "answer": run.answer(text);
//       case Need::movement: m = run.movement(); move the machine to any of m->phases; run.machine_stopped(stop);
//       case Need::look:     run.look(stop.snapshot, names); shows a verdict; then run.advance() or run.look() again;
//       }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/lessons/lesson.h"

namespace orrery::inspector::lessons {

enum class Need {
    reading, // the student reads current()->text, or a verdict: advance()
    answer, // the student answers a prediction: answer()
    movement, // the machine moves: movement(), machine_stopped()
    look, // a check or a prediction's answer is evaluated on the stopped machine: look()
    nothing, // the lesson is over
};

enum class StepState { ahead, current, passed, failed, skipped };

struct StepResult {
    StepState state = StepState::ahead;
    unsigned points = 0; // earned
    unsigned attempts = 0; // of a check or prediction
    std::string sentence; // the verdict, for people: "refused: ...", "arrived at ...", "" while ahead
    std::vector<std::string> hints_shown;
    std::string answer; // prediction: the student's
    std::string right_answer; // prediction: once revealed
    std::optional<Explanation> explanation; // check: values behind the verdict
};

struct Movement {
    std::vector<abi::Phase> phases; // stop at any of these (the destination's and every watched one)
    std::string program; // SpaceView::name of the lesson's program; phases of others go into the history too
    std::uint64_t budget = 0; // guest instructions that are left
    std::string in_words; // "runs until signal.handled where ..."
};

// Where a move of the machine ended.
struct MachineStop {
    enum class Reason {
        phase, // at `phase`
        ended, // the program (or the whole machine) has ended: exit status in the snapshot
        out_of_budget, // the budget of instructions is used up
        lost, // the machine can't go on: `sentence` says why
    };
    Reason reason = Reason::lost;
    std::optional<SeenPhase> phase;
    SnapshotPointer snapshot;
    std::uint64_t instructions = 0; // guest instructions that the move took; 0 = not counted
    std::string sentence;
};

enum class Verdict {
    go_on, // not there yet: move again with the new movement()
    arrived, // the destination is reached; need() has changed
    passed, // check or prediction is right
    refused, // check or prediction is wrong; sentence and hints are in result()
    unusable, // the call does not fit need(); nothing has changed
};

struct Outcome {
    Verdict verdict = Verdict::unusable;
    std::string sentence;
};

struct Score {
    unsigned points = 0, possible = 0; // possible: without the skipped steps
    std::size_t passed = 0, failed = 0, steps = 0;
};

class LessonRun {
public:
    explicit LessonRun(LessonPointer lesson);

    const Lesson& lesson() const { return *lesson_; }
    std::size_t position() const { return position_; } // index of the current step; steps.size() at the end
    const Step* current() const; // null at the end
    Need need() const { return need_; }
    const StepResult& result(std::size_t step) const { return results_[step]; }
    Score score() const;
    const PhaseHistory& history() const { return history_; }

    // Need::reading: to the next step. Also after a refused check or a wrong prediction: leaves it failed and goes on.
    Outcome advance();
    // Need::answer. Accepts a choice (its text, or its number from 1) or a free value; an empty or impossible answer
    // is `unusable` with a sentence and is asked again.
    Outcome answer(std::string_view text);
    // Need::answer, when nobody is there to ask: the machine moves all the same, and the points count for nobody.
    Outcome decline();
    // Need::movement: what the machine should do; nothing otherwise.
    std::optional<Movement> movement() const;
    // Tells of a stop. At any time: a phase that the student stepped to by hand is put into the history as well, and
    // ends a movement if it is the destination.
    Outcome machine_stopped(const MachineStop& stop, const ProgramNames* names = nullptr);
    // Need::look: evaluates the check, or reveals the prediction's answer, on a stopped machine.
    Outcome look(const SnapshotPointer& snapshot, const ProgramNames* names = nullptr);
    // Need::look after a refusal: the next hint, "" if there is none left.
    std::string next_hint();

    // The student changed the program and the machine starts again: back to the first step; attempts and hints stay.
    void restart();

private:
    void enter(std::size_t step);
    void settle(StepState state, std::string sentence);
    Outcome arrive(const SnapshotPointer& snapshot, const ProgramNames* names);
    Outcome fall_short(const MachineStop& stop, const ProgramNames* names);
    Outcome reveal(const SnapshotPointer& snapshot, const ProgramNames* names);
    Outcome check(const CheckStep& step, const SnapshotPointer& snapshot, const ProgramNames* names);
    void record(const SeenPhase& phase, const SnapshotPointer& snapshot);
    bool is_at_destination(const SnapshotPointer& snapshot, const ProgramNames* names) const;
    Scene scene(const SnapshotPointer& snapshot, const ProgramNames* names) const;
    const Destination* destination() const;

    LessonPointer lesson_;
    std::vector<StepResult> results_;
    std::vector<abi::Phase> watched_;
    PhaseHistory history_;
    std::optional<SeenPhase> here_;
    bool program_ended_ = false;
    std::size_t position_ = 0;
    std::uint64_t budget_left_ = 0; // of the current destination
    std::uint64_t total_left_ = 0; // of the whole run
    Need need_ = Need::nothing;
};

} // namespace orrery::inspector::lessons
