// Grades a submission: builds it, boots it, walks the lesson's steps on it, and reports. The same lesson and the same
// program give the same report, whatever host it runs on.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

#include "inspector/lessons/grade_report.h"
#include "inspector/lessons/program_builder.h"

namespace orrery::inspector::lessons {

struct GradeOptions {
    std::filesystem::path source_tree; // the project's root
    std::filesystem::path os_build; // kernel.elf, initrd.tar and the runtime of the guest
    std::chrono::seconds hang_guard { 300 };
    ProgramBuilder* builder = nullptr; // null: a GuestProgramBuilder of these two
};

// Never fails: what goes wrong is in the report, as the program's problem or as the grader's. Answers to predictions
// come from the submission's answers.json, if it has one.
GradeReport grade(const LessonPointer& lesson, const std::filesystem::path& submission, const GradeOptions& options);

// The lesson's own exam: the solution must pass, the starter and every mutant must be refused, and a mutant by all the
// steps that its entry names.
struct SelfCheck {
    std::vector<GradeReport> reports; // solution, starter, mutants
    std::vector<std::string> problems; // a sentence for each that was judged wrongly; empty = the lesson is sound
};
SelfCheck self_check(const LessonPointer& lesson, const GradeOptions& options,
    const std::function<void(const GradeReport&)>& on_report = {});
// What is wrong with a mutant's report; "" if it was refused as it should be.
std::string mutant_problem(const Mutant& mutant, const GradeReport& report);

} // namespace orrery::inspector::lessons
