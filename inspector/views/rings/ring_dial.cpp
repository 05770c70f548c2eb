// Painting of the dial. Used slots are filled and thick, free ones hollow and thin; the producer's hand points in from
// outside and says P, the consumer's points out from inside and says C.
#include "inspector/views/rings/ring_dial.h"

#include <algorithm>
#include <cmath>

#include <QPainter>
#include <QPainterPath>

#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

QPointF on_circle(const QPointF& center, qreal radius, qreal degrees)
{
    const auto radians = degrees * M_PI / 180;
    return center + QPointF(std::sin(radians) * radius, -std::cos(radians) * radius);
}

QPainterPath arc_band(const QPointF& center, qreal inner, qreal outer, qreal from, qreal span)
{
    // Qt counts degrees counter-clockwise from three o'clock.
    const QRectF outer_box(center.x() - outer, center.y() - outer, 2 * outer, 2 * outer);
    const QRectF inner_box(center.x() - inner, center.y() - inner, 2 * inner, 2 * inner);
    QPainterPath path;
    path.arcMoveTo(outer_box, 90 - from);
    path.arcTo(outer_box, 90 - from, -span);
    path.arcTo(inner_box, 90 - from - span, span);
    path.closeSubpath();
    return path;
}

} // namespace

RingDial::RingDial(QWidget* parent)
    : QWidget(parent)
{
    setAccessibleName(tr("Ring"));
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
}

void RingDial::show_ring(const RingView& ring)
{
    const auto used = std::min(ring.used(), ring.capacity);
    const bool broken = !ring.valid || ring.kernel_broken != 0 || ring.producer.broken != 0 || ring.consumer.broken != 0
        || ring.used() > ring.capacity;
    const bool producer_sleeps = ring.producer.thread != 0, consumer_sleeps = ring.consumer.thread != 0;
    if (capacity_ == ring.capacity && producer_ == ring.producer.index && consumer_ == ring.consumer.index
        && producer_sleeps_ == producer_sleeps && consumer_sleeps_ == consumer_sleeps && broken_ == broken)
        return;
    capacity_ = ring.capacity;
    producer_ = ring.producer.index;
    consumer_ = ring.consumer.index;
    used_ = used;
    producer_sleeps_ = producer_sleeps;
    consumer_sleeps_ = consumer_sleeps;
    broken_ = broken;
    update();
}

bool RingDial::slot_is_used(std::uint32_t slot) const
{
    return capacity_ != 0 && ((slot - consumer_) & (capacity_ - 1)) < used_;
}

RingDial::Circle RingDial::circle() const
{
    const auto room = std::min(width(), height()) / 2.0;
    const auto outer = room - fontMetrics().height() - 10;
    return { QPointF(width() / 2.0, height() / 2.0), outer, outer * 0.74 };
}

qreal RingDial::angle_of(std::uint32_t slot) const
{
    return capacity_ == 0 ? 0 : 360.0 * ((slot & (capacity_ - 1)) + 0.5) / capacity_;
}

QPointF RingDial::slot_center(std::uint32_t slot) const
{
    const auto place = circle();
    return on_circle(place.center, (place.outer + place.inner) / 2, angle_of(slot));
}

void RingDial::paintEvent(QPaintEvent*)
{
    if (capacity_ == 0) return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const auto place = circle();
    paint_slots(painter, place);
    paint_hand(painter, place, true);
    paint_hand(painter, place, false);
    paint_middle(painter, place);
}

