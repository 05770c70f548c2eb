// Where everything in the signal lanes lies: pure arithmetic, shared by painting and by the mouse.
#pragma once

#include <QFont>
#include <QRectF>

#include "inspector/views/signals/signal_lanes.h"

namespace orrery::inspector {

struct SignalLanes::Geometry {
    static constexpr qreal margin = 4, group_gap = 7;
    QFont small_font;
    qreal label_width = 0, cell_width = 0, lane_height = 0;
    qreal name_height = 0;   // headings of the standard signals, written upright
    qreal number_height = 0; // headings of the realtime signals

    qreal height_for(qreal lane) const
    {
        return 2 * margin + name_height + number_height + group_gap + 2 * lane_count * lane;
    }
    qreal height() const { return height_for(lane_height); }
    qreal lanes_top(int group) const
    {
        const auto first = margin + name_height;
        return group == 0 ? first : first + lane_count * lane_height + group_gap + number_height;
    }
    qreal heading_height(int group) const { return group == 0 ? name_height : number_height; }
    QRectF cell(int lane, int signal) const
    {
        return { label_width + ((signal - 1) % 32) * cell_width, lanes_top((signal - 1) / 32) + lane * lane_height,
            cell_width, lane_height };
    }
    QRectF heading(int signal) const
    {
        const int group = (signal - 1) / 32;
        return { label_width + ((signal - 1) % 32) * cell_width, lanes_top(group) - heading_height(group), cell_width,
            heading_height(group) };
    }
    QRectF column(int signal) const { return heading(signal).united(cell(lane_count - 1, signal)); }
};

} // namespace orrery::inspector
