// Timeline rows: a shape for the group of the phase, and a bar beside all rows of the marked cause.
#pragma once

#include "inspector/views/common/row_delegate.h"

namespace orrery::inspector {

class TimelineModel;

class TimelineDelegate : public RowDelegate {
    Q_OBJECT
public:
    TimelineDelegate(const TimelineModel* model, QObject* parent);
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    const TimelineModel* model_;
};

} // namespace orrery::inspector
