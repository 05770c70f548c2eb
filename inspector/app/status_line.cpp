// Painting of the status line.
#include "inspector/app/status_line.h"

#include <QAccessible>
#include <QPainter>
#include <QPainterPath>
#include <QTimer>

#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {
constexpr int notice_milliseconds = 12'000;
}

QString run_state_word(RunState state)
{
    switch (state) {
    case RunState::absent: return StatusLine::tr("No machine");
    case RunState::starting: return StatusLine::tr("Starting");
    case RunState::running: return StatusLine::tr("Running");
    case RunState::stopped: return StatusLine::tr("Stopped");
    case RunState::ended: return StatusLine::tr("Ended");
    case RunState::failed: return StatusLine::tr("Failed");
    }
    return {};
}

StatusLine::StatusLine(QWidget* parent)
    : QWidget(parent)
    , notice_end_(new QTimer(this))
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    notice_end_->setSingleShot(true);
    connect(notice_end_, &QTimer::timeout, this, [this] {
        notice_.clear();
        changed();
    });
    show_state(RunState::absent, tr("Press F5 to start the machine."));
}

void StatusLine::show_state(RunState state, const QString& sentence)
{
    state_ = state;
    state_sentence_ = sentence;
    changed();
}

void StatusLine::show_notice(const QString& sentence)
{
    notice_ = sentence;
    notice_end_->start(notice_milliseconds);
    changed();
}

QString StatusLine::sentence() const
{
    return notice_.isEmpty() ? run_state_word(state_) + QStringLiteral(": ") + state_sentence_ : notice_;
}

void StatusLine::changed()
{
    if (accessibleName() == sentence()) return;
    setAccessibleName(sentence());
    setToolTip(sentence());
    QAccessibleEvent spoken(this, QAccessible::Alert);
    QAccessible::updateAccessibility(&spoken);
    update();
}

QSize StatusLine::sizeHint() const { return { 400, fontMetrics().height() + 10 }; }

QSize StatusLine::minimumSizeHint() const { return { 100, fontMetrics().height() + 10 }; }

void StatusLine::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QPointF center(14, height() / 2.0);
    QPainterPath shape;
    QColor color;
    if (!notice_.isEmpty() || state_ == RunState::failed) { // a triangle with a stroke
        color = theme_color(ColorRole::problem, palette());
        shape.moveTo(center + QPointF(0, -6));
        shape.lineTo(center + QPointF(6.5, 5.5));
        shape.lineTo(center + QPointF(-6.5, 5.5));
    } else if (state_ == RunState::running || state_ == RunState::starting) {
        color = theme_color(ColorRole::deliverable, palette());
        shape.moveTo(center + QPointF(-4.5, -6));
        shape.lineTo(center + QPointF(6.5, 0));
        shape.lineTo(center + QPointF(-4.5, 6));
    } else if (state_ == RunState::stopped) {
        color = theme_color(ColorRole::allowed, palette());
        shape.addRect(QRectF(center.x() - 5.5, center.y() - 5.5, 4, 11));
        shape.addRect(QRectF(center.x() + 1.5, center.y() - 5.5, 4, 11));
    } else {
        color = palette().color(QPalette::PlaceholderText);
        shape.addRect(QRectF(center.x() - 5, center.y() - 5, 10, 10));
    }
    shape.closeSubpath();
    painter.fillPath(shape, color);

    auto x = 28;
    const auto baseline = QRect(0, 0, width(), height());
    if (notice_.isEmpty()) {
        auto bold = font();
        bold.setBold(true);
        painter.setFont(bold);
        painter.setPen(palette().color(QPalette::WindowText));
        const auto word = run_state_word(state_) + (state_sentence_.isEmpty() ? QString() : QStringLiteral(":"));
        painter.drawText(baseline.adjusted(x, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, word);
        x += painter.fontMetrics().horizontalAdvance(word) + 6;
        painter.setFont(font());
    }
    painter.setPen(palette().color(QPalette::WindowText));
    const auto text = notice_.isEmpty() ? state_sentence_ : notice_;
    painter.drawText(baseline.adjusted(x, 0, -4, 0), Qt::AlignVCenter | Qt::AlignLeft,
        fontMetrics().elidedText(text, Qt::ElideRight, width() - x - 4));
}

} // namespace orrery::inspector
