// Reports from runs, and their text form for people.
#include "inspector/lessons/grade_report.h"

#include <algorithm>
#include <cstdio>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

const char* mark(StepState state)
{
    switch (state) {
    case StepState::passed: return "pass";
    case StepState::failed: return "FAIL";
    case StepState::skipped: return "skip";
    case StepState::ahead:
    case StepState::current: break;
    }
    return "----";
}

std::string padded(std::string text, std::size_t width)
{
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

// Number of bytes of the UTF-8 sequence that starts `text`, 0 if it is none (RFC 3629).
std::size_t utf8_length(std::string_view text)
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto first = byte(0);
    const std::size_t length = first < 0x80 ? 1
        : first >= 0xc2 && first < 0xe0     ? 2
        : first >= 0xe0 && first < 0xf0     ? 3
        : first >= 0xf0 && first < 0xf5     ? 4
                                            : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t at = 1; at < length; ++at)
        if ((byte(at) & 0xc0) != 0x80) return 0;
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0)) return 0;
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
    return length;
}

} // namespace

std::string clean_text(std::string_view text)
{
    std::string clean;
    while (!text.empty()) {
        const auto length = utf8_length(text);
        const auto byte = static_cast<unsigned char>(text[0]);
        const bool is_control = length == 1 && (byte < 0x20 || byte == 0x7f) && byte != '\n' && byte != '\t';
        // U+FFFE and U+FFFF are characters that XML forbids.
        const bool is_forbidden = length == 3 && (text.starts_with("\xef\xbf\xbe") || text.starts_with("\xef\xbf\xbf"));
        if (length == 0 || is_control || is_forbidden)
            clean += '?';
        else
            clean += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

bool GradeReport::passed() const
{
    return graded() && std::ranges::none_of(steps, [](const auto& step) {
        return step.state != StepState::passed && step.state != StepState::skipped;
    });
}

void fill_report(GradeReport& report, const LessonRun& run)
{
    const auto& lesson = run.lesson();
    report.lesson_id = lesson.id;
    report.lesson_title = lesson.title;
    report.steps.clear();
    for (std::size_t index = 0; index < lesson.steps.size(); ++index) {
        const auto& step = lesson.steps[index];
        if (std::holds_alternative<ReadStep>(step.action)) continue;
        const auto& result = run.result(index);
        report.steps.push_back({ step.id, step.title, result.state, result.points,
            result.state == StepState::skipped ? 0 : step.points, result.sentence });
    }
    const auto score = run.score();
    report.points = score.points;
    report.possible = score.possible;
}

Result<ReportFormat> report_format_of_name(std::string_view name)
{
    if (name == "text") return ReportFormat::text;
    if (name == "gradescope") return ReportFormat::gradescope;
    if (name == "junit") return ReportFormat::junit;
    if (name == "csv") return ReportFormat::csv;
    return failure(
        compose("there is no format \"{}\"; the formats are text, gradescope, junit, csv", printable(name, 40)));
}

std::string render(std::span<const GradeReport> reports, ReportFormat format)
{
    switch (format) {
    case ReportFormat::gradescope: return reports.empty() ? "{}\n" : gradescope_report(reports.front());
    case ReportFormat::junit: return junit_report(reports);
    case ReportFormat::csv: return csv_report(reports);
    case ReportFormat::text: break;
    }
    return text_report(reports);
}

std::string text_report(std::span<const GradeReport> reports)
{
    std::string text;
    for (const auto& report : reports) {
        text += compose("{} ({}), submission \"{}\"\n", report.lesson_title, report.lesson_id, report.submission);
        if (!report.grader_problem.empty()) {
            text += "  could not be graded: " + report.grader_problem + "\n";
            continue;
        }
        if (!report.program_problem.empty()) {
            text += "  " + report.program_problem + "\n";
        } else {
            for (const auto& step : report.steps) {
                const auto points = step.possible == 0 ? std::string() : compose("{}/{}", step.points, step.possible);
                text += compose("  {}  {}  {}\n", mark(step.state), padded(points, 5), step.title);
                if (step.state == StepState::failed) text += "               " + step.sentence + "\n";
            }
        }
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.1f", report.seconds);
        text += compose("  {}: {} of {} points, {} s\n", report.passed() ? "passed" : "not passed", report.points,
            report.possible, seconds);
    }
    return clean_text(text);
}

} // namespace orrery::inspector::lessons
