// Carries out nothing, records everything.
#include "tests/gui/fake_source.h"

namespace orrery::inspector::test {

FakeSource::FakeSource(QObject* parent)
    : SnapshotSource(parent)
{
}

void FakeSource::show(const Snapshot& snapshot) { publish(std::make_shared<const Snapshot>(snapshot)); }

void FakeSource::become(RunState state, const QString& sentence) { set_run_state(state, sentence); }

void FakeSource::stop_at(const StopReport& report)
{
    set_run_state(RunState::stopped);
    Q_EMIT stopped(report);
}

void FakeSource::start()
{
    orders += QStringLiteral("start");
    set_run_state(RunState::starting);
}

void FakeSource::quit()
{
    orders += QStringLiteral("quit");
    if (run_state() != RunState::absent) set_run_state(RunState::ended);
}

void FakeSource::resume()
{
    orders += QStringLiteral("resume");
    set_run_state(RunState::running);
}

void FakeSource::pause()
{
    orders += QStringLiteral("pause");
    set_run_state(RunState::stopped);
}

void FakeSource::step(const StepRequest& request)
{
    orders += QStringLiteral("step");
    steps.push_back(request);
}

void FakeSource::edit(const EditRequest& request)
{
    orders += QStringLiteral("edit");
    edits.push_back(request);
    Q_EMIT edit_finished(request, edit_problem_);
}

void FakeSource::set_breakpoints(const SourceBreakpoints& wanted)
{
    wanted_breakpoints = wanted;
    auto resolved = wanted;
    for (auto& breakpoint : resolved) breakpoint.resolved = breakpoint.line < 1000;
    Q_EMIT breakpoints_changed(resolved);
}

void FakeSource::request_code(std::uint32_t thread, std::uint64_t)
{
    auto code = code_;
    if (code.thread == thread) Q_EMIT code_arrived(code);
}

} // namespace orrery::inspector::test
