// Where pictures of the machine come from and orders to it go: the seam between the window and everything below it.
#pragma once

#include <QObject>

#include "inspector/core/osmodel/snapshot.h"
#include "inspector/models/machine_values.h"

namespace orrery::inspector {

// All calls return at once, on the caller's thread (the window's); answers come as signals on that thread.
// The live machine and the tests' scripted one both implement this.
class SnapshotSource : public QObject {
    Q_OBJECT
public:
    explicit SnapshotSource(QObject* parent = nullptr);
    ~SnapshotSource() override;

    virtual void start() = 0; // boot or attach; also "try again"
    virtual void quit() = 0;  // end the guest, if it is ours; else detach

    virtual void resume() = 0;
    virtual void pause() = 0;
    virtual void step(const StepRequest& request) = 0;
    virtual void edit(const EditRequest& request) = 0;
    virtual void set_breakpoints(const SourceBreakpoints& wanted) = 0;
    virtual void request_code(std::uint32_t thread, std::uint64_t address) = 0; // address 0 = where the thread is
    // While nothing is visible no picture is taken.
    virtual void set_watched(bool watched) = 0;

    RunState run_state() const { return run_state_; }
    const SnapshotPointer& latest() const { return latest_; }
    // When it last began to run or step, by clock_milliseconds(): later changes are what that move did.
    qint64 resumed_at() const { return resumed_at_; }

Q_SIGNALS:
    void snapshot_changed();                                    // latest() is a new picture
    void run_state_changed(orrery::inspector::RunState state, const QString& sentence); // sentence "" or why
    void stopped(const orrery::inspector::StopReport& report);
    void edit_finished(const orrery::inspector::EditRequest& request, const QString& problem); // problem "" = done
    void code_arrived(const orrery::inspector::CodePicture& code);
    void breakpoints_changed(const orrery::inspector::SourceBreakpoints& resolved);
    void console_received(const QByteArray& bytes);
    void notice(const QString& sentence); // an order could not be carried out

protected:
    void publish(SnapshotPointer snapshot);
    void set_run_state(RunState state, const QString& sentence = {});

private:
    SnapshotPointer latest_;
    RunState run_state_ = RunState::absent;
    qint64 resumed_at_ = 1;
};

} // namespace orrery::inspector
