// A machine made of scripted snapshots: what the window is tested against when no guest is wanted.
#pragma once

#include <vector>

#include "inspector/models/snapshot_source.h"

namespace orrery::inspector::test {

class FakeSource : public SnapshotSource {
    Q_OBJECT
public:
    explicit FakeSource(QObject* parent = nullptr);

    // What a test sets up.
    void show(const Snapshot& snapshot);                     // as if it had just been read
    void become(RunState state, const QString& sentence = {});
    void stop_at(const StopReport& report);
    void answer_code(const CodePicture& code) { code_ = code; }
    void refuse_edits(const QString& problem) { edit_problem_ = problem; }
    void print(const QByteArray& bytes) { Q_EMIT console_received(bytes); }

    // What the window asked for.
    QStringList orders; // "start", "resume", "pause", "step phase", "quit", ...
    std::vector<StepRequest> steps;
    std::vector<EditRequest> edits;
    SourceBreakpoints wanted_breakpoints;
    bool watched = false;

    void start() override;
    void quit() override;
    void resume() override;
    void pause() override;
    void step(const StepRequest& request) override;
    void edit(const EditRequest& request) override;
    void set_breakpoints(const SourceBreakpoints& wanted) override;
    void request_code(std::uint32_t thread, std::uint64_t address) override;
    void set_watched(bool on) override { watched = on; }

private:
    CodePicture code_;
    QString edit_problem_;
};

// Two processes that trade entries over a ring; ping's main thread runs a handler for SIGUSR1 that SIGUSR2 interrupted.
Snapshot sample_snapshot();
Snapshot sample_deadlock(); // the same with two servers that call each other, and two threads that wait for them
CodePicture sample_code();
StopReport sample_stop();

} // namespace orrery::inspector::test
