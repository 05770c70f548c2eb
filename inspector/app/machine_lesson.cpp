// Opening, building and showing a lesson.
#include "inspector/app/machine_lesson.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include <QCoreApplication>

#include "inspector/core/ram/virtual_memory.h"
#include "inspector/lessons/initrd_archive.h"
#include "inspector/lessons/program_builder.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

namespace fs = std::filesystem;
using lessons::StepState;
using lessons::Verdict;

namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("lesson", sentence); }

// ~/orrery/01-anatomy-of-a-signal, or what ORRERY_LESSON_WORK names.
fs::path students_folder(const std::string& lesson)
{
    if (const char* chosen = std::getenv("ORRERY_LESSON_WORK"); chosen && *chosen) return fs::path(chosen) / lesson;
    const char* home = std::getenv("HOME");
    return fs::path(home && *home ? home : ".") / "orrery" / lesson;
}

Result<std::string> read_file(const fs::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    if (!stream.is_open() || stream.bad()) return failure("can't read " + path.string());
    return bytes;
}

LessonStepLine::State state_of(StepState state)
{
    switch (state) {
    case StepState::ahead: return LessonStepLine::State::ahead;
    case StepState::current: return LessonStepLine::State::current;
    case StepState::passed: return LessonStepLine::State::passed;
    case StepState::failed: return LessonStepLine::State::failed;
    case StepState::skipped: return LessonStepLine::State::skipped;
    }
    return LessonStepLine::State::ahead;
}

} // namespace

MachineLesson::MachineLesson(lessons::LessonPointer lesson)
    : run_(std::move(lesson))
{
}

MachineLesson::~MachineLesson()
{
    std::error_code ignored;
    if (!work_.empty()) fs::remove_all(work_, ignored);
}

Result<std::unique_ptr<MachineLesson>> MachineLesson::open(const fs::path& directory)
{
    auto lesson = TRY(lessons::load_lesson(directory));
    std::unique_ptr<MachineLesson> result(new MachineLesson(lesson));
    result->folder_ = students_folder(lesson->id);
    std::error_code problem;
    fs::create_directories(result->folder_, problem);
    for (const auto& source : lesson->program.sources) {
        const auto target = result->folder_ / source;
        if (problem || fs::exists(target, problem)) continue; // what the student has written stays
        fs::create_directories(target.parent_path(), problem);
        fs::copy_file(lesson->starter / source, target, problem);
    }
    if (problem) return failure("the folder " + result->folder_.string() + " for your program can't be made: " + problem.message());
    auto pattern = (fs::temp_directory_path(problem) / "orrery-lesson-XXXXXX").string();
    if (problem || ::mkdtemp(pattern.data()) == nullptr) return failure("no temporary folder can be made; is the disk full?");
    result->work_ = pattern;
    return result;
}

Result<bool> MachineLesson::build(const fs::path& os_build, const fs::path& kernel)
{
    problem_.clear();
    kernel_ = kernel;
    const auto& lesson = run_.lesson();
    std::error_code ignored;
    fs::remove_all(work_ / "build", ignored);
    lessons::GuestProgramBuilder builder(ORRERY_SOURCE_DIR, os_build);
    const auto built = TRY(builder.build(folder_, lesson.program.sources, lesson.program.name, work_ / "build"));
    if (!built.problem.empty()) {
        problem_ = translate("Your program does not compile:\n%1").arg(text(built.problem));
        return false;
    }
    program_ = TRY(DebugInfo::load(built.executable));
    const auto archive = TRY(lessons::with_file(TRY(read_file(os_build / "initrd.tar")), lesson.program.name, TRY(read_file(built.executable))));
    initrd_ = work_ / "initrd.tar";
    std::ofstream stream(initrd_, std::ios::binary);
    stream.write(archive.data(), static_cast<std::streamsize>(archive.size()));
    stream.close();
    if (!stream) return failure("can't write " + initrd_.string() + "; is the disk full?");
    return true;
}

LaunchOptions MachineLesson::launch_options() const
{
    const auto& settings = run_.lesson().machine;
    LaunchOptions launch;
    launch.kernel = kernel_;
    launch.initrd = initrd_;
    launch.command_line = "run=" + program_name();
    launch.memory_mebibytes = settings.memory_mib;
    launch.cpus = settings.cpus;
    launch.stopped_at_start = true;
    return launch;
}

void MachineLesson::machine_started()
{
    const auto* step = run_.current();
    if (run_.history().events().empty() && step) return; // nothing has moved yet: reading may go on
    run_.restart();
    verdict_.clear();
    hints_.clear();
}

void MachineLesson::take(const lessons::Outcome& outcome)
{
    if (outcome.verdict == Verdict::go_on) return;
    verdict_ = text(outcome.sentence);
    passed_ = outcome.verdict == Verdict::passed || outcome.verdict == Verdict::arrived;
}

