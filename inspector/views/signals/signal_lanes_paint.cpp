// Painting of the signal lanes. Shapes first, colour second: disc = pending, diamond = process, bar = blocked gate,
// open line = allowed, triangle = deliverable.
#include <algorithm>

#include <QPainter>
#include <QPainterPath>

#include "inspector/views/common/theme.h"
#include "inspector/views/signals/signal_lanes.h"
#include "inspector/views/signals/signal_lanes_geometry.h"

namespace orrery::inspector {

void SignalLanes::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const auto geometry = geometry_now();
    const auto& colors = palette();

    // Bytes are set apart, so that the eye can count.
    for (int group = 0; group < 2; ++group)
        for (int byte = 0; byte < 4; ++byte) {
            const auto first = geometry.cell(0, group * 32 + byte * 8 + 1);
            const QRectF block(first.left(), first.top(), geometry.cell_width * 8, geometry.lane_height * lane_count);
            painter.fillRect(block, byte % 2 == 0 ? colors.color(QPalette::AlternateBase) : colors.color(QPalette::Base));
        }
    painter.setPen(QPen(colors.color(QPalette::Midlight), 1));
    for (int group = 0; group < 2; ++group)
        for (int lane = 0; lane <= lane_count; ++lane) {
            const auto y = geometry.lanes_top(group) + lane * geometry.lane_height;
            painter.drawLine(QPointF(geometry.label_width, y), QPointF(geometry.label_width + 32 * geometry.cell_width, y));
        }
    if (selected_ != 0) {
        auto wash = colors.color(QPalette::Highlight);
        wash.setAlphaF(0.16f);
        painter.fillRect(geometry.column(selected_), wash);
    }
    paint_headings(painter, geometry);
    paint_lane_names(painter, geometry);
    for (int signal = 1; signal <= abi::signal_count; ++signal) paint_column(painter, geometry, signal);
    if (selected_ != 0) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colors.color(QPalette::Highlight), hasFocus() ? 2 : 1));
        painter.drawRoundedRect(geometry.column(selected_).adjusted(0.5, 0.5, -0.5, -0.5), 2, 2);
    }
}

void SignalLanes::paint_headings(QPainter& painter, const Geometry& geometry) const
{
    painter.save();
    for (int signal = 1; signal <= abi::signal_count; ++signal) {
        const auto box = geometry.heading(signal);
        const bool active = bit(pending_lane, signal) || bit(process_lane, signal) || signal == selected_;
        auto font = geometry.small_font;
        font.setBold(active);
        painter.setFont(font);
        painter.setPen(palette().color(active ? QPalette::Text : QPalette::PlaceholderText));
        if (signal <= abi::standard_signal_count) {
            painter.save();
            painter.translate(box.center().x(), box.bottom() - 3);
            painter.rotate(-90);
            painter.drawText(QRectF(0, -box.width() / 2, box.height(), box.width()), Qt::AlignLeft | Qt::AlignVCenter,
                short_signal_name(signal));
            painter.restore();
        } else if (geometry.cell_width >= QFontMetrics(font).horizontalAdvance(QStringLiteral("64")) + 1
            || signal % 4 == 1) {
            painter.drawText(box.adjusted(-6, 0, 6, 0), Qt::AlignHCenter | Qt::AlignVCenter, short_signal_name(signal));
        }
    }
    painter.restore();
}

void SignalLanes::paint_lane_names(QPainter& painter, const Geometry& geometry) const
{
    for (int group = 0; group < 2; ++group) {
        auto font = geometry.small_font;
        painter.setFont(font);
        painter.setPen(palette().color(QPalette::PlaceholderText));
        const auto top = geometry.lanes_top(group) - geometry.number_height;
        painter.drawText(QRectF(6, top, geometry.label_width - 10, geometry.number_height),
            Qt::AlignLeft | Qt::AlignVCenter, group == 0 ? tr("standard") : tr("realtime"));
        painter.setFont(this->font());
        for (int lane = 0; lane < lane_count; ++lane) {
            const auto cell = geometry.cell(lane, group * 32 + 1);
            paint_shape(painter, static_cast<Lane>(lane), QRectF(6, cell.top(), 12, cell.height()), true);
            painter.setPen(palette().color(QPalette::Text));
            painter.drawText(QRectF(22, cell.top(), geometry.label_width - 24, cell.height()),
                Qt::AlignLeft | Qt::AlignVCenter, lane_name(static_cast<Lane>(lane)));
        }
    }
}

