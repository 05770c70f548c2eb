// Grades as asked and puts the reports where they are wanted.
#include "inspector/lessons/grade_verb.h"

#include <fstream>
#include <iostream>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/confinement.h"

namespace orrery::inspector::lessons {

namespace fs = std::filesystem;

namespace {

constexpr int status_passed = 0, status_not_passed = 1, status_wrong_use = 2, status_not_graded = 3;

int complain(std::ostream& problems, std::string_view sentence, int status)
{
    problems << "orrery grade: " << sentence << '\n';
    return status;
}

// Beside its place first, so that a reader never sees half of it and a full disk leaves the old one.
Result<void> write_report(const fs::path& file, std::string_view text)
{
    auto beside = file;
    beside += ".new";
    std::ofstream stream(beside, std::ios::binary);
    stream << text;
    stream.close();
    std::error_code problem;
    if (stream) fs::rename(beside, file, problem);
    if (stream && !problem) return {};
    fs::remove(beside, problem);
    return failure(compose("can't write {}; does its folder exist, and is the disk full?", printable(file.string())));
}

int list(const fs::path& folder, std::ostream& out, std::ostream& problems)
{
    const auto lessons = list_lessons(folder);
    if (!lessons) return complain(problems, lessons.error().sentence, status_wrong_use);
    for (const auto& lesson : *lessons) {
        out << lesson.id << ": " << (lesson.problem.empty() ? lesson.title + ". " + lesson.summary : "") << '\n';
        if (!lesson.problem.empty()) problems << "  " << lesson.problem << '\n';
    }
    return status_passed;
}

int deliver(const GradeRequest& request, std::span<const GradeReport> reports, ReportFormat format, std::ostream& out,
    std::ostream& problems)
{
    const auto text = render(reports, format);
    if (!request.output) {
        out << text << std::flush;
        return status_passed;
    }
    if (const auto written = write_report(*request.output, text); !written)
        return complain(problems, written.error().sentence, status_not_graded);
    return status_passed;
}

int examine(const GradeRequest& request, const LessonPointer& lesson, ReportFormat format, std::ostream& out,
    std::ostream& problems)
{
    const auto check = self_check(lesson, request.grading,
        [&](const GradeReport& report) { problems << "graded " << report.submission << std::endl; });
    if (const auto status = deliver(request, check.reports, format, out, problems); status != status_passed)
        return status;
    for (const auto& problem : check.problems)
        complain(problems, problem, status_not_passed);
    if (check.problems.empty())
        problems << "the lesson is sound: its solution passes, its starter and its " << lesson->mutants.size()
                 << " mutants are refused\n";
    const bool graded = !check.reports.empty() && check.reports.front().grader_problem.empty();
    return !graded ? status_not_graded : check.problems.empty() ? status_passed : status_not_passed;
}

} // namespace

int run_grade(const GradeRequest& request, std::ostream& out, std::ostream& problems)
{
    if (request.reference) {
        out << predicate_reference() << std::flush;
        return status_passed;
    }
    if (request.list) return list(request.lesson, out, problems);
    const auto format = report_format_of_name(request.format);
    if (!format) return complain(problems, format.error().sentence, status_wrong_use);
    const auto lesson = load_lesson(request.lesson);
    if (!lesson) return complain(problems, lesson.error().sentence, status_wrong_use);
    if (const auto unconfined = confinement_problem(); !unconfined.empty())
        problems << "orrery grade: " << unconfined << '\n';
    if (request.self_check || !request.submission) return examine(request, *lesson, *format, out, problems);
    const auto report = grade(*lesson, *request.submission, request.grading);
    if (const auto status = deliver(request, { &report, 1 }, *format, out, problems); status != status_passed)
        return status;
    if (!report.grader_problem.empty()) return complain(problems, report.grader_problem, status_not_graded);
    return report.passed() ? status_passed : status_not_passed;
}

} // namespace orrery::inspector::lessons
