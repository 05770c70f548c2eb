// State, input and sizes of the lanes; signal_lanes_paint.cpp draws them.
#include "inspector/views/signals/signal_lanes.h"

#include <algorithm>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QTimer>
#include <QToolTip>

#include "inspector/models/keyed_table_model.h"
#include "inspector/models/text.h"
#include "inspector/views/common/row_delegate.h"
#include "inspector/views/signals/signal_lanes_geometry.h"

namespace orrery::inspector {

SignalLanes::SignalLanes(QWidget* parent)
    : QWidget(parent)
    , fade_(new QTimer(this))
{
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Signal bits"));
    setAccessibleDescription(tr("Arrow keys move between signals; Control with an arrow goes to the next pending one."));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
    fade_->setInterval(50);
    connect(fade_, &QTimer::timeout, this, [this] {
        update();
        const auto oldest_fading = clock_milliseconds() - RowDelegate::fade_milliseconds;
        for (const auto& lane : changed_at_)
            for (const auto at : lane)
                if (at > oldest_fading && (hold_since_ == 0 || at < hold_since_)) return;
        fade_->stop();
    });
}

void SignalLanes::show_words(std::uint32_t identity, const SignalView& words)
{
    const std::array<std::uint64_t, lane_count> next { words.process_pending, words.pending, words.allowset,
        words.deliverable() };
    const bool same = known_ && identity == identity_;
    if (same && next == words_) return;
    const auto now = clock_milliseconds();
    for (std::size_t lane = 0; lane < next.size(); ++lane)
        for (std::size_t bit = 0; bit < changed_at_[lane].size(); ++bit)
            if (!same)
                changed_at_[lane][bit] = 0;
            else if (((next[lane] ^ words_[lane]) >> bit & 1) != 0)
                changed_at_[lane][bit] = now;
    words_ = next;
    identity_ = identity;
    known_ = true;
    if (same) fade_->start();
    update();
}

void SignalLanes::hold_changes_since(qint64 moment)
{
    hold_since_ = moment;
    fade_->start();
    update();
}

QString SignalLanes::lane_name(Lane lane)
{
    switch (lane) {
    case process_lane: return tr("to process");
    case pending_lane: return tr("pending");
    case allowset_lane: return tr("allowset");
    case deliverable_lane: return tr("deliverable");
    }
    return {};
}

bool SignalLanes::bit(Lane lane, int signal) const { return (words_[lane] & abi::signal_mask64(signal)) != 0; }

qreal SignalLanes::strength(Lane lane, int signal) const
{
    const auto at = changed_at_[lane][static_cast<std::size_t>(signal - 1)];
    if (at == 0) return 0;
    if (hold_since_ > 0 && at >= hold_since_) return 1;
    const auto age = clock_milliseconds() - at;
    return age >= RowDelegate::fade_milliseconds ? 0 : 1 - static_cast<qreal>(age) / RowDelegate::fade_milliseconds;
}

bool SignalLanes::marks_change(Lane lane, int signal) const { return strength(lane, signal) > 0; }

SignalLanes::Geometry SignalLanes::geometry_now() const
{
    Geometry geometry;
    auto small = font();
    small.setPointSizeF(std::max(6.5, small.pointSizeF() * 0.80));
    const QFontMetrics small_metrics(small);
    geometry.small_font = small;
    for (int lane = 0; lane < lane_count; ++lane)
        geometry.label_width = std::max(geometry.label_width, fontMetrics().horizontalAdvance(lane_name(static_cast<Lane>(lane))) + 30.0);
    geometry.cell_width = std::clamp((width() - geometry.label_width - 8.0) / 32, 9.0, 30.0);
    geometry.lane_height = std::max(fontMetrics().height() + 1, 15);
    geometry.name_height = small_metrics.horizontalAdvance(QStringLiteral("STKFLT")) + 6;
    geometry.number_height = small_metrics.height() + 3;
    const auto needed = geometry.height();
    if (height() > needed) { // spare room goes to the lanes, within reason
        const auto more = std::min((height() - needed) / (2.0 * lane_count), 8.0);
        geometry.lane_height += more;
    }
    return geometry;
}

QRectF SignalLanes::cell(Lane lane, int signal) const { return geometry_now().cell(lane, signal); }

int SignalLanes::signal_at(const QPointF& place) const
{
    const auto geometry = geometry_now();
    for (int signal = 1; signal <= abi::signal_count; ++signal)
        if (geometry.column(signal).contains(place)) return signal;
    return 0;
}

QSize SignalLanes::minimumSizeHint() const
{
    const auto geometry = geometry_now();
    const auto height = geometry.height_for(std::max(fontMetrics().height() + 1, 15));
    return { static_cast<int>(geometry.label_width) + 32 * 9 + 8, static_cast<int>(height) };
}

QSize SignalLanes::sizeHint() const
{
    const auto geometry = geometry_now();
    return { static_cast<int>(geometry.label_width) + 32 * 17 + 8, minimumSizeHint().height() };
}

void SignalLanes::select_signal(int signal)
{
    if (signal == selected_) return;
    selected_ = signal;
    update();
}

void SignalLanes::choose(int signal)
{
    if (signal == 0 || signal == selected_) return;
    select_signal(signal);
    Q_EMIT signal_selected(signal);
}

void SignalLanes::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton) choose(signal_at(event->position()));
}

