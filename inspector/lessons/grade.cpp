// Build, pack, boot, walk, report.
#include "inspector/lessons/grade.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/initrd_archive.h"
#include "inspector/lessons/lesson_files.h"
#include "inspector/lessons/lesson_schema.h"
#include "inspector/lessons/session_machine.h"

namespace orrery::inspector::lessons {

namespace fs = std::filesystem;

namespace {

constexpr const char* answers_name = "answers.json";
constexpr std::uintmax_t most_initrd_bytes = std::uintmax_t { 64 } << 20;

class WorkFolder {
public:
    static Result<std::unique_ptr<WorkFolder>> make()
    {
        std::error_code problem;
        auto pattern = (fs::temp_directory_path(problem) / "orrery-grade-XXXXXX").string();
        if (problem || ::mkdtemp(pattern.data()) == nullptr)
            return failure("no temporary folder can be made; is the disk full, or TMPDIR wrong?");
        return std::make_unique<WorkFolder>(pattern);
    }
    explicit WorkFolder(fs::path made)
        : path(std::move(made))
    {
    }
    ~WorkFolder()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;
    const fs::path path;
};

Result<std::string> read_whole(const fs::path& file)
{
    std::error_code problem;
    const auto size = fs::file_size(file, problem);
    if (problem) return failure(compose("can't read {}: {}", printable(file.string()), problem.message()));
    if (size > most_initrd_bytes) return failure(compose("{} is too large", printable(file.string())));
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
        return failure(compose("can't read {}", printable(file.string())));
    return bytes;
}

Result<void> write_whole(const fs::path& file, std::string_view bytes)
{
    std::ofstream stream(file, std::ios::binary);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) return failure(compose("can't write {}; is the disk full?", printable(file.string())));
    return {};
}

// The initrd of the guest's build with the program in it, without the DWARF that the guest has no use for.
Result<fs::path> pack(
    const fs::path& os_build, const fs::path& executable, const std::string& name, const fs::path& folder)
{
    const auto original = TRY(read_whole(os_build / "initrd.tar"));
    const auto program = TRY(read_whole(executable));
    const auto archive = TRY(with_file(original, name, program));
    const auto path = folder / "initrd.tar";
    if (auto written = write_whole(path, archive); !written) return std::unexpected(written.error());
    return path;
}

// An object of texts by step id; a submission without the file has no answers.
Result<std::map<std::string, std::string>> read_answers(const fs::path& submission)
{
    std::map<std::string, std::string> answers;
    std::error_code ignored;
    if (!fs::exists(submission / answers_name, ignored)) return answers;
    const auto path = TRY(file_inside(submission, answers_name));
    const auto text = TRY(read_text_file(path));
    auto json = parse_json(text);
    if (!json) return failure(compose("{}: {}", answers_name, json.error().sentence));
    if (!json->is_object()) return failure(compose("{}: it must be an object of answers by step", answers_name));
    for (const auto& [id, answer] : json->items()) {
        if (!answer.is_string())
            return failure(compose("{}: the answer \"{}\" must be a text", answers_name, printable(id, 60)));
        answers.emplace(id, answer.get<std::string>());
    }
    return answers;
}

Result<void> walk(const LessonPointer& lesson, const fs::path& submission, const GradeOptions& options, LessonRun& run,
    GradeReport& report)
{
    GuestProgramBuilder guest_builder(options.source_tree, options.os_build);
    auto& builder = options.builder != nullptr ? *options.builder : guest_builder;
    auto answers = read_answers(submission);
    if (!answers) {
        report.program_problem = "the submission: " + answers.error().sentence;
        return {};
    }
    const auto work = TRY(WorkFolder::make());
    const auto built =
        TRY(builder.build(submission, lesson->program.sources, lesson->program.name, work->path / "build"));
    if (!built.problem.empty()) {
        report.program_problem = built.problem;
        return {};
    }
    SessionMachineOptions machine_options;
    machine_options.kernel = options.os_build / "kernel.elf";
    machine_options.initrd = TRY(pack(options.os_build, built.executable, lesson->program.name, work->path));
    machine_options.program = built.executable;
    machine_options.program_name = lesson->program.name;
    machine_options.settings = lesson->machine;
    machine_options.hang_guard = options.hang_guard;
    const auto machine = TRY(SessionMachine::start(machine_options));
    walk_lesson(run, *machine, { .answers = std::move(*answers) });
    report.console = machine->console().text();
    report.phases = run.history().events().size();
    if (!machine->problem().empty()) return failure(machine->problem());
    return {};
}

} // namespace

GradeReport grade(const LessonPointer& lesson, const fs::path& submission, const GradeOptions& options)
{
    const auto begin = std::chrono::steady_clock::now();
    GradeReport report;
    std::error_code problem;
    const auto folder = fs::canonical(submission, problem);
    report.submission = (problem ? submission : folder).filename().string();
    LessonRun run(lesson);
    if (problem || !fs::is_directory(folder, problem))
        report.program_problem = compose("there is no folder {} to grade", printable(submission.string()));
    else if (const auto done = walk(lesson, folder, options, run, report); !done)
        report.grader_problem = done.error().sentence;
    fill_report(report, run);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

std::string mutant_problem(const Mutant& mutant, const GradeReport& report)
{
    if (!report.grader_problem.empty()) return compose("mutant {}: {}", mutant.name, report.grader_problem);
    if (!report.program_problem.empty())
        return compose("mutant {} does not even build, so it shows nothing: {}", mutant.name, report.program_problem);
    for (const auto& id : mutant.refused_by) {
        const auto step = std::ranges::find(report.steps, id, &StepGrade::id);
        if (step == report.steps.end() || step->state != StepState::failed)
            return compose("mutant {} ({}) is not refused by the step \"{}\"", mutant.name, mutant.sentence, id);
    }
    return "";
}

SelfCheck self_check(
    const LessonPointer& lesson, const GradeOptions& options, const std::function<void(const GradeReport&)>& on_report)
{
    SelfCheck check;
    const auto grade_one = [&](const fs::path& folder) -> const GradeReport& {
        check.reports.push_back(grade(lesson, folder, options));
        if (on_report) on_report(check.reports.back());
        return check.reports.back();
    };
    const auto& solution = grade_one(lesson->solution);
    // Without a machine nothing can be said about anything else either.
    if (!solution.grader_problem.empty()) {
        check.problems.push_back(solution.grader_problem);
        return check;
    }
    if (!solution.passed()) check.problems.push_back("the solution does not pass");
    const auto& starter = grade_one(lesson->starter);
    if (!starter.graded()) check.problems.push_back("the starter does not build: " + starter.program_problem);
    if (starter.passed()) check.problems.push_back("the starter passes as it is, so nothing is left to do");
    for (const auto& mutant : lesson->mutants)
        if (auto problem = mutant_problem(mutant, grade_one(mutant.directory)); !problem.empty())
            check.problems.push_back(std::move(problem));
    return check;
}

} // namespace orrery::inspector::lessons
