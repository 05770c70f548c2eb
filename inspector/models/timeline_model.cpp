// Merging of recorder pictures into one list without repeats.
#include "inspector/models/timeline_model.h"

#include <algorithm>

#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/sentences.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

TimelineModel::TimelineModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

std::uint64_t TimelineModel::identity(const TraceEvent& event)
{
    // A recorder is a CPU, or a thread's own; in it the sequence number is unique.
    const auto recorder = event.cpu >= 0 ? static_cast<std::uint64_t>(event.cpu) : 0x1000u + event.thread;
    return recorder << 44 ^ event.sequence;
}

void TimelineModel::update(const SnapshotPointer& snapshot)
{
    if (!snapshot) return;
    const bool restarted = snapshot_ && snapshot->boot_tsc != snapshot_->boot_tsc && !events_.empty();
    if (restarted) {
        beginRemoveRows({}, 0, static_cast<int>(events_.size()) - 1);
        events_.clear();
        known_.clear();
        endRemoveRows();
    }
    snapshot_ = snapshot;
    std::vector<TraceEvent> fresh;
    // Older than all that is kept: dropped before, so it must not come back.
    const auto oldest = events_.size() >= limit ? events_.front().time : 0;
    for (const auto& event : snapshot->trace)
        if (event.time >= oldest && known_.insert(identity(event)).second) fresh.push_back(event);
    if (fresh.empty()) return;
    std::sort(fresh.begin(), fresh.end(), [](const auto& a, const auto& b) {
        return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
    });
    insert(std::move(fresh));
    drop_oldest();
}

void TimelineModel::insert(std::vector<TraceEvent> fresh)
{
    // Recorders are read one after the other, so a few events are older than the newest known: those go in between.
    std::size_t taken = 0;
    while (taken < fresh.size() && !events_.empty() && fresh[taken].time < events_.back().time) {
        const auto place = std::upper_bound(events_.begin(), events_.end(), fresh[taken].time,
            [](std::uint64_t time, const TraceEvent& event) { return time < event.time; });
        const auto row = static_cast<int>(place - events_.begin());
        beginInsertRows({}, row, row);
        events_.insert(place, fresh[taken]);
        endInsertRows();
        ++taken;
    }
    if (taken == fresh.size()) return;
    const auto first = static_cast<int>(events_.size());
    beginInsertRows({}, first, first + static_cast<int>(fresh.size() - taken) - 1);
    events_.insert(events_.end(), fresh.begin() + static_cast<std::ptrdiff_t>(taken), fresh.end());
    endInsertRows();
}

void TimelineModel::drop_oldest()
{
    if (events_.size() <= limit) return;
    const auto count = events_.size() - limit;
    beginRemoveRows({}, 0, static_cast<int>(count) - 1);
    for (std::size_t i = 0; i < count; ++i) known_.erase(identity(events_[i]));
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(count));
    endRemoveRows();
}

void TimelineModel::mark_cause(std::uint64_t cause)
{
    if (cause == marked_cause_) return;
    marked_cause_ = cause;
    if (!events_.empty())
        Q_EMIT dataChanged(index(0, 0), index(static_cast<int>(events_.size()) - 1, column_count - 1));
}

QString TimelineModel::time_text(std::uint64_t time) const
{
    if (!snapshot_ || snapshot_->tsc_frequency == 0 || time < snapshot_->boot_tsc) return QString::number(time);
    const auto ticks = time - snapshot_->boot_tsc;
    const double microseconds = static_cast<double>(ticks) * 1e6 / static_cast<double>(snapshot_->tsc_frequency);
    return QStringLiteral("%1 ms").arg(microseconds / 1000, 0, 'f', 3);
}

int TimelineModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(events_.size());
}

int TimelineModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : column_count; }

QVariant TimelineModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& event = events_[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        switch (index.column()) {
        case time_column: return time_text(event.time);
        case cpu_column: return event.cpu < 0 ? tr("user") : QString::number(event.cpu);
        case thread_column:
            return event.thread == 0 ? tr("–")
                : snapshot_->thread(event.thread)
                ? QStringLiteral("%1 %2").arg(event.thread).arg(text(snapshot_->thread(event.thread)->space_name))
                : QString::number(event.thread);
        case phase_column: return phase_text(event.phase);
        case what_column: return event_sentence(*snapshot_, event);
        case cause_column: return event.cause == 0 ? QString() : QStringLiteral("#%1").arg(event.cause, 0, 16);
        default: return {};
        }
    case Qt::ToolTipRole: {
        if (event.phase >= abi::Phase::count) return {};
        const auto& description = abi::phase_table[static_cast<std::size_t>(event.phase)];
        QStringList lines { QLatin1String(description.sentence) };
        for (std::size_t i = 0; i < event.arguments.size(); ++i)
            if (qstrcmp(description.arguments[i], "unused") != 0)
                lines += QStringLiteral("%1: %2").arg(QLatin1String(description.arguments[i]), hex_text(event.arguments[i]));
        return lines.join(QLatin1Char('\n'));
    }
    case cause_role: return QVariant::fromValue<quint64>(event.cause);
    case thread_role: return event.thread;
    case phase_role: return static_cast<int>(event.phase);
    case group_role:
        return event.phase < abi::Phase::count
            ? QLatin1String(abi::phase_table[static_cast<std::size_t>(event.phase)].group)
            : QLatin1String("unknown");
    default: return {};
    }
}

QVariant TimelineModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
    static constexpr const char* titles[] = { QT_TR_NOOP("Time"), QT_TR_NOOP("CPU"), QT_TR_NOOP("Thread"),
        QT_TR_NOOP("Phase"), QT_TR_NOOP("What happened"), QT_TR_NOOP("Cause") };
    static constexpr const char* help[] = { QT_TR_NOOP("Since the machine started."),
        QT_TR_NOOP("The processor that recorded it; \"user\": the program itself, without the kernel."),
        QT_TR_NOOP("The thread that was running."), QT_TR_NOOP("The step of the phase table (os/abi/phase.h)."),
        QT_TR_NOOP("The step in words."),
        QT_TR_NOOP("Everything that one action led to has the same number: select a row to see the others marked.") };
    if (role == Qt::DisplayRole) return tr(titles[section]);
    if (role == Qt::ToolTipRole) return tr(help[section]);
    if (role == Qt::TextAlignmentRole) return static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter);
    return {};
}

} // namespace orrery::inspector