void SignalLanes::mouseMoveEvent(QMouseEvent* event)
{
    if ((event->buttons() & Qt::LeftButton) != 0) choose(signal_at(event->position()));
}

int SignalLanes::next_pending(int from, int direction) const
{
    for (int distance = 1; distance <= abi::signal_count; ++distance) {
        const int signal = (from - 1 + direction * distance + 2 * abi::signal_count) % abi::signal_count + 1;
        if (bit(pending_lane, signal) || bit(process_lane, signal)) return signal;
    }
    return 0;
}

void SignalLanes::keyPressEvent(QKeyEvent* event)
{
    const int from = selected_ == 0 ? 1 : selected_;
    const bool jump = (event->modifiers() & Qt::ControlModifier) != 0;
    switch (event->key()) {
    case Qt::Key_Left: choose(jump ? next_pending(from, -1) : std::max(1, from - 1)); break;
    case Qt::Key_Right:
        choose(jump ? next_pending(from, +1) : selected_ == 0 ? 1 : std::min(abi::signal_count, from + 1));
        break;
    case Qt::Key_Up: choose(from > 32 ? from - 32 : from); break;
    case Qt::Key_Down: choose(from <= 32 ? from + 32 : from); break;
    case Qt::Key_Home: choose(1); break;
    case Qt::Key_End: choose(abi::signal_count); break;
    default: QWidget::keyPressEvent(event);
    }
}

bool SignalLanes::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int signal = signal_at(help->pos());
        if (signal == 0) {
            QToolTip::hideText();
        } else {
            const auto yes = [&](Lane lane) { return bit(lane, signal) ? tr("1") : tr("0"); };
            QToolTip::showText(help->globalPos(),
                tr("%1 (%2): %3\nsent to process %4, pending %5, allowed %6, deliverable %7")
                    .arg(signal_label(signal)).arg(signal).arg(QLatin1String(abi::signal_sentence(signal)))
                    .arg(yes(process_lane), yes(pending_lane), yes(allowset_lane), yes(deliverable_lane)),
                this);
        }
        return true;
    }
    return QWidget::event(event);
}

QString short_signal_name(int signal)
{
    if (signal >= abi::first_realtime_signal) return QString::number(signal);
    const auto name = signal_label(signal);
    return name.startsWith(QLatin1String("SIG")) ? name.mid(3) : QString::number(signal);
}

} // namespace orrery::inspector