void SignalLanes::paint_column(QPainter& painter, const Geometry& geometry, int signal) const
{
    const bool sent = bit(pending_lane, signal) || bit(process_lane, signal);
    if (sent) { // the way that it falls: as far as its gate lets it
        const auto from = geometry.cell(bit(process_lane, signal) ? process_lane : pending_lane, signal).center();
        const auto to = geometry.cell(bit(allowset_lane, signal) ? deliverable_lane : allowset_lane, signal).center();
        auto line = theme_color(ColorRole::pending, palette());
        line.setAlphaF(0.55f);
        painter.setPen(QPen(line, std::max(2.0, geometry.cell_width / 7)));
        painter.drawLine(from, to);
    }
    for (int lane = 0; lane < lane_count; ++lane) {
        const auto box = geometry.cell(lane, signal);
        if (const auto shown = strength(static_cast<Lane>(lane), signal); shown > 0) {
            auto wash = theme_color(ColorRole::changed, palette());
            wash.setAlphaF(static_cast<float>((is_dark(palette()) ? 0.45 : 0.75) * shown));
            painter.fillRect(box.adjusted(0.5, 0.5, -0.5, -0.5), wash);
            QPainterPath corner(box.topRight() + QPointF(-0.5, 0.5));
            corner.lineTo(box.topRight() + QPointF(-6, 0.5));
            corner.lineTo(box.topRight() + QPointF(-0.5, 6));
            corner.closeSubpath();
            painter.fillPath(corner, palette().color(QPalette::Text));
        }
        paint_shape(painter, static_cast<Lane>(lane), box, bit(static_cast<Lane>(lane), signal));
    }
}

void SignalLanes::paint_shape(QPainter& painter, Lane lane, const QRectF& box, bool set) const
{
    const auto center = box.center();
    const auto radius = std::min({ box.width() * 0.38, box.height() * 0.36, 6.5 });
    auto faint = palette().color(QPalette::Mid);
    if (lane == allowset_lane) {
        if (set) { // an open gate: the way goes through, between two posts
            painter.setPen(QPen(theme_color(ColorRole::allowed, palette()), 1.3));
            painter.drawLine(center + QPointF(-radius * 0.75, -radius * 0.7), center + QPointF(-radius * 0.75, radius * 0.7));
            painter.drawLine(center + QPointF(radius * 0.75, -radius * 0.7), center + QPointF(radius * 0.75, radius * 0.7));
        } else { // a closed one
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme_color(ColorRole::blocked, palette()));
            painter.drawRoundedRect(QRectF(center.x() - box.width() * 0.44, center.y() - radius * 0.42, box.width() * 0.88,
                                        radius * 0.84), 1.2, 1.2);
        }
        return;
    }
    if (!set) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(faint);
        painter.drawEllipse(center, 1.1, 1.1);
        return;
    }
    painter.setPen(QPen(palette().color(QPalette::Base), 1));
    QPainterPath shape;
    switch (lane) {
    case process_lane:
        shape.moveTo(center + QPointF(0, -radius));
        shape.lineTo(center + QPointF(radius, 0));
        shape.lineTo(center + QPointF(0, radius));
        shape.lineTo(center + QPointF(-radius, 0));
        shape.closeSubpath();
        painter.setBrush(theme_color(ColorRole::process, palette()));
        break;
    case pending_lane:
        shape.addEllipse(center, radius * 0.92, radius * 0.92);
        painter.setBrush(theme_color(ColorRole::pending, palette()));
        break;
    default:
        shape.moveTo(center + QPointF(-radius, -radius * 0.75));
        shape.lineTo(center + QPointF(radius, -radius * 0.75));
        shape.lineTo(center + QPointF(0, radius * 0.95));
        shape.closeSubpath();
        painter.setBrush(theme_color(ColorRole::deliverable, palette()));
        break;
    }
    painter.drawPath(shape);
}

} // namespace orrery::inspector
