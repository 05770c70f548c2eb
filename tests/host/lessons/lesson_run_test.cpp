// A student's way through a lesson, and the grader's walk, on a machine that is only a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "inspector/lessons/answer.h"
#include "inspector/lessons/lesson_walk.h"
#include "lesson_folder.h"
#include "sample.h"

namespace orrery::inspector::lessons {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

SnapshotPointer picture(bool ended = false, abi::ExitStatus status = {})
{
    auto snapshot = sample_snapshot();
    snapshot.threads[0].space_name = "student";
    snapshot.spaces[0].name = "student";
    snapshot.spaces[0].ended = ended;
    snapshot.spaces[0].exit_status = status;
    return std::make_shared<const Snapshot>(std::move(snapshot));
}

MachineStop handled(int signal, std::string program = "student")
{
    return { .reason = MachineStop::Reason::phase,
        .phase = seen(abi::Phase::signal_handled, std::move(program), 0x7000, static_cast<std::uint64_t>(signal)),
        .snapshot = picture(),
        .instructions = 100,
        .sentence = {} };
}

MachineStop ended(abi::ExitStatus status = {})
{
    return { .reason = MachineStop::Reason::phase,
        .phase = seen(abi::Phase::space_ended, "student", 7, status.word()),
        .snapshot = picture(true, status),
        .instructions = 100,
        .sentence = {} };
}

// Plays its stops one after the other, then says for ever that the program has ended.
class ScriptedMachine : public LessonMachine {
public:
    explicit ScriptedMachine(std::deque<MachineStop> script)
        : stops(std::move(script))
    {
    }
    MachineStop move(const Movement& movement) override
    {
        movements.push_back(movement);
        if (!stops.empty()) {
            last = stops.front();
            if (!repeats) stops.pop_front();
            return *last;
        }
        MachineStop stop = last.value_or(MachineStop {});
        stop.reason = MachineStop::Reason::ended;
        stop.phase.reset();
        return stop;
    }
    Result<SnapshotPointer> snapshot() override
    {
        if (!last) return failure("nothing has happened yet");
        return last->snapshot;
    }
    std::deque<MachineStop> stops;
    std::optional<MachineStop> last;
    std::vector<Movement> movements;
    bool repeats = false;
};

class LessonRunTest : public testing::Test {
protected:
    LessonRunTest()
        : lesson(*load_lesson(folder.path()))
        , run(lesson)
    {
    }
    // Through reading and both predictions.
    void to_second()
    {
        run.advance();
        run.answer("two");
        run.advance();
        run.answer("SIGUSR1");
        run.machine_stopped(handled(10));
        run.advance();
    }

