// The report forms that machines read: Gradescope's results.json, JUnit XML and CSV.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/grade_report.h"

namespace orrery::inspector::lessons {

namespace {

constexpr std::size_t console_limit = 4000; // bytes that go into a report

std::string console_part(const GradeReport& report)
{
    if (report.console.size() <= console_limit) return report.console;
    return report.console.substr(0, console_limit) + "\n... (cut)";
}

std::string problem_of(const GradeReport& report)
{
    if (!report.grader_problem.empty()) return "could not be graded: " + report.grader_problem;
    return report.program_problem;
}

std::string escaped(std::string_view text)
{
    std::string result;
    for (const char c : clean_text(text)) {
        switch (c) {
        case '&': result += "&amp;"; break;
        case '<': result += "&lt;"; break;
        case '>': result += "&gt;"; break;
        case '"': result += "&quot;"; break;
        // A newline in an attribute would be read as a space.
        case '\n': result += "&#10;"; break;
        default: result += c;
        }
    }
    return result;
}

// RFC 4180; and a spreadsheet must not take a student's text for a formula.
std::string field(std::string_view text)
{
    std::string result = "\"";
    if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos) result += '\'';
    for (const char c : clean_text(text)) {
        if (c == '"') result += '"';
        result += c;
    }
    return result + '"';
}

std::string decimal(double seconds)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", seconds);
    return text;
}

std::string junit_case(const GradeReport& report, const StepGrade& step)
{
    auto text = compose(
        "    <testcase name=\"{}\" classname=\"{}\">", escaped(step.title), escaped(report.lesson_id + "." + step.id));
    if (!report.grader_problem.empty())
        text += compose("<error message=\"{}\"/>", escaped(report.grader_problem));
    else if (!report.program_problem.empty())
        text += compose("<failure message=\"{}\"/>", escaped(report.program_problem));
    else if (step.state == StepState::skipped)
        text += compose("<skipped message=\"{}\"/>", escaped(step.sentence));
    else if (step.state != StepState::passed)
        text += compose("<failure message=\"{}\"/>", escaped(step.sentence));
    return text + "</testcase>\n";
}

} // namespace

std::string gradescope_report(const GradeReport& report)
{
    nlohmann::json tests = nlohmann::json::array();
    std::size_t number = 0;
    for (const auto& step : report.steps) {
        ++number;
        if (step.state == StepState::skipped) continue;
        const bool passed = report.graded() && step.state == StepState::passed;
        tests.push_back({
            { "name", clean_text(step.title) },
            { "number", std::to_string(number) },
            { "score", step.points },
            { "max_score", step.possible },
            { "status", passed ? "passed" : "failed" },
            { "output", clean_text(report.graded() ? step.sentence : problem_of(report)) },
            { "output_format", "text" },
            { "visibility", "visible" },
        });
    }
    nlohmann::json result {
        { "score", report.points },
        { "execution_time", report.seconds },
        { "output",
            clean_text(report.graded() ? compose("{} of {} points. The program printed:\n{}", report.points,
                                             report.possible, console_part(report))
                                       : problem_of(report)) },
        { "output_format", "text" },
        { "visibility", "visible" },
        { "stdout_visibility", "hidden" },
        { "tests", std::move(tests) },
    };
    return result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string junit_report(std::span<const GradeReport> reports)
{
    std::string suites;
    std::size_t all_tests = 0, all_failures = 0, all_errors = 0;
    for (const auto& report : reports) {
        std::size_t failures = 0, errors = 0, skipped = 0;
        std::string cases;
        for (const auto& step : report.steps) {
            cases += junit_case(report, step);
            if (!report.grader_problem.empty())
                ++errors;
            else if (!report.program_problem.empty())
                ++failures;
            else if (step.state == StepState::skipped)
                ++skipped;
            else if (step.state != StepState::passed)
                ++failures;
        }
        suites +=
            compose("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n",
                escaped(report.lesson_id + ": " + report.submission), report.steps.size(), failures, errors, skipped,
                decimal(report.seconds));
        suites += cases;
        suites += compose("    <system-out>{}</system-out>\n  </testsuite>\n", escaped(console_part(report)));
        all_tests += report.steps.size();
        all_failures += failures;
        all_errors += errors;
    }
    return compose(
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"orrery\" tests=\"{}\" failures=\"{}\" "
               "errors=\"{}\">\n",
               all_tests, all_failures, all_errors)
        + suites + "</testsuites>\n";
}

std::string csv_report(std::span<const GradeReport> reports)
{
    std::string text = "submission,lesson,points,possible,passed,seconds,remark\r\n";
    for (const auto& report : reports) {
        auto remark = problem_of(report);
        for (const auto& step : report.steps)
            if (remark.empty() && step.state == StepState::failed) remark = step.title + ": " + step.sentence;
        text += compose("{},{},{},{},{},{},{}\r\n", field(report.submission), field(report.lesson_id), report.points,
            report.possible, report.passed() ? "yes" : "no", decimal(report.seconds), field(remark.substr(0, 500)));
    }
    return text;
}

} // namespace orrery::inspector::lessons
