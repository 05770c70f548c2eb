// A lesson on the worker's machine: the student's copy of the program, its build, and the run through the steps.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/phases/stepper.h"
#include "inspector/core/session/session.h"
#include "inspector/lessons/lesson_run.h"
#include "inspector/models/lesson_values.h"

namespace orrery::inspector {

// Belongs to the worker's thread. Knows nothing of Qt's event loop; the worker moves the machine and tells it.
class MachineLesson {
public:
    // Copies the starter to a folder of the student's own, if there is none yet. Errors: the lesson's, or the folder
    // can't be made.
    static Result<std::unique_ptr<MachineLesson>> open(const std::filesystem::path& directory);
    ~MachineLesson();

    // Compiles the student's program and packs it into an initrd. Errors: no compiler, no room. A program that does not
    // compile is `problem` of the picture, and no machine is wanted: false.
    Result<bool> build(const std::filesystem::path& os_build, const std::filesystem::path& kernel);
    LaunchOptions launch_options() const; // after build()
    const std::string& program_name() const { return run_.lesson().program.name; }
    const DebugInfoPointer& program() const { return program_; }
    void machine_started(); // back to the first step, if the student was further on

    std::optional<lessons::Movement> movement() const { return run_.movement(); }
    // Null names: the machine has ended.
    lessons::Outcome machine_stopped(const lessons::MachineStop& stop, const lessons::ProgramNames* names);
    void advance();
    void answer(const QString& text);
    void look(const SnapshotPointer& snapshot, const lessons::ProgramNames* names);
    void hint();

    LessonPicture picture() const;

private:
    explicit MachineLesson(lessons::LessonPointer lesson);
    void take(const lessons::Outcome& outcome);

    lessons::LessonRun run_;
    std::filesystem::path folder_; // the student's
    std::filesystem::path work_;   // build output; removed in the end
    std::filesystem::path kernel_, initrd_;
    DebugInfoPointer program_;
    QString problem_, verdict_;
    QStringList hints_;
    bool passed_ = false;
};

// The student's globals, read from the guest's memory as the last picture has it.
class GuestNames final : public lessons::ProgramNames {
public:
    GuestNames(const Session& session, DebugInfoPointer program, std::string name, SnapshotPointer snapshot)
        : session_(session)
        , program_(std::move(program))
        , name_(std::move(name))
        , snapshot_(std::move(snapshot))
    {
    }
    std::optional<std::uint64_t> address(std::string_view symbol) const override;
    std::optional<std::int64_t> variable(std::string_view symbol) const override;

private:
    const Session& session_;
    DebugInfoPointer program_;
    std::string name_;
    SnapshotPointer snapshot_;
};

} // namespace orrery::inspector