    LessonFolder folder;
    LessonPointer lesson;
    LessonRun run;
};

TEST_F(LessonRunTest, AStudentWhoIsRightEverywhere)
{
    EXPECT_EQ(run.need(), Need::reading);
    EXPECT_EQ(run.advance().verdict, Verdict::passed);
    EXPECT_EQ(run.need(), Need::answer);
    EXPECT_FALSE(run.movement());
    EXPECT_EQ(run.answer("two").verdict, Verdict::passed);
    EXPECT_EQ(run.result(1).sentence, "right: it is two. One for each.");
    EXPECT_EQ(run.advance().verdict, Verdict::passed);

    EXPECT_EQ(run.answer("sigusr1").verdict, Verdict::go_on);
    ASSERT_EQ(run.need(), Need::movement);
    EXPECT_EQ(run.movement()->budget, 5000u);
    EXPECT_EQ(run.movement()->program, "student");
    EXPECT_THAT(run.movement()->phases, testing::Contains(abi::Phase::signal_handled));
    EXPECT_EQ(run.machine_stopped(handled(10)).verdict, Verdict::passed);
    EXPECT_EQ(run.result(2).right_answer, "SIGUSR1");
    run.advance();

    ASSERT_EQ(run.need(), Need::movement);
    EXPECT_EQ(run.machine_stopped(handled(12)).sentence, "arrived at signal.handled");
    run.advance();
    EXPECT_EQ(run.look(picture()).verdict, Verdict::passed);
    EXPECT_EQ(run.result(4).points, 3u);
    run.advance();
    EXPECT_EQ(run.machine_stopped(ended()).sentence, "student has ended with exit status 0");
    run.advance();
    EXPECT_EQ(run.look(picture(true)).verdict, Verdict::passed);
    run.advance();
    EXPECT_EQ(run.need(), Need::nothing);
    EXPECT_EQ(run.current(), nullptr);
    EXPECT_EQ(run.score().points, 7u);
    EXPECT_EQ(run.score().possible, 7u);
    EXPECT_EQ(run.score().passed, 7u);
}

TEST_F(LessonRunTest, WhatDoesNotFitIsUnusableAndChangesNothing)
{
    EXPECT_EQ(run.answer("two").verdict, Verdict::unusable);
    EXPECT_EQ(run.look(picture()).verdict, Verdict::unusable);
    EXPECT_EQ(run.decline().verdict, Verdict::unusable);
    EXPECT_EQ(run.next_hint(), "");
    run.advance();
    EXPECT_EQ(run.advance().verdict, Verdict::unusable) << "the question is open";
    EXPECT_EQ(run.answer("  ").sentence, "please answer before the machine moves");
    EXPECT_EQ(run.answer("three").sentence, "\"three\" is not one of the choices: one; two");
    EXPECT_EQ(run.answer("0").verdict, Verdict::unusable);
    EXPECT_EQ(run.need(), Need::answer);
    EXPECT_EQ(run.answer("2").verdict, Verdict::passed) << "the second choice, by number";
}

TEST_F(LessonRunTest, AWrongPredictionCostsItsPointsAndTellsTheAnswer)
{
    run.advance();
    EXPECT_EQ(run.answer("one").verdict, Verdict::refused);
    EXPECT_EQ(run.result(1).sentence, "not so: it is two. One for each.");
    EXPECT_EQ(run.result(1).state, StepState::failed);
    run.advance();
    run.answer("SIGUSR2");
    EXPECT_EQ(run.machine_stopped(handled(10)).verdict, Verdict::refused);
    EXPECT_EQ(run.result(2).sentence, "not so: it is SIGUSR1. It was sent first.");
}

TEST_F(LessonRunTest, OtherProgramsAndOtherSignalsAreNotTheDestination)
{
    to_second();
    EXPECT_EQ(run.machine_stopped(handled(10)).verdict, Verdict::go_on);
    EXPECT_EQ(run.movement()->budget, 4900u);
    EXPECT_EQ(run.history().events().size(), 2u);
    run.restart();
    run.advance();
    run.answer("two");
    run.advance();
    run.answer("SIGUSR1");
    EXPECT_EQ(run.machine_stopped(handled(10, "ping")).verdict, Verdict::go_on)
        << "without a condition only the lesson's program counts";
}

TEST_F(LessonRunTest, ADestinationThatIsNotReachedSaysWhy)
{
    to_second();
    auto stop = handled(10);
    stop.instructions = 5000;
    EXPECT_EQ(run.machine_stopped(stop).sentence,
        "did not get there (it should run until signal.handled where here.signal == SIGUSR2): "
        "student used up its 5000 instructions");
    EXPECT_EQ(run.need(), Need::reading);

    run.restart();
    to_second();
    EXPECT_THAT(
        run.machine_stopped(ended({ .code = 0, .signal = 11 })).sentence, EndsWith("student was ended by SIGSEGV"));
    run.restart();
    to_second();
    EXPECT_THAT(run.machine_stopped(ended({ .code = 3, .signal = 0 })).sentence,
        EndsWith("student has ended with exit status 3"));
    run.restart();
    to_second();
    MachineStop lost;
    lost.sentence = "QEMU has died";
    EXPECT_THAT(run.machine_stopped(lost).sentence, EndsWith(": QEMU has died"));
    run.restart();
    to_second();
    auto panicked = *picture();
    panicked.panic = PanicView { .message = "no memory", .cpu = 0, .backtrace = {} };
    MachineStop panic;
    panic.snapshot = std::make_shared<const Snapshot>(panicked);
    panic.reason = MachineStop::Reason::ended;
    EXPECT_THAT(run.machine_stopped(panic).sentence, EndsWith("the kernel gave up: no memory"));
}

TEST_F(LessonRunTest, TheWholeRunHasABudgetToo)
{
    to_second();
    auto stop = handled(10);
    stop.instructions = 2'000'000;
    EXPECT_THAT(run.machine_stopped(stop).sentence, EndsWith("student used up its 1000000 instructions"));
}

TEST_F(LessonRunTest, ARefusedCheckGivesHintsAndCanBeLeft)
{
    to_second();
    run.machine_stopped(ended());
    run.advance();
    ASSERT_EQ(run.need(), Need::look);
    EXPECT_EQ(run.advance().verdict, Verdict::unusable) << "not before it was looked at";
    const auto outcome = run.look(picture(true));
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    EXPECT_EQ(outcome.sentence,
        "refused: both signals must reach the handler: the number of signal.handled is 1 (it should be 2)");
    EXPECT_TRUE(run.result(4).explanation);
    EXPECT_EQ(run.need(), Need::look);
    EXPECT_EQ(run.next_hint(), "Is the handler installed?");
    EXPECT_EQ(run.next_hint(), "For both signals?");
    EXPECT_EQ(run.next_hint(), "");
    EXPECT_EQ(run.advance().verdict, Verdict::passed);
    EXPECT_EQ(run.result(4).state, StepState::failed);
    EXPECT_EQ(run.need(), Need::movement);
    run.restart();
    EXPECT_EQ(run.position(), 0u);
    EXPECT_EQ(run.result(4).attempts, 1u);
    EXPECT_EQ(run.result(4).hints_shown.size(), 2u);
    EXPECT_TRUE(run.history().events().empty());
}

TEST_F(LessonRunTest, TheWalkNeedsNoStudent)
{
    ScriptedMachine machine({ handled(10), handled(12), ended() });
    walk_lesson(run, machine, {});
    EXPECT_EQ(run.need(), Need::nothing);
    EXPECT_EQ(run.result(1).state, StepState::skipped);
    EXPECT_EQ(run.result(2).state, StepState::skipped);
    EXPECT_EQ(run.score().points, 4u);
    EXPECT_EQ(run.score().possible, 4u) << "nobody was asked, so the predictions do not count";
}

TEST_F(LessonRunTest, TheWalkTakesAnswers)
{
    ScriptedMachine machine({ handled(10), handled(12), ended() });
    walk_lesson(run, machine, { .answers = { { "how-many", "one" }, { "which", "SIGUSR1" } } });
    EXPECT_EQ(run.score().points, 6u);
    EXPECT_EQ(run.score().possible, 7u);
}

TEST_F(LessonRunTest, TheWalkEndsWhateverTheMachineDoes)
{
    ScriptedMachine dead({});
    walk_lesson(run, dead, {});
    EXPECT_EQ(run.need(), Need::nothing);
    EXPECT_EQ(run.score().points, 0u);

    folder.json["machine"]["phases"] = 50;
    folder.save();
    LessonRun endless(*load_lesson(folder.path()));
    auto stop = handled(10);
    stop.instructions = 0;
    ScriptedMachine repeating({ stop });
    repeating.repeats = true;
    walk_lesson(endless, repeating, {});
    EXPECT_EQ(endless.need(), Need::nothing);
    EXPECT_THAT(endless.result(3).sentence, EndsWith("the program went through 50 phases, the most that are followed"));
    EXPECT_EQ(repeating.movements.size(), 50u);
}

TEST(AnswerTest, ComparesValuesNotSpelling)
{
    EXPECT_TRUE(answers_match("16", "0x10"));
    EXPECT_TRUE(answers_match(" sigusr1 ", "SIGUSR1"));
    EXPECT_TRUE(answers_match("10", "SIGUSR1"));
    EXPECT_TRUE(answers_match("yes", "true"));
    EXPECT_TRUE(answers_match("No.", "false"));
    EXPECT_TRUE(answers_match("{SIGUSR2, SIGUSR1}", "{SIGUSR1, SIGUSR2}"));
    EXPECT_TRUE(answers_match("student", "\"student\""));
    EXPECT_FALSE(answers_match("", ""));
    EXPECT_FALSE(answers_match("SIGUSR2", "SIGUSR1"));
    EXPECT_FALSE(answers_match("0) == 0 or (1", "1")) << "an answer can't reach out of its parentheses";
    EXPECT_FALSE(answers_match("SIGINT", "16"));
}

} // namespace
} // namespace orrery::inspector::lessons
