// Grading without a machine: what is wrong before it starts, and the lesson's own exam.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "inspector/lessons/grade_verb.h"
#include "inspector/lessons/lesson_files.h"
#include "lesson_folder.h"

namespace orrery::inspector::lessons {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Says what it is told to.
class ScriptedBuilder : public ProgramBuilder {
public:
    Result<BuiltProgram> build(const std::filesystem::path& directory, const std::vector<std::string>& sources,
        const std::string& name, const std::filesystem::path&) override
    {
        asked = directory.filename().string() + "/" + sources.at(0) + " as " + name;
        return answer;
    }
    std::string asked;
    Result<BuiltProgram> answer = BuiltProgram { .executable = {}, .problem = "the program does not compile:\nno" };
};

class GradeTest : public testing::Test {
protected:
    GradeTest()
    {
        options.source_tree = folder.folder.path;
        options.os_build = folder.folder.path / "os";
        options.builder = &builder;
    }
    int run(GradeRequest request)
    {
        request.grading = options;
        out.str(""), problems.str("");
        return run_grade(request, out, problems);
    }
    GradeRequest request() const { return { .lesson = folder.path(), .submission = folder.path() / "starter" }; }

    LessonFolder folder;
    ScriptedBuilder builder;
    GradeOptions options;
    std::ostringstream out, problems;
};

TEST_F(GradeTest, AProgramThatDoesNotCompileGetsNoPointsAndItsWords)
{
    const auto lesson = *load_lesson(folder.path());
    const auto report = grade(lesson, folder.path() / "solution", options);
    EXPECT_EQ(builder.asked, "solution/program.c as student");
    EXPECT_EQ(report.submission, "solution");
    EXPECT_EQ(report.program_problem, "the program does not compile:\nno");
    EXPECT_EQ(report.points, 0u);
    EXPECT_EQ(report.possible, 7u);
    EXPECT_FALSE(report.passed());
    EXPECT_EQ(run(request()), 1);
    EXPECT_THAT(out.str(), HasSubstr("does not compile"));
}

TEST_F(GradeTest, WhatTheGraderLacksIsNotTheProgramsFault)
{
    builder.answer = failure("the guest's runtime is not built");
    EXPECT_EQ(run(request()), 3);
    EXPECT_EQ(problems.str(), "orrery grade: the guest's runtime is not built\n");
    builder.answer = BuiltProgram { .executable = folder.path() / "text.md", .problem = {} };
    EXPECT_EQ(run(request()), 3);
    EXPECT_THAT(problems.str(), HasSubstr("os/initrd.tar: No such file"));
    folder.folder.write("os/initrd.tar", "no archive" + std::string(1000, 'x'));
    EXPECT_EQ(run(request()), 3);
    EXPECT_THAT(problems.str(), HasSubstr("the initrd is not a ustar archive"));
    folder.folder.write("os/initrd.tar", "");
    EXPECT_EQ(run(request()), 3);
    EXPECT_THAT(problems.str(), HasSubstr("kernel.elf"));
}

TEST_F(GradeTest, SubmissionsThatAreNone)
{
    auto nowhere = request();
    nowhere.submission = folder.path() / "nowhere";
    EXPECT_EQ(run(nowhere), 1);
    EXPECT_THAT(out.str(), HasSubstr("there is no folder"));
    const auto with_answers = [&](std::string_view answers) {
        folder.folder.write("07-test/starter/answers.json", answers);
        run(request());
        return out.str();
    };
    EXPECT_THAT(with_answers("["), HasSubstr("the submission: answers.json: line 1"));
    EXPECT_THAT(with_answers("[]"), HasSubstr("answers.json: it must be an object of answers by step"));
    EXPECT_THAT(with_answers("{\"which\": 3}"), HasSubstr("the answer \"which\" must be a text"));
    EXPECT_THAT(with_answers("{\"which\": \"SIGUSR1\"}"), HasSubstr("does not compile"));
}

TEST_F(GradeTest, WrongUse)
{
    auto wrong = request();
    wrong.format = "pdf";
    EXPECT_EQ(run(wrong), 2);
    EXPECT_THAT(problems.str(), HasSubstr("there is no format \"pdf\""));
    wrong = request();
    wrong.lesson = folder.path() / "starter";
    EXPECT_EQ(run(wrong), 2);
    EXPECT_THAT(problems.str(), HasSubstr("can't find \"lesson.json\""));
}

TEST_F(GradeTest, ReportsGoIntoAFileWholeOrNotAtAll)
{
    auto to_file = request();
    to_file.format = "gradescope";
    to_file.output = folder.folder.path / "results.json";
    EXPECT_EQ(run(to_file), 1);
    EXPECT_THAT(out.str(), IsEmpty());
    EXPECT_EQ(nlohmann::json::parse(*read_text_file(*to_file.output))["score"], 0);
    EXPECT_FALSE(std::filesystem::exists(folder.folder.path / "results.json.new"));
    to_file.output = folder.folder.path / "no/such/folder/results.json";
    EXPECT_EQ(run(to_file), 3);
    EXPECT_THAT(problems.str(), HasSubstr("can't write"));
}

TEST_F(GradeTest, TheExamNamesWhatWasJudgedWrongly)
{
    const auto lesson = *load_lesson(folder.path());
    auto exam = self_check(lesson, options);
    EXPECT_EQ(exam.reports.size(), 3u);
    EXPECT_THAT(exam.problems,
        testing::ElementsAre("the solution does not pass", HasSubstr("the starter does not build"),
            HasSubstr("mutant lazy does not even build")));
    EXPECT_EQ(run({ .lesson = folder.path(), .submission = {}, .self_check = true }), 1);
    EXPECT_THAT(problems.str(), HasSubstr("orrery grade: the solution does not pass"));
    builder.answer = failure("no machine");
    exam = self_check(lesson, options);
    EXPECT_EQ(exam.reports.size(), 1u) << "the others would only say the same";
    EXPECT_EQ(run({ .lesson = folder.path(), .submission = {}, .self_check = true }), 3);
}

TEST_F(GradeTest, AMutantMustBeRefusedByTheStepsItNames)
{
    const auto lesson = *load_lesson(folder.path());
    const auto& mutant = lesson->mutants.at(0);
    GradeReport report;
    report.steps = { { "handled", "", StepState::failed, 0, 3, "" }, { "status", "", StepState::passed, 1, 1, "" } };
    EXPECT_EQ(mutant_problem(mutant, report), "");
    report.steps[0].state = StepState::passed;
    report.steps[1].state = StepState::failed;
    EXPECT_EQ(mutant_problem(mutant, report), "mutant lazy (It does nothing.) is not refused by the step \"handled\"");
    report.steps[0].state = StepState::skipped;
    EXPECT_NE(mutant_problem(mutant, report), "");
    report.grader_problem = "no machine";
    EXPECT_EQ(mutant_problem(mutant, report), "mutant lazy: no machine");
}

TEST_F(GradeTest, ListAndReference)
{
    EXPECT_EQ(run({ .lesson = folder.folder.path, .submission = {}, .list = true }), 0);
    EXPECT_EQ(out.str(), "07-test: A test. Nothing to see.\n");
    EXPECT_EQ(run({ .lesson = folder.path() / "x", .submission = {}, .list = true }), 2);
    EXPECT_EQ(run({ .lesson = {}, .submission = {}, .reference = true }), 0);
    EXPECT_THAT(out.str(), HasSubstr("`.allowset`"));
}

TEST(ShippedLessons, AllLoad)
{
    const auto lessons = list_lessons(std::filesystem::path(ORRERY_SOURCE_DIR) / "lessons");
    ASSERT_TRUE(lessons) << lessons.error().sentence;
    EXPECT_FALSE(lessons->empty());
    for (const auto& lesson : *lessons)
        EXPECT_EQ(lesson.problem, "");
}

} // namespace
} // namespace orrery::inspector::lessons
