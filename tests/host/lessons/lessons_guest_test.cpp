// The shipped lessons on the real guest: each solution passes, each mutant is refused, and a verdict is the same twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "inspector/lessons/grade.h"
#include "lesson_folder.h"

namespace orrery::inspector::lessons {
namespace {

GradeOptions options()
{
    const char* chosen = std::getenv("ORRERY_OS_BUILD_DIR");
    GradeOptions options;
    options.source_tree = ORRERY_SOURCE_DIR;
    options.os_build = chosen != nullptr && *chosen != '\0' ? chosen : ORRERY_OS_BUILD_DIR;
    return options;
}

LessonPointer lesson(std::string_view id)
{
    const auto loaded = load_lesson(std::filesystem::path(ORRERY_SOURCE_DIR) / "lessons" / id);
    EXPECT_TRUE(loaded) << loaded.error().sentence;
    return loaded.value_or(nullptr);
}

GradeReport grade_source(const LessonPointer& lesson, std::string_view source)
{
    const TemporaryFolder folder;
    folder.write("program.c", source);
    return grade(lesson, folder.path, options());
}

TEST(ShippedLessonsOnTheGuest, AnatomyOfASignalIsSound)
{
    const auto anatomy = lesson("01-anatomy-of-a-signal");
    ASSERT_TRUE(anatomy);
    const auto check = self_check(anatomy, options());
    EXPECT_THAT(check.problems, testing::IsEmpty()) << text_report(check.reports);
    EXPECT_EQ(check.reports.size(), 2 + anatomy->mutants.size());
    EXPECT_EQ(check.reports.front().points, anatomy->points_possible()) << text_report(check.reports);
}

TEST(ShippedLessonsOnTheGuest, AVerdictIsTheSameTwice)
{
    const auto anatomy = lesson("01-anatomy-of-a-signal");
    ASSERT_TRUE(anatomy);
    auto first = grade(anatomy, anatomy->solution, options());
    auto second = grade(anatomy, anatomy->solution, options());
    EXPECT_EQ(first.phases, second.phases);
    EXPECT_GT(first.phases, 10u);
    first.seconds = second.seconds = 0;
    EXPECT_EQ(text_report({ &first, 1 }), text_report({ &second, 1 }));
}

TEST(ShippedLessonsOnTheGuest, AnyProgramIsGradedFairly)
{
    const auto anatomy = lesson("01-anatomy-of-a-signal");
    ASSERT_TRUE(anatomy);
    const auto failing = [&](std::string_view source) {
        const auto report = grade_source(anatomy, source);
        EXPECT_EQ(report.grader_problem, "");
        EXPECT_EQ(report.program_problem, "");
        EXPECT_FALSE(report.passed());
        return report.steps.at(0).sentence;
    };
    EXPECT_THAT(
        failing("int main(void) { for (;;) { } }\n"), testing::HasSubstr("anatomy used up its 100000000 instructions"));
    EXPECT_THAT(
        failing("int main(void) { *(volatile int *)8 = 1; }\n"), testing::HasSubstr("anatomy was ended by SIGSEGV"));
    EXPECT_THAT(failing("#include <signal.h>\nint main(void) { sigset_t none = 0; sigsuspend(&none); }\n"),
        testing::HasSubstr("nothing can wake one"));
    EXPECT_THAT(failing("int main(void) { return 3; }\n"), testing::HasSubstr("anatomy has ended with exit status 3"));
    EXPECT_THAT(
        failing(
            "int main(int n, char **v) { volatile char large[4096]; large[n] = 1; return main(n, v) + large[n]; }\n"),
        testing::HasSubstr("anatomy was ended by SIGSEGV"));
}

} // namespace
} // namespace orrery::inspector::lessons