void RingDial::paint_slots(QPainter& painter, const Circle& place) const
{
    const auto& colors = palette();
    const auto used_fill = theme_color(ColorRole::pending, colors);
    if (capacity_ > drawn_slots_limit) { // one band for all
        painter.setPen(QPen(colors.color(QPalette::Mid), 1));
        painter.setBrush(colors.color(QPalette::AlternateBase));
        painter.drawPath(arc_band(place.center, place.inner, place.outer, 0, 359.99));
        painter.setPen(Qt::NoPen);
        painter.setBrush(used_fill);
        const auto from = 360.0 * (consumer_ & (capacity_ - 1)) / capacity_;
        if (used_ > 0) painter.drawPath(arc_band(place.center, place.inner + 2, place.outer - 2, from, std::min(359.99, 360.0 * used_ / capacity_)));
        return;
    }
    const auto step = 360.0 / capacity_;
    const auto gap = std::min(2.0, step * 0.18);
    auto small = font();
    small.setPointSizeF(std::max(6.5, small.pointSizeF() * 0.78));
    painter.setFont(small);
    const auto depth = place.outer - place.inner;
    const bool numbered = capacity_ <= 32 && step * place.inner * M_PI / 180 > QFontMetrics(small).horizontalAdvance(QStringLiteral("00"));
    for (std::uint32_t slot = 0; slot < capacity_; ++slot) {
        const bool used = slot_is_used(slot);
        const auto from = slot * step + gap / 2;
        if (used) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(used_fill);
            painter.drawPath(arc_band(place.center, place.inner, place.outer, from, step - gap));
        } else {
            painter.setPen(QPen(colors.color(QPalette::Mid), 1));
            painter.setBrush(colors.color(QPalette::AlternateBase));
            painter.drawPath(arc_band(place.center, place.inner + depth * 0.14, place.outer - depth * 0.14, from, step - gap));
        }
        if (!numbered) continue;
        const auto at = on_circle(place.center, (place.outer + place.inner) / 2, (slot + 0.5) * step);
        painter.setPen(used ? QColor(0x1b, 0x1b, 0x1b) : colors.color(QPalette::PlaceholderText));
        painter.drawText(QRectF(at.x() - 14, at.y() - 9, 28, 18), Qt::AlignCenter, QString::number(slot));
    }
    painter.setFont(font());
}

void RingDial::paint_hand(QPainter& painter, const Circle& place, bool producer) const
{
    const auto index = producer ? producer_ : consumer_;
    const auto angle = angle_of(index);
    const auto color = theme_color(producer ? ColorRole::producer : ColorRole::consumer, palette());
    const auto tip_radius = producer ? place.outer + 1 : place.inner - 1;
    const auto back = producer ? 9.0 : -9.0;
    const auto tip = on_circle(place.center, tip_radius, angle);
    const auto side_angle = 5.0 * 60 / std::max(place.outer, 40.0);
    QPainterPath hand(tip);
    hand.lineTo(on_circle(place.center, tip_radius + back, angle - side_angle));
    hand.lineTo(on_circle(place.center, tip_radius + back, angle + side_angle));
    hand.closeSubpath();
    const bool sleeps = producer ? producer_sleeps_ : consumer_sleeps_;
    if (sleeps) { // hollow: it points, but nobody is awake there
        painter.setPen(QPen(color, 1.4));
        painter.setBrush(Qt::NoBrush);
        painter.drawPath(hand);
    } else {
        painter.fillPath(hand, color);
    }
    auto bold = font();
    bold.setBold(true);
    painter.setFont(bold);
    painter.setPen(color);
    const auto at = on_circle(place.center, tip_radius + (producer ? 9.0 + fontMetrics().height() * 0.5 : -9.0 - fontMetrics().height() * 0.55), angle);
    painter.drawText(QRectF(at.x() - 12, at.y() - 10, 24, 20), Qt::AlignCenter, producer ? tr("P") : tr("C"));
    painter.setFont(font());
}

void RingDial::paint_middle(QPainter& painter, const Circle& place) const
{
    auto big = font();
    big.setPointSizeF(big.pointSizeF() * 1.6);
    big.setBold(true);
    const QFontMetrics big_metrics(big);
    painter.setFont(big);
    painter.setPen(palette().color(QPalette::Text));
    const auto number = broken_ ? tr("broken") : QStringLiteral("%1/%2").arg(used_).arg(capacity_);
    const QRectF line(place.center.x() - place.inner, place.center.y() - big_metrics.height() * 0.75, 2 * place.inner, big_metrics.height());
    if (broken_) painter.setPen(theme_color(ColorRole::problem, palette()));
    painter.drawText(line, Qt::AlignCenter, number);
    painter.setFont(font());
    painter.setPen(palette().color(QPalette::PlaceholderText));
    if (broken_) return;
    const auto below = line.translated(0, big_metrics.height() * 0.85);
    painter.drawText(below, Qt::AlignCenter, tr("slots used"));
    const auto sleeper = producer_sleeps_ && consumer_sleeps_ ? tr("both sleep")
        : producer_sleeps_                                    ? tr("P sleeps")
        : consumer_sleeps_                                    ? tr("C sleeps")
                                                              : QString();
    painter.drawText(below.translated(0, fontMetrics().height()), Qt::AlignCenter, sleeper);
}

} // namespace orrery::inspector
