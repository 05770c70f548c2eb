// The drawing of the signal words: one column a signal, and what is pending falls through the allowset's gates.
#pragma once

#include <array>

#include <QWidget>

#include "inspector/core/osmodel/snapshot.h"

class QTimer;

namespace orrery::inspector {

class SignalLanes : public QWidget {
    Q_OBJECT
public:
    enum Lane { process_lane, pending_lane, allowset_lane, deliverable_lane };
    static constexpr int lane_count = 4;

    explicit SignalLanes(QWidget* parent = nullptr);

    // Bits that differ from the last call with the same `identity` (a thread) are marked as changed.
    void show_words(std::uint32_t identity, const SignalView& words);
    void hold_changes_since(qint64 moment);
    void select_signal(int signal); // 0 = none
    int selected_signal() const { return selected_; }
    bool bit(Lane lane, int signal) const;
    bool marks_change(Lane lane, int signal) const;
    QRectF cell(Lane lane, int signal) const; // in widget coordinates

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    void signal_selected(int signal); // by a person

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Geometry;
    static QString lane_name(Lane lane);
    Geometry geometry_now() const;
    int signal_at(const QPointF& place) const; // 0 = none
    int next_pending(int from, int direction) const;
    qreal strength(Lane lane, int signal) const;
    void choose(int signal);
    void paint_headings(QPainter& painter, const Geometry& geometry) const;
    void paint_lane_names(QPainter& painter, const Geometry& geometry) const;
    void paint_column(QPainter& painter, const Geometry& geometry, int signal) const;
    void paint_shape(QPainter& painter, Lane lane, const QRectF& box, bool set) const;

    std::array<std::uint64_t, lane_count> words_ {};
    std::array<std::array<qint64, abi::signal_count>, lane_count> changed_at_ {};
    std::uint32_t identity_ = 0;
    bool known_ = false;
    int selected_ = 0;
    qint64 hold_since_ = 0;
    QTimer* fade_;
};

// "INT" for SIGINT, "35" for a realtime signal.
QString short_signal_name(int signal);

} // namespace orrery::inspector
