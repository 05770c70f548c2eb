// Shapes: disc = signal, diamond = ring, square = thread, triangle = fault, ring = space.
#include "inspector/views/timeline/timeline_delegate.h"

#include <QPainter>
#include <QPainterPath>

#include "inspector/models/timeline_model.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

constexpr int shape_width = 18;

void paint_group(QPainter& painter, const QRectF& box, const QString& group, const QPalette& palette)
{
    const auto center = box.center();
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath path;
    auto color = theme_color(ColorRole::pending, palette);
    bool filled = true;
    if (group == QLatin1String("signal")) {
        path.addEllipse(center, 4, 4);
    } else if (group == QLatin1String("ring")) {
        color = theme_color(ColorRole::process, palette);
        path.moveTo(center + QPointF(0, -5));
        path.lineTo(center + QPointF(5, 0));
        path.lineTo(center + QPointF(0, 5));
        path.lineTo(center + QPointF(-5, 0));
        path.closeSubpath();
    } else if (group == QLatin1String("thread")) {
        color = theme_color(ColorRole::allowed, palette);
        path.addRect(QRectF(center.x() - 3.5, center.y() - 3.5, 7, 7));
    } else if (group == QLatin1String("fault")) {
        color = theme_color(ColorRole::problem, palette);
        path.moveTo(center + QPointF(0, -5));
        path.lineTo(center + QPointF(5, 4));
        path.lineTo(center + QPointF(-5, 4));
        path.closeSubpath();
    } else {
        color = palette.color(QPalette::PlaceholderText);
        path.addEllipse(center, 3.5, 3.5);
        filled = false;
    }
    if (filled) {
        painter.fillPath(path, color);
    } else {
        painter.setPen(QPen(color, 1.5));
        painter.drawPath(path);
    }
    painter.setRenderHint(QPainter::Antialiasing, false);
}

} // namespace

TimelineDelegate::TimelineDelegate(const TimelineModel* model, QObject* parent)
    : RowDelegate(parent)
    , model_(model)
{
    set_marks_rows(false);
}

void TimelineDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    auto shifted = option;
    const auto cause = index.data(TimelineModel::cause_role).toULongLong();
    const bool marked = cause != 0 && cause == model_->marked_cause();
    const bool selected = (option.state & QStyle::State_Selected) != 0;
    if (marked && !selected) {
        auto wash = theme_color(ColorRole::pending, option.palette);
        wash.setAlphaF(0.16f);
        painter->fillRect(option.rect, wash);
    }
    if (index.column() == TimelineModel::phase_column) {
        if (selected) painter->fillRect(QRect(option.rect.left(), option.rect.top(), shape_width, option.rect.height()),
            option.palette.color((option.state & QStyle::State_Active) != 0 ? QPalette::Active : QPalette::Inactive, QPalette::Highlight));
        paint_group(*painter, QRectF(option.rect.left() + 2, option.rect.top(), shape_width - 4, option.rect.height()),
            index.data(TimelineModel::group_role).toString(), option.palette);
        shifted.rect.setLeft(option.rect.left() + shape_width);
    }
    RowDelegate::paint(painter, shifted, index);
    if (marked && index.column() == 0)
        painter->fillRect(QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()),
            theme_color(ColorRole::pending, option.palette));
}

QSize TimelineDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    auto size = RowDelegate::sizeHint(option, index);
    if (index.column() == TimelineModel::phase_column) size.rwidth() += shape_width;
    return size;
}

} // namespace orrery::inspector
