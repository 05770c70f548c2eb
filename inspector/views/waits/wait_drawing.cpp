// Layout and painting. A wait that can end is a thin line, one of several possible helpers is dotted, and one of a deadlock is
// thick, in another colour, and carries a cross: no difference is one of colour alone.
#include "inspector/views/waits/wait_drawing.h"

#include <algorithm>
#include <cmath>

#include <QPainter>
#include <QPainterPath>

#include "inspector/models/text.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {
constexpr qreal margin = 12, column_gap = 56, row_gap = 14;
}

WaitDrawing::WaitDrawing(QWidget* parent)
    : QWidget(parent)
{
    setAccessibleName(tr("Wait-for graph"));
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
}

void WaitDrawing::show_graph(const WaitGraph& graph, const Snapshot& snapshot)
{
    std::vector<std::uint32_t> threads;
    for (const auto& edge : graph.edges) threads.insert(threads.end(), { edge.from, edge.to });
    std::ranges::sort(threads);
    threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
    const auto place = [&](std::uint32_t thread) {
        return static_cast<int>(std::ranges::lower_bound(threads, thread) - threads.begin());
    };
    std::vector<Node> nodes;
    for (const auto thread : threads) {
        const auto* found = snapshot.thread(thread);
        nodes.push_back({ thread, tr("thread %1").arg(thread), found ? text(found->space_name) : QString(), 0, 0,
            std::ranges::binary_search(graph.stuck, thread) });
    }
    std::vector<Arrow> arrows;
    for (const auto& edge : graph.edges) arrows.push_back({ place(edge.from), place(edge.to), edge.any, edge.dead });
    // Whom somebody waits for stands to the right of the waiter; in a circle that can't be, so the walk is bounded.
    bool moved = true;
    for (std::size_t round = 0; moved && round < nodes.size(); ++round) {
        moved = false;
        for (const auto& arrow : arrows) {
            auto& to = nodes[static_cast<std::size_t>(arrow.to)];
            const auto& from = nodes[static_cast<std::size_t>(arrow.from)];
            const int column = std::min(std::max(to.column, from.column + 1), static_cast<int>(nodes.size()));
            if (arrow.dead || column == to.column) continue;
            to.column = column;
            moved = true;
        }
    }
    for (const auto& arrow : arrows) { // the members of a circle side by side, in the order in which they wait
        auto& to = nodes[static_cast<std::size_t>(arrow.to)];
        const auto& from = nodes[static_cast<std::size_t>(arrow.from)];
        if (arrow.dead && to.column <= from.column && to.thread > from.thread) to.column = from.column + 1;
    }
    std::vector<int> filled(nodes.size() + 2, 0);
    int columns = 0, rows = 0;
    for (auto& node : nodes) {
        node.row = filled[static_cast<std::size_t>(node.column)]++;
        columns = std::max(columns, node.column + 1);
        rows = std::max(rows, node.row + 1);
    }
    if (nodes == nodes_ && arrows == arrows_) return;
    nodes_ = std::move(nodes);
    arrows_ = std::move(arrows);
    columns_ = columns;
    rows_ = rows;
    setMinimumSize(sizeHint());
    updateGeometry();
    update();
}

QSizeF WaitDrawing::box_size() const
{
    qreal width = 0;
    for (const auto& node : nodes_)
        width = std::max<qreal>({ width, static_cast<qreal>(fontMetrics().horizontalAdvance(node.number)),
            static_cast<qreal>(fontMetrics().horizontalAdvance(node.program)) });
    return { width + 20, fontMetrics().height() * 2 + 10.0 };
}

QRectF WaitDrawing::box(const Node& node) const
{
    const auto size = box_size();
    return { QPointF(margin + node.column * (size.width() + column_gap), margin + node.row * (size.height() + row_gap)), size };
}

QRectF WaitDrawing::box_of(std::uint32_t thread) const
{
    for (const auto& node : nodes_)
        if (node.thread == thread) return box(node);
    return {};
}

QSize WaitDrawing::sizeHint() const
{
    const auto size = box_size();
    return QSizeF(2 * margin + columns_ * size.width() + std::max(0, columns_ - 1) * column_gap,
        2 * margin + rows_ * size.height() + std::max(0, rows_ - 1) * row_gap + row_gap)
        .toSize();
}

void WaitDrawing::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    for (const auto& arrow : arrows_) paint_arrow(painter, arrow);
    for (const auto& node : nodes_) paint_node(painter, node);
}

void WaitDrawing::paint_arrow(QPainter& painter, const Arrow& arrow) const
{
    const auto from = box(nodes_[static_cast<std::size_t>(arrow.from)]), to = box(nodes_[static_cast<std::size_t>(arrow.to)]);
    // To the right; straight up or down in the same column; back to the left below the boxes.
    const bool forwards = to.left() > from.right();
    const bool upwards = !forwards && from.left() == to.left() && to.top() < from.top();
    const QPointF begin = forwards ? QPointF(from.right(), from.center().y()) : QPointF(from.center().x(), upwards ? from.top() : from.bottom());
    const QPointF end = forwards ? QPointF(to.left(), to.center().y()) : QPointF(to.center().x(), to.bottom());
    const QPointF control = forwards ? QPointF(column_gap / 2, 0) : QPointF(0, upwards ? 0 : row_gap + 6);
    const QColor color = arrow.dead ? theme_color(ColorRole::problem, palette()) : palette().color(QPalette::Text);
    painter.setPen(QPen(color, arrow.dead ? 2.5 : 1.2, arrow.any ? Qt::DotLine : Qt::SolidLine));
    painter.setBrush(Qt::NoBrush);
    QPainterPath path(begin);
    path.cubicTo(begin + control, end - (forwards ? control : -control), end);
    painter.drawPath(path);
    const QPointF back = forwards ? QPointF(-1, 0) : QPointF(0, 1);
    const QPointF side(-back.y() * 4, back.x() * 4);
    painter.setBrush(color);
    painter.setPen(Qt::NoPen);
    painter.drawPolygon(QPolygonF { end, end + back * 8 + side, end + back * 8 - side });
    if (!arrow.dead) return;
    const auto middle = path.pointAtPercent(0.5);
    painter.setPen(QPen(color, 2));
    for (const auto& stroke : { QPointF(4, 4), QPointF(4, -4) }) painter.drawLine(middle - stroke, middle + stroke);
}

void WaitDrawing::paint_node(QPainter& painter, const Node& node) const
{
    const auto area = box(node);
    const QColor line = node.stuck ? theme_color(ColorRole::problem, palette()) : palette().color(QPalette::Mid);
    painter.setPen(QPen(line, node.stuck ? 2 : 1));
    painter.setBrush(palette().color(QPalette::Button));
    painter.drawRoundedRect(area, 4, 4);
    painter.setPen(palette().color(QPalette::ButtonText));
    painter.drawText(area.adjusted(4, 4, -4, -area.height() / 2), Qt::AlignCenter, node.number);
    painter.drawText(area.adjusted(4, area.height() / 2, -4, -4), Qt::AlignCenter, node.program);
}

} // namespace orrery::inspector
