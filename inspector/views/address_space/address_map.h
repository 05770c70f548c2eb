// The drawing of an address space: mappings from low to high addresses as bands with a cell for each part of their pages,
// filled where pages are present, and between them the folded gaps.
#pragma once

#include <optional>

#include <QWidget>

#include "inspector/models/address_bands.h"

namespace orrery::inspector {

class AddressMap : public QWidget {
    Q_OBJECT
public:
    static constexpr unsigned most_cells = 64; // in a band

    explicit AddressMap(QWidget* parent = nullptr);
    void show_bands(std::vector<AddressBand> bands);
    void select_address(std::uint64_t address);
    std::uint64_t selected_address() const { return selected_; }

    // Where an address is drawn: its cell, or the gap's band; empty if it is nowhere. In widget coordinates.
    QRectF place_of(std::uint64_t address) const;
    std::optional<std::uint64_t> address_at(const QPointF& place) const;

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

Q_SIGNALS:
    void address_selected(quint64 address); // by a person

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;

private:
    void measure();
    QRectF box(std::size_t index) const;       // of the whole band
    QRectF cells_box(std::size_t index) const; // of its row of cells
    QRectF cell_box(std::size_t index, std::size_t cell) const;
    std::optional<std::size_t> band_of(std::uint64_t address) const;
    void choose(std::uint64_t address);
    void move_by_pages(std::int64_t pages);
    void move_to_mapping(int direction);
    void paint_gap(QPainter& painter, std::size_t index) const;
    void paint_mapping(QPainter& painter, std::size_t index) const;
    void paint_cells(QPainter& painter, std::size_t index, const QColor& color) const;
    void paint_selection(QPainter& painter) const;

    std::vector<AddressBand> bands_;
    std::vector<qreal> tops_; // of each band, and the end of the last
    std::uint64_t selected_ = 0;
};

} // namespace orrery::inspector
