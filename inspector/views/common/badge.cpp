// Painting of the freshness sign: disc = live, square = stopped, hollow ring = stale, broken disc = torn.
#include "inspector/views/common/badge.h"

#include <QPainter>

#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {
constexpr int shape_size = 9, gap = 5, side = 4;
}

QString freshness_word(Freshness freshness)
{
    switch (freshness) {
    case Freshness::live: return Badge::tr("live");
    case Freshness::stopped: return Badge::tr("stopped");
    case Freshness::stale: return Badge::tr("stale");
    case Freshness::torn: return Badge::tr("torn");
    }
    return {};
}

Badge::Badge(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    show_freshness(Freshness::stale, false);
}

void Badge::show_freshness(Freshness freshness, bool any)
{
    const auto word = any ? freshness_word(freshness) : tr("no data");
    if (word == word_) return;
    word_ = word;
    freshness_ = freshness;
    any_ = any;
    setAccessibleName(tr("Picture: %1").arg(word_));
    setToolTip(!any ? tr("Nothing has been read from a machine yet.")
            : freshness == Freshness::live    ? tr("Live: read while the machine runs.")
            : freshness == Freshness::stopped ? tr("Stopped: the machine stands still, and this is exactly its state.")
            : freshness == Freshness::stale   ? tr("Stale: the last thing that could be read. The machine may be elsewhere now.")
                                              : tr("Torn: the machine changed this while it was read; parts may not fit together."));
    updateGeometry();
    update();
}

QSize Badge::sizeHint() const
{
    const auto metrics = fontMetrics();
    return { side + shape_size + gap + metrics.horizontalAdvance(tr("stopped")) + side, metrics.height() + 2 };
}

void Badge::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF shape(side, (height() - shape_size) / 2.0, shape_size, shape_size);
    const auto text_color = palette().color(QPalette::WindowText);
    const auto dim = palette().color(QPalette::PlaceholderText);
    if (!any_) {
        painter.setPen(QPen(dim, 1.5));
        painter.drawLine(shape.left() + 1, shape.center().y(), shape.right() - 1, shape.center().y());
    } else {
        switch (freshness_) {
        case Freshness::live:
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme_color(ColorRole::deliverable, palette()));
            painter.drawEllipse(shape);
            break;
        case Freshness::stopped:
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme_color(ColorRole::allowed, palette()));
            painter.drawRect(shape.adjusted(0.5, 0.5, -0.5, -0.5));
            break;
        case Freshness::stale:
            painter.setPen(QPen(dim, 1.5));
            painter.drawEllipse(shape.adjusted(1, 1, -1, -1));
            painter.drawLine(shape.center(), shape.center() + QPointF(0, -2.5));
            painter.drawLine(shape.center(), shape.center() + QPointF(2, 0));
            break;
        case Freshness::torn:
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme_color(ColorRole::problem, palette()));
            painter.drawPie(shape.translated(-0.8, -0.8), 45 * 16, 180 * 16);
            painter.drawPie(shape.translated(0.8, 0.8), 225 * 16, 180 * 16);
            break;
        }
    }
    painter.setPen(any_ && freshness_ != Freshness::stale ? text_color : dim);
    painter.drawText(QRectF(side + shape_size + gap, 0, width(), height()), Qt::AlignVCenter | Qt::AlignLeft, word_);
}

} // namespace orrery::inspector
