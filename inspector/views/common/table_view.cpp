// Table behaviour.
#include "inspector/views/common/table_view.h"

#include <algorithm>

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QMenu>
#include <QTimer>

#include "inspector/models/keyed_table_model.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/common/row_delegate.h"

namespace orrery::inspector {

TableView::TableView(const QString& accessible_name, SnapshotSource* source, QWidget* parent)
    : QTableView(parent)
    , source_(source)
    , delegate_(new RowDelegate(this))
    , fade_(new QTimer(this))
    , fit_(new QTimer(this))
{
    setAccessibleName(accessible_name);
    setItemDelegate(delegate_);
    setShowGrid(false);
    setWordWrap(false);
    setAlternatingRowColors(true);
    setFrameShape(QFrame::NoFrame);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
    setTabKeyNavigation(false); // Tab leaves the table; the arrows move in it
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setMinimumSectionSize(24);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    fit_rows();

    fade_->setInterval(80);
    connect(fade_, &QTimer::timeout, this, &TableView::animate);
    fit_->setSingleShot(true);
    fit_->setInterval(0);
    connect(fit_, &QTimer::timeout, this, &TableView::fit_columns);
    if (source_) {
        const auto follow = [this] {
            const bool stands = source_->run_state() == RunState::stopped;
            delegate_->hold_changes_since(stands ? source_->resumed_at() : 0);
            fade_->start();
        };
        connect(source_, &SnapshotSource::run_state_changed, this, follow);
        follow();
    }
}

void TableView::setModel(QAbstractItemModel* model)
{
    QTableView::setModel(model);
    given_widths_.clear();
    connect(model, &QAbstractItemModel::dataChanged, this, [this] { fade_->start(), fit_->start(); });
    connect(model, &QAbstractItemModel::rowsInserted, this, [this] { fade_->start(), fit_->start(); });
    fit_->start();
}

void TableView::set_stretch_last(bool stretch) { horizontalHeader()->setStretchLastSection(stretch); }

void TableView::fit_rows()
{
    // The fixed-pitch font may be the taller one.
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 5);
    horizontalHeader()->setFixedHeight(fontMetrics().height() + 6);
    if (fixed_rows_ > 0)
        setFixedHeight(horizontalHeader()->height() + fixed_rows_ * verticalHeader()->defaultSectionSize() + 1);
}

void TableView::set_fixed_rows(int rows)
{
    fixed_rows_ = rows;
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    fit_rows();
}

void TableView::fit_columns()
{
    if (!model()) return;
    const auto columns = model()->columnCount();
    if (given_widths_.size() != columns) given_widths_.fill(0, columns);
    for (int c = 0; c + 1 < columns; ++c) {
        const auto width = horizontalHeader()->sectionSize(c);
        const bool by_person = given_widths_[c] != 0 && width != given_widths_[c];
        if (by_person) continue;
        // Only what can be seen is measured, so a table of thousands costs no more than one of ten.
        const auto wanted = std::min(std::max(sizeHintForColumn(c), horizontalHeader()->sectionSizeHint(c)), 420);
        if (wanted > width || given_widths_[c] == 0) {
            horizontalHeader()->resizeSection(c, wanted);
            given_widths_[c] = horizontalHeader()->sectionSize(c);
        }
    }
}

void TableView::animate()
{
    viewport()->update();
    bool fading = false;
    const auto top = std::max(0, rowAt(0));
    auto bottom = rowAt(viewport()->height() - 1);
    if (bottom < 0) bottom = model() ? model()->rowCount() - 1 : -1;
    for (int row = top; row <= bottom && !fading; ++row)
        for (int c = 0; c < model()->columnCount() && !fading; ++c) {
            const auto strength = delegate_->change_strength(model()->index(row, c));
            fading = strength > 0 && strength < 1;
        }
    if (!fading) fade_->stop();
}

QString TableView::as_text() const { return model() ? table_as(*model(), CopyFormat::text) : QString(); }

void TableView::copy(int format) const
{
    if (model()) QApplication::clipboard()->setText(table_as(*model(), static_cast<CopyFormat>(format)));
}

void TableView::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu;
    const auto index = indexAt(event->pos());
    if (index.isValid()) {
        menu.addAction(tr("Copy \"%1\"").arg(index.data().toString().left(30)), this,
            [index] { QApplication::clipboard()->setText(index.data().toString()); });
        if (index.flags() & Qt::ItemIsEditable)
            menu.addAction(tr("Change value…"), this, [this, index] { edit(index); });
        menu.addSeparator();
    }
    menu.addAction(tr("Copy table as text"), this, [this] { copy(static_cast<int>(CopyFormat::text)); });
    menu.addAction(tr("Copy table as CSV"), this, [this] { copy(static_cast<int>(CopyFormat::csv)); });
    menu.addAction(tr("Copy table as Markdown"), this, [this] { copy(static_cast<int>(CopyFormat::markdown)); });
    menu.exec(event->globalPos());
}

void TableView::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy) && currentIndex().isValid()) {
        QStringList cells;
        for (int c = 0; c < model()->columnCount(); ++c) cells += currentIndex().siblingAtColumn(c).data().toString();
        QApplication::clipboard()->setText(cells.join(QLatin1Char('\t')));
        return;
    }
    QTableView::keyPressEvent(event);
}

void TableView::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange) {
        fit_rows();
        given_widths_.clear();
        fit_->start();
    }
}

void TableView::select_key(quint64 key)
{
    if (!model() || (currentIndex().isValid() && currentIndex().data(key_role).toULongLong() == key)) return;
    for (int row = 0; row < model()->rowCount(); ++row) {
        if (model()->index(row, 0).data(key_role).toULongLong() != key) continue;
        selecting_ = true;
        setCurrentIndex(model()->index(row, std::max(0, currentIndex().column())));
        selecting_ = false;
        return;
    }
}

void TableView::currentChanged(const QModelIndex& current, const QModelIndex& previous)
{
    QTableView::currentChanged(current, previous);
    if (!selecting_ && current.isValid() && (current.row() != previous.row() || !previous.isValid()))
        Q_EMIT key_selected(current.data(key_role).toULongLong());
}

} // namespace orrery::inspector
