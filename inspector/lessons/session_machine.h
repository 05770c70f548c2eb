// The grader's machine: a headless guest with one student's program, under instruction counting, so that equal programs
// are graded equally on every host and under every load.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "inspector/core/phases/stepper.h"
#include "inspector/lessons/guest_clock.h"
#include "inspector/lessons/lesson_walk.h"

namespace orrery::inspector::lessons {

struct SessionMachineOptions {
    std::filesystem::path kernel; // kernel.elf
    std::filesystem::path initrd; // with the student's program in it
    std::filesystem::path program; // the student's ELF file, with DWARF
    std::string program_name; // its name in the initrd
    LessonMachineSettings settings;
    // Only ends a machine that is broken or a host that is overloaded: what a student's program can do is bounded in
    // guest instructions.
    std::chrono::seconds hang_guard { 300 };
};

class SessionMachine final : public LessonMachine, private ProgramNames {
public:
    // Starts the guest, which stands before its first instruction. Errors: no kernel, no QEMU, and what Session says.
    static Result<std::unique_ptr<SessionMachine>> start(const SessionMachineOptions& options);

    MachineStop move(const Movement& movement) override;
    Result<SnapshotPointer> snapshot() override;
    const ProgramNames* names() const override { return this; }

    // Not "": the machine itself failed, which is not the program's doing.
    const std::string& problem() const { return problem_; }
    const Console& console() const { return session_->console(); }

private:
    SessionMachine() = default;
    std::optional<std::uint64_t> address(std::string_view symbol) const override;
    std::optional<std::int64_t> variable(std::string_view symbol) const override;

    Result<MachineStop> try_move(const Movement& movement);
    MachineStop phase_stop(const PhaseHit& hit);
    MachineStop stopped(MachineStop::Reason reason, std::string sentence);
    void take_snapshot();
    void count_tick(std::uint64_t cr3);
    std::optional<std::string> why_it_sleeps_for_ever();

    std::string program_name_;
    DebugInfoPointer kernel_, program_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<SnapshotReader> reader_;
    PhaseCatalog catalog_;
    std::unique_ptr<PhaseStepper> stepper_;
    std::optional<GuestClock> clock_; // nothing: the kernel has another shape; then only the hang guard is left
    SnapshotPointer snapshot_;
    std::uint64_t spent_ = 0; // instructions since the lesson was last told, in whole slices
    std::uint64_t switches_ = 0; // of all threads at the last look at an idle machine
    Deadline deadline_;
    std::string problem_;
    bool ended_ = false;
};

} // namespace orrery::inspector::lessons
