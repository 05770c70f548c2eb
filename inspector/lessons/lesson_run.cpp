// The steps of a lesson, one after the other: what is needed now, and what an answer, a stop or a look leads to.
#include "inspector/lessons/lesson_run.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "inspector/core/text.h"
#include "inspector/lessons/answer.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

const char* name_of(abi::Phase phase) { return abi::phase_table[static_cast<std::size_t>(phase)].step_name; }

std::string end_in_words(const std::string& program, const Scene& scene)
{
    const auto by_signal = Predicate::parse("exit.signal != 0")->evaluate(scene);
    if (by_signal.holds())
        return compose("{} was ended by {}", program, Predicate::parse("exit.signal")->evaluate(scene).value);
    const auto status = Predicate::parse("exit.status")->evaluate(scene);
    if (status.value.starts_with("unknown")) return compose("{} has ended", program);
    return compose("{} has ended with exit status {}", program, status.value);
}

Outcome unusable(std::string sentence) { return { Verdict::unusable, std::move(sentence) }; }

} // namespace

LessonRun::LessonRun(LessonPointer lesson)
    : lesson_(std::move(lesson))
    , results_(lesson_->steps.size())
    , watched_(lesson_->watched_phases())
    , total_left_(lesson_->machine.budget)
{
    enter(0);
}

const Step* LessonRun::current() const
{
    return position_ < lesson_->steps.size() ? &lesson_->steps[position_] : nullptr;
}

Score LessonRun::score() const
{
    Score score;
    score.steps = results_.size();
    for (std::size_t index = 0; index < results_.size(); ++index) {
        const auto& result = results_[index];
        if (result.state != StepState::skipped) score.possible += lesson_->steps[index].points;
        score.points += result.points;
        score.passed += result.state == StepState::passed;
        score.failed += result.state == StepState::failed;
    }
    return score;
}

void LessonRun::enter(std::size_t step)
{
    position_ = step;
    if (current() == nullptr) {
        need_ = Need::nothing;
        return;
    }
    // A check that was refused before the program was changed starts afresh, but keeps its count and its hints.
    auto& result = results_[step];
    result.state = StepState::current;
    result.points = 0;
    result.sentence.clear();
    result.explanation.reset();
    const auto& action = current()->action;
    if (std::holds_alternative<ReadStep>(action)) need_ = Need::reading;
    if (std::holds_alternative<CheckStep>(action)) need_ = Need::look;
    if (std::holds_alternative<PredictStep>(action)) need_ = Need::answer;
    if (std::holds_alternative<GotoStep>(action)) {
        need_ = Need::movement;
        budget_left_ = destination()->budget;
    }
}

void LessonRun::settle(StepState state, std::string sentence)
{
    auto& result = results_[position_];
    result.state = state;
    result.points = state == StepState::passed ? current()->points : 0;
    result.sentence = std::move(sentence);
    need_ = Need::reading;
}

const Destination* LessonRun::destination() const
{
    if (current() == nullptr) return nullptr;
    if (const auto* go = std::get_if<GotoStep>(&current()->action)) return &go->destination;
    if (const auto* predict = std::get_if<PredictStep>(&current()->action))
        return predict->destination ? &*predict->destination : nullptr;
    return nullptr;
}

Scene LessonRun::scene(const SnapshotPointer& snapshot, const ProgramNames* names) const
{
    return { snapshot.get(), &history_, here_ ? &*here_ : nullptr, names, lesson_->program.name };
}

Outcome LessonRun::advance()
{
    if (need_ == Need::look && results_[position_].attempts > 0)
        settle(StepState::failed, results_[position_].sentence);
    if (need_ != Need::reading) return unusable("this step is not finished yet");
    if (results_[position_].state == StepState::current) results_[position_].state = StepState::passed;
    enter(position_ + 1);
    return { Verdict::passed, "" };
}

