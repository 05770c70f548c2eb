// Painting of the address map. A present part is a full cell, one of which some pages are present a half one, and an absent
// one is only a line below; what may be done with the pages stands in letters beside the colour of the band's edge.
#include <QPainter>
#include <QPaintEvent>

#include "abi/syscall.h"
#include "inspector/models/text.h"
#include "inspector/views/address_space/address_map.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

QColor protection_color(std::uint32_t protection, const QPalette& palette)
{
    if ((protection & abi::protection_execute) != 0) return theme_color(ColorRole::allowed, palette);
    if ((protection & abi::protection_write) != 0) return theme_color(ColorRole::pending, palette);
    if ((protection & abi::protection_read) != 0) return theme_color(ColorRole::deliverable, palette);
    return palette.color(QPalette::Dark);
}

} // namespace

void AddressMap::paintEvent(QPaintEvent* event)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    for (std::size_t i = 0; i < bands_.size(); ++i) {
        if (!box(i).intersects(event->rect())) continue;
        if (bands_[i].gap) paint_gap(painter, i);
        else paint_mapping(painter, i);
    }
    paint_selection(painter);
}

void AddressMap::paint_gap(QPainter& painter, std::size_t index) const
{
    const auto area = box(index);
    painter.setFont(font());
    painter.setPen(palette().color(QPalette::PlaceholderText));
    painter.drawText(area, Qt::AlignCenter, bands_[index].label);
    const auto half = painter.fontMetrics().horizontalAdvance(bands_[index].label) / 2.0 + 10;
    painter.setPen(QPen(palette().color(QPalette::Mid), 1, Qt::DotLine));
    const auto y = area.center().y();
    if (area.width() / 2 <= half) return;
    painter.drawLine(QPointF(area.left(), y), QPointF(area.center().x() - half, y));
    painter.drawLine(QPointF(area.center().x() + half, y), QPointF(area.right(), y));
}

void AddressMap::paint_mapping(QPainter& painter, std::size_t index) const
{
    const auto& band = bands_[index];
    const auto area = box(index).adjusted(0.5, 1.5, -0.5, -1.5);
    const auto color = protection_color(band.protection, palette());
    painter.setPen(QPen(palette().color(QPalette::Mid), 1));
    painter.setBrush(palette().color(QPalette::AlternateBase));
    painter.drawRect(area);
    painter.fillRect(QRectF(area.left(), area.top(), 4, area.height()), color);
    const QRectF line(area.left() + 10, area.top() + 1, area.width() - 16, fontMetrics().height());
    painter.setPen(palette().color(QPalette::Text));
    painter.setFont(fixed_font(font()));
    const auto address = hex_text(band.begin);
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, address);
    const auto reached = painter.fontMetrics().horizontalAdvance(address) + painter.fontMetrics().horizontalAdvance(QLatin1Char('0'));
    painter.setFont(font());
    painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, band.presence);
    const auto right = fontMetrics().horizontalAdvance(band.presence) + 8;
    const auto room = line.adjusted(reached, 0, -right, 0);
    if (room.width() > 8) {
        const auto label = fontMetrics().elidedText(band.label, Qt::ElideRight, static_cast<int>(room.width()));
        painter.drawText(room, Qt::AlignLeft | Qt::AlignVCenter, label);
    }
    paint_cells(painter, index, color);
}

void AddressMap::paint_cells(QPainter& painter, std::size_t index, const QColor& color) const
{
    const auto& band = bands_[index];
    for (std::size_t cell = 0; cell < band.cells.size(); ++cell) {
        auto area = cell_box(index, cell);
        const auto gap = area.width() > 4 ? 1.0 : 0.0;
        area.adjust(0, 0, -gap, 0);
        switch (band.cells[cell]) {
        case CellState::all: painter.fillRect(area, color); break;
        case CellState::some: painter.fillRect(area.adjusted(0, area.height() / 2, 0, 0), color); break;
        case CellState::absent: painter.fillRect(area.adjusted(0, area.height() - 1, 0, 0), palette().color(QPalette::Mid)); break;
        }
    }
}

void AddressMap::paint_selection(QPainter& painter) const
{
    const auto index = band_of(selected_);
    if (!index) return;
    const auto highlight = palette().color(QPalette::Highlight);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(highlight, hasFocus() ? 2 : 1.4));
    painter.drawRect(box(*index).adjusted(1, 1.5, -1, -1.5));
    if (bands_[*index].gap) return;
    const auto cell = place_of(selected_).adjusted(-1.5, -2, 0.5, 2);
    painter.setPen(QPen(palette().color(QPalette::Text), 1.6));
    painter.drawRect(cell);
}

} // namespace orrery::inspector
