// Row tests of the timeline's filter.
#include "inspector/models/timeline_filter.h"

#include "inspector/models/timeline_model.h"

namespace orrery::inspector {

TimelineFilter::TimelineFilter(QObject* parent)
    : QSortFilterProxyModel(parent)
{
}

void TimelineFilter::set_group(const QString& group)
{
    if (group == group_) return;
    group_ = group;
    invalidateRowsFilter();
}

void TimelineFilter::set_thread(std::uint32_t thread)
{
    if (thread == thread_) return;
    thread_ = thread;
    invalidateRowsFilter();
}

void TimelineFilter::set_cause(std::uint64_t cause)
{
    if (cause == cause_) return;
    cause_ = cause;
    invalidateRowsFilter();
}

bool TimelineFilter::filterAcceptsRow(int row, const QModelIndex& parent) const
{
    const auto index = sourceModel()->index(row, 0, parent);
    if (!group_.isEmpty() && index.data(TimelineModel::group_role).toString() != group_) return false;
    if (thread_ != 0 && index.data(TimelineModel::thread_role).toUInt() != thread_) return false;
    return cause_ == 0 || index.data(TimelineModel::cause_role).toULongLong() == cause_;
}

} // namespace orrery::inspector
