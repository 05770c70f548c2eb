// The drawing of the wait-for graph: a box a thread, an arrow to whom it waits for, columns from waiters to waited-for.
#pragma once

#include <QWidget>

#include "inspector/core/osmodel/wait_graph.h"

namespace orrery::inspector {

class WaitDrawing : public QWidget {
    Q_OBJECT
public:
    explicit WaitDrawing(QWidget* parent = nullptr);
    void show_graph(const WaitGraph& graph, const Snapshot& snapshot);
    // Of a thread's box; empty if it is not drawn.
    QRectF box_of(std::uint32_t thread) const;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return { 160, 80 }; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    struct Node {
        std::uint32_t thread = 0;
        QString number, program;
        int column = 0, row = 0;
        bool stuck = false;
        bool operator==(const Node&) const = default;
    };
    struct Arrow {
        int from = 0, to = 0; // places in nodes_
        bool any = false, dead = false;
        bool operator==(const Arrow&) const = default;
    };
    QSizeF box_size() const;
    QRectF box(const Node& node) const;
    void paint_arrow(QPainter& painter, const Arrow& arrow) const;
    void paint_node(QPainter& painter, const Node& node) const;

    std::vector<Node> nodes_; // ascending by thread
    std::vector<Arrow> arrows_;
    int columns_ = 0, rows_ = 0;
};

} // namespace orrery::inspector
