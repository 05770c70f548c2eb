// What grading one submission found, and the forms in which it goes out: for people, Gradescope, JUnit and a table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/lessons/lesson_run.h"

namespace orrery::inspector::lessons {

struct StepGrade {
    std::string id, title;
    StepState state = StepState::ahead;
    unsigned points = 0, possible = 0;
    std::string sentence;
};

struct GradeReport {
    std::string lesson_id, lesson_title;
    std::string submission; // its folder's name
    // Why there are no steps' verdicts: the program does not compile (its author's), or the grader could not work (not
    // its author's: points then mean nothing). Both empty: graded.
    std::string program_problem, grader_problem;
    std::vector<StepGrade> steps; // without those that only are to be read
    unsigned points = 0, possible = 0;
    std::string console; // what the guest printed, cut; for people only, never graded
    std::size_t phases = 0; // at which the machine was stopped
    double seconds = 0; // wall time

    bool graded() const { return program_problem.empty() && grader_problem.empty(); }
    bool passed() const; // graded, and no step has failed
};

// Fills steps and points from a run that has ended (or, if there was no machine, has not begun).
void fill_report(GradeReport& report, const LessonRun& run);

enum class ReportFormat { text, gradescope, junit, csv };
// "text", "gradescope", "junit", "csv"; the error names them.
Result<ReportFormat> report_format_of_name(std::string_view name);
// Whole files. Gradescope takes one submission, so with several it is about the first. Whatever the reports hold, the
// result is well-formed: bytes that are no UTF-8 are replaced, controls left out.
std::string render(std::span<const GradeReport> reports, ReportFormat format);

std::string text_report(std::span<const GradeReport> reports);
std::string gradescope_report(const GradeReport& report); // results.json, Gradescope's autograder specification
std::string junit_report(std::span<const GradeReport> reports);
std::string csv_report(std::span<const GradeReport> reports); // one row a submission, RFC 4180

// Valid UTF-8 without control characters except newline and tab; what is not becomes '?'.
std::string clean_text(std::string_view text);

} // namespace orrery::inspector::lessons
