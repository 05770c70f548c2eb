// The small common part of all sources: the latest picture and the run state.
#include "inspector/models/snapshot_source.h"

#include "inspector/models/keyed_table_model.h"

namespace orrery::inspector {

SnapshotSource::SnapshotSource(QObject* parent)
    : QObject(parent)
{
}

SnapshotSource::~SnapshotSource() = default;

void SnapshotSource::publish(SnapshotPointer snapshot)
{
    latest_ = std::move(snapshot);
    Q_EMIT snapshot_changed();
}

void SnapshotSource::set_run_state(RunState state, const QString& sentence)
{
    if (state == run_state_ && sentence.isEmpty()) return;
    run_state_ = state;
    if (state == RunState::running) resumed_at_ = clock_milliseconds();
    Q_EMIT run_state_changed(state, sentence);
}

} // namespace orrery::inspector
