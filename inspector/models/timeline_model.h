// The flight recorder as a growing table: events stay after the guest has overwritten them, until the limit.
#pragma once

#include <deque>
#include <unordered_set>

#include <QAbstractTableModel>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

class TimelineModel : public QAbstractTableModel {
    Q_OBJECT
public:
    static constexpr std::size_t limit = 20'000; // events kept; the oldest go first
    enum Column { time_column, cpu_column, thread_column, phase_column, what_column, cause_column, column_count };
    enum Role { cause_role = Qt::UserRole + 20, thread_role, phase_role, group_role };

    explicit TimelineModel(QObject* parent = nullptr);

    // Takes the events that it does not have yet. A machine that started again clears the table.
    void update(const SnapshotPointer& snapshot);
    const TraceEvent& event_at(int row) const { return events_[static_cast<std::size_t>(row)]; }
    // Events with this cause are marked; 0 = none.
    void mark_cause(std::uint64_t cause);
    std::uint64_t marked_cause() const { return marked_cause_; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    static std::uint64_t identity(const TraceEvent& event);
    void insert(std::vector<TraceEvent> fresh);
    void drop_oldest();
    QString time_text(std::uint64_t time) const;

    std::deque<TraceEvent> events_; // ascending time
    std::unordered_set<std::uint64_t> known_;
    SnapshotPointer snapshot_; // for names
    std::uint64_t marked_cause_ = 0;
};

} // namespace orrery::inspector