lessons::Outcome MachineLesson::machine_stopped(const lessons::MachineStop& stop, const lessons::ProgramNames* names)
{
    auto outcome = run_.machine_stopped(stop, names);
    take(outcome);
    return outcome;
}

void MachineLesson::advance()
{
    const auto outcome = run_.advance();
    take(outcome);
    if (outcome.verdict == Verdict::unusable) return;
    verdict_.clear();
    hints_.clear();
}

void MachineLesson::answer(const QString& given) { take(run_.answer(given.toStdString())); }

void MachineLesson::look(const SnapshotPointer& snapshot, const lessons::ProgramNames* names) { take(run_.look(snapshot, names)); }

void MachineLesson::hint()
{
    const auto hint = run_.next_hint();
    hints_ += hint.empty() ? translate("there is no further hint.") : text(hint);
}

LessonPicture MachineLesson::picture() const
{
    using lessons::Need;
    const auto& lesson = run_.lesson();
    LessonPicture picture;
    picture.open = true;
    picture.title = text(lesson.title);
    picture.summary = text(lesson.summary);
    picture.folder = text(folder_.string());
    picture.problem = problem_;
    for (std::size_t i = 0; i < lesson.steps.size(); ++i) {
        const auto& result = run_.result(i);
        LessonStepLine line;
        line.title = text(lesson.steps[i].title);
        line.state = i == run_.position() && result.state == StepState::ahead ? LessonStepLine::State::current : state_of(result.state);
        line.sentence = text(result.sentence);
        line.points = result.points;
        line.possible = lesson.steps[i].points;
        picture.steps += line;
    }
    picture.position = static_cast<int>(run_.position());
    switch (run_.need()) {
    case Need::reading: picture.need = LessonPicture::Need::reading; break;
    case Need::answer: picture.need = LessonPicture::Need::answer; break;
    case Need::movement: picture.need = LessonPicture::Need::movement; break;
    case Need::look: picture.need = LessonPicture::Need::look; break;
    case Need::nothing: picture.need = LessonPicture::Need::nothing; break;
    }
    if (const auto* step = run_.current()) {
        const auto& result = run_.result(run_.position());
        picture.text = text(step->text);
        if (!picture.text.trimmed().startsWith(QLatin1Char('#'))) picture.text.prepend(QStringLiteral("## %1\n\n").arg(text(step->title)));
        if (run_.position() == 0) picture.text += translate("\n\n---\n\nYour program is in `%1`: open it in an editor of your choice.").arg(picture.folder);
        if (const auto* predict = std::get_if<lessons::PredictStep>(&step->action)) {
            picture.question = text(predict->question);
            for (const auto& choice : predict->choices) picture.choices += text(choice);
            if (!result.right_answer.empty())
                picture.text += QStringLiteral("\n\n**%1** %2").arg(text(result.right_answer), text(predict->because));
        }
        picture.can_advance = run_.need() == Need::reading || (run_.need() == Need::look && result.attempts > 0);
    }
    if (const auto movement = run_.movement()) picture.movement = text(movement->in_words);
    picture.verdict = verdict_;
    picture.passed = passed_;
    picture.hints = hints_;
    const auto score = run_.score();
    picture.points = score.points;
    picture.possible = score.possible;
    return picture;
}

std::optional<std::uint64_t> GuestNames::address(std::string_view symbol) const
{
    const auto found = program_->symbol_named(symbol);
    return found ? std::optional(found->address) : std::nullopt;
}

std::optional<std::int64_t> GuestNames::variable(std::string_view symbol) const
{
    const auto found = program_->variable(symbol);
    if (!found || !snapshot_) return std::nullopt;
    const bool is_signed = found->type.kind == TypeKind::signed_integer;
    const bool is_number = is_signed || found->type.kind == TypeKind::unsigned_integer || found->type.kind == TypeKind::boolean;
    const auto size = found->type.size;
    if (!is_number || size == 0 || size > sizeof(std::int64_t)) return std::nullopt;
    for (const auto& space : snapshot_->spaces) {
        if (space.name != name_ || space.ended) continue;
        std::byte bytes[sizeof(std::int64_t)] {};
        if (!ram::AddressSpace(session_.memory(), space.cr3).read(found->address, std::span(bytes, size))) return std::nullopt;
        std::uint64_t value = 0;
        std::memcpy(&value, bytes, sizeof value);
        const auto unused = (sizeof value - size) * 8;
        return is_signed ? static_cast<std::int64_t>(value << unused) >> unused : static_cast<std::int64_t>(value);
    }
    return std::nullopt;
}

} // namespace orrery::inspector
