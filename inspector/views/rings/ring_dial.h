// The drawing of a ring: its slots in a circle, and the two hands that chase each other round it.
#pragma once

#include <QWidget>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

class RingDial : public QWidget {
    Q_OBJECT
public:
    static constexpr std::uint32_t drawn_slots_limit = 128; // beyond it slots are drawn as one band

    explicit RingDial(QWidget* parent = nullptr);
    void show_ring(const RingView& ring); // entries are not kept
    bool slot_is_used(std::uint32_t slot) const;
    // Middle of a slot in widget coordinates.
    QPointF slot_center(std::uint32_t slot) const;

    QSize sizeHint() const override { return { 220, 220 }; }
    QSize minimumSizeHint() const override { return { 150, 150 }; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    struct Circle {
        QPointF center;
        qreal outer = 0, inner = 0;
    };
    Circle circle() const;
    qreal angle_of(std::uint32_t slot) const; // degrees clockwise from the top, middle of the slot
    void paint_slots(QPainter& painter, const Circle& circle) const;
    void paint_hand(QPainter& painter, const Circle& circle, bool producer) const;
    void paint_middle(QPainter& painter, const Circle& circle) const;

    std::uint32_t capacity_ = 0, producer_ = 0, consumer_ = 0, used_ = 0;
    bool producer_sleeps_ = false, consumer_sleeps_ = false, broken_ = false;
};

} // namespace orrery::inspector