Outcome LessonRun::answer(std::string_view text)
{
    if (need_ != Need::answer) return unusable("no question is open");
    const auto& step = std::get<PredictStep>(current()->action);
    std::string given(text.substr(0, 500));
    if (given.find_first_not_of(" \t\r\n") == std::string::npos)
        return unusable("please answer before the machine moves");
    if (!step.choices.empty()) {
        auto choice =
            std::ranges::find_if(step.choices, [&](const auto& known) { return answers_match(given, known); });
        // A choice's place in the list is an answer too, unless the choices themselves are such numbers.
        if (std::size_t number = 0; choice == step.choices.end()) {
            const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), number);
            if (problem == std::errc {} && end == given.data() + given.size() && number >= 1
                && number <= step.choices.size())
                choice = step.choices.begin() + static_cast<std::ptrdiff_t>(number - 1);
        }
        if (choice == step.choices.end())
            return unusable(
                compose("\"{}\" is not one of the choices: {}", printable(given, 60), join(step.choices, "; ")));
        given = *choice;
    }
    auto& result = results_[position_];
    result.answer = given;
    ++result.attempts;
    if (step.destination) {
        need_ = Need::movement;
        budget_left_ = step.destination->budget;
        return { Verdict::go_on, "now the machine moves" };
    }
    if (step.answer_expression) {
        need_ = Need::look;
        return { Verdict::go_on, "now look at the machine" };
    }
    return reveal(nullptr, nullptr);
}

Outcome LessonRun::decline()
{
    if (need_ != Need::answer) return unusable("no question is open");
    const auto& step = std::get<PredictStep>(current()->action);
    if (step.destination) {
        need_ = Need::movement;
        budget_left_ = step.destination->budget;
        return { Verdict::go_on, "nobody was asked" };
    }
    settle(StepState::skipped, "nobody was asked");
    return { Verdict::arrived, "nobody was asked" };
}

std::optional<Movement> LessonRun::movement() const
{
    const auto* target = destination();
    if (need_ != Need::movement || target == nullptr) return std::nullopt;
    Movement movement { .phases = watched_,
        .program = lesson_->program.name,
        .budget = std::min(budget_left_, total_left_),
        .in_words = "runs " + target->in_words() };
    return movement;
}

void LessonRun::record(const SeenPhase& phase, const SnapshotPointer& snapshot)
{
    history_.add(phase);
    here_ = phase;
    if (phase.event.phase != abi::Phase::space_ended) return;
    const auto* space = snapshot ? snapshot->space(static_cast<std::uint32_t>(phase.event.arguments[0])) : nullptr;
    if (phase.thread_name == lesson_->program.name || (space != nullptr && space->name == lesson_->program.name))
        program_ended_ = true;
}

// Without a condition only the lesson's own program counts; a condition decides alone.
bool LessonRun::is_at_destination(const SnapshotPointer& snapshot, const ProgramNames* names) const
{
    const auto* target = destination();
    if (target->phases.empty()) return program_ended_;
    if (!here_ || std::ranges::find(target->phases, here_->event.phase) == target->phases.end()) return false;
    if (target->where) return target->where->evaluate(scene(snapshot, names)).holds();
    return here_->thread_name == lesson_->program.name;
}

Outcome LessonRun::machine_stopped(const MachineStop& stop, const ProgramNames* names)
{
    here_.reset();
    if (stop.phase && stop.reason == MachineStop::Reason::phase) record(*stop.phase, stop.snapshot);
    if (stop.reason == MachineStop::Reason::ended) program_ended_ = true;
    total_left_ -= std::min(total_left_, stop.instructions);
    budget_left_ -= std::min(budget_left_, stop.instructions);
    if (need_ != Need::movement) return { Verdict::go_on, "" };
    if (is_at_destination(stop.snapshot, names)) return arrive(stop.snapshot, names);
    if (stop.reason != MachineStop::Reason::phase || program_ended_ || budget_left_ == 0 || total_left_ == 0)
        return fall_short(stop, names);
    return { Verdict::go_on, "" };
}

Outcome LessonRun::arrive(const SnapshotPointer& snapshot, const ProgramNames* names)
{
    if (std::holds_alternative<PredictStep>(current()->action)) return reveal(snapshot, names);
    const auto where = destination()->phases.empty() ? end_in_words(lesson_->program.name, scene(snapshot, names))
                                                     : compose("arrived at {}", name_of(here_->event.phase));
    settle(StepState::passed, where);
    return { Verdict::arrived, where };
}

