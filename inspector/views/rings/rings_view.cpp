// Assembly of the rings view.
#include "inspector/views/rings/rings_view.h"

#include <QComboBox>
#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/views/common/explained.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/rings/ring_dial.h"

namespace orrery::inspector {

RingsView::RingsView(const ViewContext& context)
    : View(context, QStringLiteral("rings"), tr("Rings"))
    , side_model_(new KeyedTableModel(ring_side_columns(), this))
    , entry_model_(new KeyedTableModel(ring_entry_columns(), this))
    , dial_(new RingDial)
    , side_table_(new TableView(tr("Both sides of the ring"), context.source))
    , entry_table_(new TableView(tr("Slots of the ring"), context.source))
    , sentence_(make_sentence())
    , choice_(new QComboBox(this))
{
    side_table_->setModel(side_model_);
    entry_table_->setModel(entry_model_);
    choice_->setAccessibleName(tr("Ring to show"));
    choice_->setToolTip(tr("Ring to show"));
    choice_->setSizeAdjustPolicy(QComboBox::AdjustToContents);

    auto* tables = new QWidget;
    auto* layout = new QVBoxLayout(tables);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    side_table_->set_fixed_rows(2);
    layout->addWidget(side_table_);
    layout->addWidget(sentence_);
    layout->addWidget(entry_table_, 1);
    auto* splitter = new QSplitter(Qt::Horizontal);
    splitter->addWidget(dial_);
    splitter->addWidget(tables);
    splitter->setStretchFactor(0, 2);
    splitter->setStretchFactor(1, 3);
    splitter->setChildrenCollapsible(false);
    set_content(splitter);

    connect(choice_, &QComboBox::activated, this, [this](int index) {
        this->context().selection->select_ring(choice_->itemData(index).toUInt());
    });
}

QWidget* RingsView::main_widget() { return entry_table_; }

QWidget* RingsView::title_controls() { return choice_; }

QString RingsView::as_text() const
{
    if (!empty_sentence().isEmpty()) return empty_sentence();
    return sentence_->text() + QStringLiteral("\n\n") + side_table_->as_text() + QLatin1Char('\n') + entry_table_->as_text();
}

void RingsView::fill_choice(const Snapshot& snapshot)
{
    bool same = choice_->count() == static_cast<int>(snapshot.rings.size());
    for (int i = 0; same && i < choice_->count(); ++i)
        same = choice_->itemData(i).toUInt() == snapshot.rings[static_cast<std::size_t>(i)].number;
    if (!same) {
        choice_->clear();
        for (const auto& ring : snapshot.rings)
            choice_->addItem(tr("ring %1: %2 × %3 bytes").arg(ring.number).arg(ring.capacity).arg(ring.entry_size), ring.number);
    }
    const auto chosen = choice_->findData(context().selection->ring());
    if (chosen != choice_->currentIndex()) choice_->setCurrentIndex(chosen);
    choice_->setVisible(choice_->count() > 0);
}

void RingsView::show_picture(const Snapshot& snapshot)
{
    fill_choice(snapshot);
    const auto* ring = snapshot.ring(context().selection->ring());
    if (!ring) {
        set_summary({});
        set_empty(tr("No ring exists yet. A ring appears here when a program calls ring_create."));
        return;
    }
    dial_->show_ring(*ring);
    side_model_->update(ring_side_rows(*ring, snapshot));
    entry_model_->update(ring_entry_rows(*ring));
    const auto sentence = ring_sentence(*ring, snapshot);
    if (sentence_->text() != sentence) {
        sentence_->setText(sentence);
        dial_->setAccessibleDescription(sentence);
    }
    set_summary(tr("%1 of %2 slots used").arg(ring->used()).arg(ring->capacity));
}

} // namespace orrery::inspector
