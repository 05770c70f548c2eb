// Reports: every form is well-formed whatever a submission puts into it, and says who passed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "inspector/lessons/grade_report.h"
#include "inspector/lessons/lesson.h"
#include "lesson_folder.h"

namespace orrery::inspector::lessons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

GradeReport sample()
{
    GradeReport report;
    report.lesson_id = "07-test";
    report.lesson_title = "A <test>";
    report.submission = "alice";
    report.steps = {
        { "raised", "It is raised", StepState::passed, 2, 2, "passed: It is raised" },
        { "handled", "It is \"handled\" & more", StepState::failed, 0, 3, "refused: count is 1 (it should be 2)" },
        { "asked", "Nobody asked", StepState::skipped, 0, 0, "nobody was asked" },
    };
    report.points = 2;
    report.possible = 5;
    report.console = "hello\n";
    report.seconds = 1.25;
    return report;
}

TEST(GradeReport, Text)
{
    const auto text = render(std::vector { sample() }, ReportFormat::text);
    EXPECT_EQ(text,
        "A <test> (07-test), submission \"alice\"\n"
        "  pass  2/2    It is raised\n"
        "  FAIL  0/3    It is \"handled\" & more\n"
        "               refused: count is 1 (it should be 2)\n"
        "  skip         Nobody asked\n"
        "  not passed: 2 of 5 points, 1.2 s\n");
}

TEST(GradeReport, GradescopeFollowsItsSpecification)
{
    const auto json = nlohmann::json::parse(gradescope_report(sample()));
    EXPECT_EQ(json["score"], 2);
    EXPECT_EQ(json["execution_time"], 1.25);
    ASSERT_EQ(json["tests"].size(), 2u) << "a skipped step is no test";
    EXPECT_EQ(json["tests"][0]["status"], "passed");
    EXPECT_EQ(json["tests"][0]["max_score"], 2);
    EXPECT_EQ(json["tests"][1]["status"], "failed");
    EXPECT_EQ(json["tests"][1]["number"], "2");
    EXPECT_THAT(json["tests"][1]["output"].get<std::string>(), HasSubstr("it should be 2"));
    for (const auto& [key, value] : json.items())
        EXPECT_THAT((std::vector<std::string> { "score", "execution_time", "output", "output_format", "visibility",
                        "stdout_visibility", "tests" }),
            testing::Contains(key));
}

TEST(GradeReport, JUnitCounts)
{
    const auto xml = junit_report(std::vector { sample() });
    EXPECT_THAT(xml, HasSubstr("<testsuites name=\"orrery\" tests=\"3\" failures=\"1\" errors=\"0\">"));
    EXPECT_THAT(xml,
        HasSubstr("<testsuite name=\"07-test: alice\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" "
                  "time=\"1.250\">"));
    EXPECT_THAT(xml,
        HasSubstr("<testcase name=\"It is &quot;handled&quot; &amp; more\" classname=\"07-test.handled\"><failure "
                  "message=\"refused: count is 1 (it should be 2)\"/></testcase>"));
}

TEST(GradeReport, CsvIsOneRowASubmission)
{
    auto evil = sample();
    evil.submission = "=cmd|' /C calc'!A0";
    evil.program_problem = "does not \"compile\"";
    EXPECT_EQ(csv_report(std::vector { sample(), evil }),
        "submission,lesson,points,possible,passed,seconds,remark\r\n"
        "\"alice\",\"07-test\",2,5,no,1.250,\"It is \"\"handled\"\" & more: refused: count is 1 (it should be 2)\"\r\n"
        "\"'=cmd|' /C calc'!A0\",\"07-test\",2,5,no,1.250,\"does not \"\"compile\"\"\"\r\n");
}

TEST(GradeReport, ProblemsAreToldApart)
{
    auto report = sample();
    report.program_problem = "the program does not compile: x";
    EXPECT_FALSE(report.passed());
    EXPECT_THAT(text_report(std::vector { report }), HasSubstr("the program does not compile: x"));
    EXPECT_THAT(
        junit_report(std::vector { report }), AllOf(HasSubstr("failures=\"3\" errors=\"0\""), HasSubstr("<failure")));
    EXPECT_EQ(nlohmann::json::parse(gradescope_report(report))["tests"][0]["status"], "failed");
    report.program_problem.clear();
    report.grader_problem = "no kernel";
    EXPECT_THAT(text_report(std::vector { report }), HasSubstr("could not be graded: no kernel"));
    EXPECT_THAT(junit_report(std::vector { report }),
        AllOf(HasSubstr("errors=\"3\""), HasSubstr("<error message=\"no kernel\"/>")));
}

TEST(GradeReport, SurvivesAnyBytes)
{
    auto report = sample();
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte)
        bytes += static_cast<char>(byte);
    bytes += "]]><!--\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\xef\xbf\xbf\xe2\x82";
    report.console = report.submission = report.steps[1].sentence = report.lesson_title = bytes;
    const auto json = gradescope_report(report);
    EXPECT_NO_THROW((void)nlohmann::json::parse(json));
    for (const auto format : { ReportFormat::text, ReportFormat::junit, ReportFormat::csv }) {
        const auto text = render(std::vector { report }, format);
        EXPECT_EQ(text.find('\0'), std::string::npos);
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
        EXPECT_EQ(text.find("\xed\xa0"), std::string::npos) << "a surrogate is no UTF-8";
    }
    EXPECT_THAT(junit_report(std::vector { report }), Not(HasSubstr("<!--")));
    EXPECT_EQ(clean_text("a\xc3\xa4\xf0\x9f\x98\x80"), "a\xc3\xa4\xf0\x9f\x98\x80");
    EXPECT_EQ(clean_text("\xc3"), "?");
    EXPECT_EQ(clean_text(""), "");
}

TEST(GradeReport, FormatsByName)
{
    for (const auto* name : { "text", "gradescope", "junit", "csv" })
        EXPECT_TRUE(report_format_of_name(name)) << name;
    EXPECT_EQ(report_format_of_name("xml").error().sentence,
        "there is no format \"xml\"; the formats are text, gradescope, junit, csv");
    EXPECT_EQ(render({}, ReportFormat::gradescope), "{}\n");
}

TEST(GradeReport, ARunThatNeverBeganHasAllItsStepsAndNoPoints)
{
    const LessonFolder folder;
    const LessonRun run(*load_lesson(folder.path()));
    GradeReport report;
    fill_report(report, run);
    EXPECT_EQ(report.steps.size(), 6u);
    EXPECT_EQ(report.points, 0u);
    EXPECT_EQ(report.possible, 7u);
    EXPECT_FALSE(report.passed());
}

} // namespace
} // namespace orrery::inspector::lessons
