// Painting of the elided label.
#include "inspector/views/common/elided_label.h"

#include <QPainter>

namespace orrery::inspector {

ElidedLabel::ElidedLabel(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void ElidedLabel::set_text(const QString& text)
{
    if (text == text_) return;
    text_ = text;
    setToolTip(text);
    setAccessibleName(text);
    update();
}

QSize ElidedLabel::sizeHint() const { return { fontMetrics().horizontalAdvance(text_), fontMetrics().height() + 2 }; }

QSize ElidedLabel::minimumSizeHint() const { return { 10, fontMetrics().height() + 2 }; }

void ElidedLabel::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setPen(palette().color(foregroundRole()));
    painter.drawText(rect(), Qt::AlignVCenter | Qt::AlignLeft, fontMetrics().elidedText(text_, Qt::ElideRight, width()));
}

} // namespace orrery::inspector