Outcome LessonRun::fall_short(const MachineStop& stop, const ProgramNames* names)
{
    const auto& program = lesson_->program.name;
    std::string why;
    if (stop.reason == MachineStop::Reason::lost)
        why = stop.sentence.empty() ? "the machine was lost" : stop.sentence;
    else if (stop.snapshot && stop.snapshot->panic)
        why = "the kernel gave up: " + printable(stop.snapshot->panic->message);
    else if (program_ended_)
        why = end_in_words(program, scene(stop.snapshot, names));
    else
        why = compose("{} used up its {} instructions", program,
            total_left_ == 0 ? lesson_->machine.budget : destination()->budget);
    const auto sentence = compose("did not get there (it should run {}): {}", destination()->in_words(), why);
    // A question that nobody was asked is no mistake, even if the machine does not get to its answer.
    const bool nobody_asked =
        std::holds_alternative<PredictStep>(current()->action) && results_[position_].answer.empty();
    settle(nobody_asked ? StepState::skipped : StepState::failed, sentence);
    return { Verdict::refused, sentence };
}

Outcome LessonRun::look(const SnapshotPointer& snapshot, const ProgramNames* names)
{
    if (need_ != Need::look) return unusable("nothing is to be looked at in this step");
    if (const auto* step = std::get_if<CheckStep>(&current()->action)) return check(*step, snapshot, names);
    return reveal(snapshot, names);
}

Outcome LessonRun::check(const CheckStep& step, const SnapshotPointer& snapshot, const ProgramNames* names)
{
    auto& result = results_[position_];
    ++result.attempts;
    auto evaluation = step.holds.evaluate(scene(snapshot, names));
    result.explanation = std::move(evaluation.explanation);
    if (evaluation.truth == Truth::yes) {
        settle(StepState::passed, "passed: " + current()->title);
        return { Verdict::passed, result.sentence };
    }
    result.sentence = "refused: " + (step.refusal.empty() ? "" : step.refusal + ": ") + evaluation.refusal;
    if (history_.truncated())
        result.sentence += compose(" (only the first {} phases were counted)", PhaseHistory::limit);
    return { Verdict::refused, result.sentence };
}

Outcome LessonRun::reveal(const SnapshotPointer& snapshot, const ProgramNames* names)
{
    const auto& step = std::get<PredictStep>(current()->action);
    auto& result = results_[position_];
    std::string right = step.answer_literal;
    if (step.answer_expression) right = step.answer_expression->evaluate(scene(snapshot, names)).value;
    const auto choice =
        std::ranges::find_if(step.choices, [&](const auto& known) { return answers_match(known, right); });
    if (choice != step.choices.end()) right = *choice;
    result.right_answer = right;
    if (result.answer.empty()) {
        settle(StepState::skipped, "nobody was asked");
        return { Verdict::arrived, result.sentence };
    }
    if (right.starts_with("unknown")) {
        // The machine can't tell: that is nobody's mistake.
        settle(StepState::skipped, "the machine could not tell: " + right);
        return { Verdict::arrived, result.sentence };
    }
    const bool is_right = answers_match(result.answer, right);
    settle(is_right ? StepState::passed : StepState::failed,
        compose("{}: it is {}. {}", is_right ? "right" : "not so", right, step.because));
    return { is_right ? Verdict::passed : Verdict::refused, result.sentence };
}

std::string LessonRun::next_hint()
{
    const auto* step = current() == nullptr ? nullptr : std::get_if<CheckStep>(&current()->action);
    if (step == nullptr) return "";
    auto& result = results_[position_];
    if (result.attempts == 0 || result.hints_shown.size() >= step->hints.size()) return "";
    return result.hints_shown.emplace_back(step->hints[result.hints_shown.size()]);
}

void LessonRun::restart()
{
    history_.clear();
    here_.reset();
    program_ended_ = false;
    total_left_ = lesson_->machine.budget;
    for (auto& result : results_) {
        result.state = StepState::ahead;
        result.points = 0;
        result.sentence.clear();
        result.answer.clear();
        result.right_answer.clear();
    }
    enter(0);
}

} // namespace orrery::inspector::lessons
