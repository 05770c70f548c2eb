// Cell painting.
#include "inspector/views/common/row_delegate.h"

#include <QLineEdit>
#include <QPainter>
#include <QPainterPath>

#include "inspector/models/keyed_table_model.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

constexpr int mark_width = 14, padding = 5;

void paint_mark(QPainter& painter, const QRectF& box, Emphasis emphasis, const QPalette& palette, const QColor& text)
{
    painter.setRenderHint(QPainter::Antialiasing);
    const auto center = box.center();
    switch (emphasis) {
    case Emphasis::current: {
        QPainterPath arrow(center + QPointF(-3, -4));
        arrow.lineTo(center + QPointF(4, 0));
        arrow.lineTo(center + QPointF(-3, 4));
        arrow.closeSubpath();
        painter.fillPath(arrow, theme_color(ColorRole::current, palette));
        break;
    }
    case Emphasis::differs:
        painter.setPen(QPen(theme_color(ColorRole::pending, palette).darker(is_dark(palette) ? 100 : 125), 1.4));
        painter.drawLine(center + QPointF(-4, -1.7), center + QPointF(4, -1.7));
        painter.drawLine(center + QPointF(-4, 1.7), center + QPointF(4, 1.7));
        painter.drawLine(center + QPointF(-2, 4.2), center + QPointF(2, -4.2));
        break;
    case Emphasis::problem: {
        painter.setPen(QPen(theme_color(ColorRole::problem, palette), 1.6));
        painter.drawLine(center + QPointF(0, -4.5), center + QPointF(0, 1));
        painter.drawPoint(center + QPointF(0, 4));
        break;
    }
    case Emphasis::normal:
    case Emphasis::dimmed: break;
    }
    painter.setPen(text);
    painter.setRenderHint(QPainter::Antialiasing, false);
}

// How many characters of "0x000…" carry nothing.
qsizetype leading_zeros(const QString& text)
{
    if (!text.startsWith(QLatin1String("0x0")) || text.size() < 6) return 0;
    qsizetype at = 2;
    while (at < text.size() - 1 && text[at] == QLatin1Char('0')) ++at;
    return at;
}

} // namespace

RowDelegate::RowDelegate(QObject* parent)
    : QStyledItemDelegate(parent)
{
}

qreal RowDelegate::change_strength(const QModelIndex& index) const
{
    const auto at = index.data(changed_at_role).toLongLong();
    if (at <= 0) return 0;
    if (hold_since_ > 0 && at >= hold_since_) return 1;
    const auto age = clock_milliseconds() - at;
    return age >= fade_milliseconds ? 0 : 1 - static_cast<qreal>(age) / fade_milliseconds;
}

void RowDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const
{
    QStyledItemDelegate::initStyleOption(option, index);
    if (index.data(fixed_pitch_role).toBool()) option->font = fixed_font(option->font);
    const auto emphasis = static_cast<Emphasis>(index.data(emphasis_role).toInt());
    if (emphasis == Emphasis::current) option->font.setBold(true);
    if (emphasis == Emphasis::dimmed)
        option->palette.setColor(QPalette::Text, option->palette.color(QPalette::PlaceholderText));
    option->fontMetrics = QFontMetrics(option->font);
}

void RowDelegate::paint(QPainter* painter, const QStyleOptionViewItem& given, const QModelIndex& index) const
{
    QStyleOptionViewItem option = given;
    initStyleOption(&option, index);
    const auto* style = option.widget ? option.widget->style() : nullptr;
    painter->save();
    if (style) style->drawPrimitive(QStyle::PE_PanelItemViewItem, &option, painter, option.widget);

    const bool selected = (option.state & QStyle::State_Selected) != 0;
    const auto strength = change_strength(index);
    if (strength > 0) {
        const auto mark = theme_color(ColorRole::changed, option.palette);
        if (!selected) {
            auto wash = mark;
            wash.setAlphaF(static_cast<float>((is_dark(option.palette) ? 0.30 : 0.45) * strength));
            painter->fillRect(option.rect, wash);
        }
        QPainterPath corner(option.rect.topRight() + QPointF(1, 0));
        corner.lineTo(option.rect.topRight() + QPointF(-6, 0));
        corner.lineTo(option.rect.topRight() + QPointF(1, 7));
        corner.closeSubpath();
        painter->fillPath(corner, theme_color(ColorRole::pending, option.palette));
    }

    auto box = option.rect.adjusted(padding, 0, -padding, 0);
    const auto text_role = selected ? QPalette::HighlightedText : QPalette::Text;
    const auto group = (option.state & QStyle::State_Enabled) != 0 ? QPalette::Active : QPalette::Disabled;
    const auto color = option.palette.color(group, text_role);
    painter->setPen(color);
    if (index.column() == 0 && marks_rows_) {
        const auto emphasis = static_cast<Emphasis>(index.data(emphasis_role).toInt());
        paint_mark(*painter, QRectF(option.rect.left() + 2, option.rect.top(), mark_width, option.rect.height()), emphasis,
            option.palette, color);
        box.setLeft(option.rect.left() + mark_width + 3);
    }
    painter->setFont(option.font);
    const auto text = option.fontMetrics.elidedText(option.text, Qt::ElideRight, box.width());
    if (const auto zeros = leading_zeros(text); zeros > 0) {
        const auto head = text.left(zeros);
        auto dim = color;
        dim.setAlphaF(0.42f);
        painter->setPen(dim);
        painter->drawText(box, Qt::AlignVCenter | Qt::AlignLeft, head);
        painter->setPen(color);
        box.setLeft(box.left() + option.fontMetrics.horizontalAdvance(head));
        painter->drawText(box, Qt::AlignVCenter | Qt::AlignLeft, text.mid(zeros));
    } else {
        painter->drawText(box, Qt::AlignVCenter | Qt::AlignLeft, text);
    }
    if ((option.state & QStyle::State_HasFocus) != 0 && style) {
        QStyleOptionFocusRect focus;
        focus.QStyleOption::operator=(option);
        focus.backgroundColor = option.palette.color(selected ? QPalette::Highlight : QPalette::Base);
        style->drawPrimitive(QStyle::PE_FrameFocusRect, &focus, painter, option.widget);
    }
    painter->restore();
}

QSize RowDelegate::sizeHint(const QStyleOptionViewItem& given, const QModelIndex& index) const
{
    QStyleOptionViewItem option = given;
    initStyleOption(&option, index);
    auto width = option.fontMetrics.horizontalAdvance(option.text) + 2 * padding + 2;
    if (index.column() == 0 && marks_rows_) width += mark_width;
    return { width, option.fontMetrics.height() + 4 };
}

QWidget* RowDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    auto* editor = QStyledItemDelegate::createEditor(parent, option, index);
    if (auto* line = qobject_cast<QLineEdit*>(editor)) {
        line->setFont(fixed_font(option.font));
        line->setFrame(false);
        line->setAccessibleName(index.model()->headerData(index.column(), Qt::Horizontal).toString());
    }
    return editor;
}

} // namespace orrery::inspector
