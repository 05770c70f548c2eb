// The thread that owns the machine: it carries out orders one by one, and reads pictures while the machine runs.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include <QObject>

#include "inspector/app/machine_options.h"
#include "inspector/core/cancellation.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/result.h"
#include "inspector/models/lesson_values.h"
#include "inspector/models/machine_values.h"

class QTimer;

namespace orrery::inspector {

class DebugInfo;
class MachineLesson;
class PhaseCatalog;
class Session;
class SnapshotReader;
struct PhaseHit;
struct SourceStep;
struct Stop;

namespace lessons {
class ProgramNames;
}

// Lives in a thread of its own; all slots are called by queued connections. Only interrupt() and take_picture() may be
// called from another thread.
class MachineWorker : public QObject {
    Q_OBJECT
public:
    explicit MachineWorker(MachineOptions options);
    ~MachineWorker() override;

    // [any thread] Ends a step that is under way; the machine stands then.
    void interrupt();
    // [any thread] The newest picture, once for every picture_ready(). Pictures that nobody fetched are gone.
    SnapshotPointer take_picture();

    void start();
    void quit();
    void resume();
    void pause();
    void step(const StepRequest& request);
    void edit(const EditRequest& request);
    void set_breakpoints(const SourceBreakpoints& wanted);
    void send_code(std::uint32_t thread, std::uint64_t address);
    void set_watched(bool watched);
    void lesson_order(const LessonOrder& order);

Q_SIGNALS:
    void picture_ready();
    void state_changed(orrery::inspector::RunState state, const QString& sentence);
    void stopped(const orrery::inspector::StopReport& report);
    void edit_finished(const orrery::inspector::EditRequest& request, const QString& problem);
    void code_ready(const orrery::inspector::CodePicture& code);
    void breakpoints_resolved(const orrery::inspector::SourceBreakpoints& breakpoints);
    void console_received(const QByteArray& bytes);
    void notice(const QString& sentence);
    void lesson_changed(const orrery::inspector::LessonPicture& picture);

private:
    struct Machine; // what exists while there is a machine

    Result<std::unique_ptr<Machine>> make_machine();
    void poll();
    void set_pace();
    void change_state(RunState state, const QString& sentence = {});
    void picture(bool stands);
    void drain_console();
    void came_to_stop(const Stop& stop);
    void ended();
    StopReport report_of(const PhaseHit& hit) const;
    StopReport report_of(const Stop& stop, const QString& what) const;
    QString place_of(const Stop& stop) const;
    bool belongs_here(const Stop& stop) const;
    void step_phase(const StepRequest& request);
    void step_line(const StepRequest& request);
    Result<SourceStep> step_into(unsigned cpu);
    Result<unsigned> cpu_of(std::uint32_t thread) const;
    Result<void> carry_out_edit(const EditRequest& request);
    Result<void> arm_breakpoints();
    std::shared_ptr<const DebugInfo> file_for(std::uint64_t address, std::uint32_t thread) const;
    Error explain_failure(const Error& error);

    // machine_lesson_moves.cpp
    bool build_lesson();
    void lesson_move();
    void lesson_stopped(const PhaseHit& hit);
    void lesson_ended();
    std::unique_ptr<lessons::ProgramNames> lesson_names() const;

    MachineOptions options_;
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<MachineLesson> lesson_; // null: none is open
    bool lesson_machine_ = false;           // the machine runs the lesson's program
    QTimer* timer_;
    RunState state_ = RunState::absent;
    SnapshotPointer latest_;
    SourceBreakpoints breakpoints_;
    std::multimap<std::uint64_t, std::string> breakpoint_owners_; // address -> program, "" = kernel
    std::uint64_t console_read_ = 0;
    bool watched_ = true;
    Cancellation cancellation_;
    std::atomic<bool> busy_ { false }; // in a step that may take long

    std::mutex mailbox_lock_;
    SnapshotPointer mailbox_;
    bool announced_ = false;
};

} // namespace orrery::inspector
