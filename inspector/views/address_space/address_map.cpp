// State, input and sizes of the address map; address_map_paint.cpp draws it.
#include "inspector/views/address_space/address_map.h"

#include <algorithm>

#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>

#include "abi/startup.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

namespace {
constexpr qreal margin = 6, weight_step = 1.5, cells_height = 9;
} // namespace

AddressMap::AddressMap(QWidget* parent)
    : QWidget(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Address map"));
    setAccessibleDescription(tr("Up and Down move between mappings, Left and Right between pages, Home and End to the first and last "
                                "page of a mapping."));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
}

void AddressMap::show_bands(std::vector<AddressBand> bands)
{
    if (bands == bands_) return;
    const bool resized = bands.size() != bands_.size();
    bands_ = std::move(bands);
    measure();
    if (resized) updateGeometry();
    update();
}

void AddressMap::select_address(std::uint64_t address)
{
    if (address == selected_) return;
    selected_ = address;
    update();
}

// Once for all bands: there may be hundreds, and each of their cells is placed by them.
void AddressMap::measure()
{
    const qreal line = fontMetrics().height();
    tops_.assign(1, margin);
    for (const auto& band : bands_)
        tops_.push_back(tops_.back() + (band.gap ? line + 2 : line + cells_height + 9 + band.weight * weight_step));
}

void AddressMap::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() != QEvent::FontChange) return;
    measure();
    updateGeometry();
}

QSize AddressMap::sizeHint() const
{
    return { fontMetrics().averageCharWidth() * 38, static_cast<int>((tops_.empty() ? margin : tops_.back()) + margin + 1) };
}

QRectF AddressMap::box(std::size_t index) const
{
    return { margin, tops_[index], width() - 2 * margin, tops_[index + 1] - tops_[index] };
}

QRectF AddressMap::cells_box(std::size_t index) const
{
    auto area = box(index).adjusted(10, 0, -6, -5);
    area.setTop(area.top() + fontMetrics().height() + 3);
    return area;
}

QRectF AddressMap::cell_box(std::size_t index, std::size_t cell) const
{
    const auto area = cells_box(index);
    const auto count = static_cast<qreal>(std::max<std::size_t>(bands_[index].cells.size(), 1));
    // A mapping of one page is not drawn as wide as one of a thousand.
    const auto width = std::min(area.width() / count, 14.0);
    return { area.left() + width * static_cast<qreal>(cell), area.top(), width, area.height() };
}

std::optional<std::size_t> AddressMap::band_of(std::uint64_t address) const
{
    for (std::size_t i = 0; i < bands_.size(); ++i)
        if (address >= bands_[i].begin && address < bands_[i].end) return i;
    return std::nullopt;
}

QRectF AddressMap::place_of(std::uint64_t address) const
{
    const auto index = band_of(address);
    if (!index) return {};
    return bands_[*index].gap ? box(*index) : cell_box(*index, bands_[*index].cell_of(address));
}

std::optional<std::uint64_t> AddressMap::address_at(const QPointF& place) const
{
    for (std::size_t i = 0; i < bands_.size(); ++i) {
        if (!box(i).contains(place)) continue;
        const auto& band = bands_[i];
        for (std::size_t cell = 0; cell < band.cells.size(); ++cell)
            if (place.x() < cell_box(i, cell).right()) return band.address_of(cell);
        return band.begin;
    }
    return std::nullopt;
}

void AddressMap::choose(std::uint64_t address)
{
    if (address == selected_) return;
    select_address(address);
    Q_EMIT address_selected(address);
}

void AddressMap::mousePressEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton) return;
    if (const auto address = address_at(event->position())) choose(*address);
}

void AddressMap::mouseMoveEvent(QMouseEvent* event)
{
    if ((event->buttons() & Qt::LeftButton) == 0) return;
    if (const auto address = address_at(event->position())) choose(*address);
}

// Stays inside of the mapping or the gap.
void AddressMap::move_by_pages(std::int64_t pages)
{
    const auto index = band_of(selected_);
    if (!index) return;
    const auto& band = bands_[*index];
    const auto here = (selected_ - band.begin) / abi::page_size;
    const auto last = band.pages() == 0 ? 0 : band.pages() - 1;
    const auto back = static_cast<std::uint64_t>(-pages);
    const auto there = pages < 0 ? (here < back ? 0 : here - back) : std::min(last, here + static_cast<std::uint64_t>(pages));
    choose(band.begin + there * abi::page_size);
}

void AddressMap::move_to_mapping(int direction)
{
    const AddressBand* found = nullptr;
    for (const auto& band : bands_) {
        if (band.gap) continue;
        if (direction > 0 && band.begin > selected_) return choose(band.begin);
        if (direction < 0 && band.end <= selected_) found = &band; // the last one that lies before
    }
    if (found != nullptr) choose(found->begin);
}

void AddressMap::keyPressEvent(QKeyEvent* event)
{
    const auto index = band_of(selected_);
    switch (event->key()) {
    case Qt::Key_Up: move_to_mapping(-1); break;
    case Qt::Key_Down: move_to_mapping(+1); break;
    case Qt::Key_Left: move_by_pages(-1); break;
    case Qt::Key_Right: move_by_pages(+1); break;
    case Qt::Key_Home:
        if (index) choose(bands_[*index].begin);
        break;
    case Qt::Key_End:
        if (index && bands_[*index].pages() != 0) choose(bands_[*index].end - abi::page_size);
        break;
    default: QWidget::keyPressEvent(event);
    }
}

bool AddressMap::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const auto address = address_at(help->pos());
        const auto index = address ? band_of(*address) : std::nullopt;
        if (!index) {
            QToolTip::hideText();
            return true;
        }
        const auto& band = bands_[*index];
        auto words = tr("%1 to %2: %3").arg(hex_text(band.begin), hex_text(band.end), band.label);
        if (!band.gap) words += tr(", %1 pages present\nhere: %2").arg(band.presence, hex_text(*address));
        QToolTip::showText(help->globalPos(), words, this);
        return true;
    }
    return QWidget::event(event);
}

} // namespace orrery::inspector
