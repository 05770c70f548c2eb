// Assembly of the view of an address space.
#include "inspector/views/address_space/address_space_view.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "abi/startup.h"
#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/address_space/address_map.h"
#include "inspector/views/common/explained.h"
#include "inspector/views/common/icons.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {
AddressSpaceView::AddressSpaceView(const ViewContext& context)
    : View(context, QStringLiteral("address_space"), tr("Address space"))
    , mapping_model_(new KeyedTableModel(mapping_columns(), this))
    , walk_model_(new KeyedTableModel(walk_columns(), this))
    , access_model_(new KeyedTableModel(access_columns(), this))
    , map_(new AddressMap)
    , scroll_(new QScrollArea)
    , mapping_table_(new TableView(tr("Mappings"), context.source))
    , walk_table_(new TableView(tr("Walk through the page tables"), context.source))
    , access_table_(new TableView(tr("What an access to the address does"), context.source))
    , pages_(new QStackedWidget)
    , sentence_(make_sentence())
    , controls_(new QWidget(this))
    , field_(new QLineEdit)
    , as_table_(new QToolButton)
{
    mapping_table_->setModel(mapping_model_);
    walk_table_->setModel(walk_model_);
    access_table_->setModel(access_model_);
    walk_table_->set_fixed_rows(4);
    access_table_->set_fixed_rows(3);
    for (auto* table : { walk_table_, access_table_ }) // it would hide a row; the arrow keys reach the last columns
        table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    sentence_->setAccessibleName(tr("What is at the address"));
    field_->setAccessibleName(tr("Address to explain"));
    field_->setPlaceholderText(tr("address"));
    field_->setToolTip(tr("An address of this space, such as 0x401000. Enter explains it."));
    field_->setMaximumWidth(fontMetrics().averageCharWidth() * 22);
    scroll_->setWidget(map_);
    scroll_->setWidgetResizable(true);
    scroll_->setFrameShape(QFrame::NoFrame);
    scroll_->setFocusPolicy(Qt::NoFocus);
    scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll_->setAccessibleName(tr("Map of the address space"));

    pages_->addWidget(scroll_);
    pages_->addWidget(mapping_table_);
    as_table_->setIcon(icon(QStringLiteral("table")));
    as_table_->setIconSize({ 14, 14 });
    as_table_->setCheckable(true);
    as_table_->setAutoRaise(true);
    as_table_->setToolTip(tr("Show the mappings as a table"));
    as_table_->setAccessibleName(as_table_->toolTip());
    connect(as_table_, &QToolButton::toggled, this, [this](bool on) { pages_->setCurrentIndex(on ? 1 : 0); });
    auto* row = new QHBoxLayout(controls_);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    row->addWidget(field_);
    row->addWidget(as_table_);

    auto* beside = new QWidget;
    auto* layout = new QVBoxLayout(beside);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(sentence_);
    layout->addWidget(walk_table_);
    layout->addWidget(access_table_);
    layout->addStretch(1);
    auto* beside_scroll = new QScrollArea; // a low dock scrolls, it does not cut the tables
    beside_scroll->setWidget(beside);
    beside_scroll->setWidgetResizable(true);
    beside_scroll->setFrameShape(QFrame::NoFrame);
    beside_scroll->setFocusPolicy(Qt::NoFocus);
    beside_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    beside_scroll->setAccessibleName(tr("The address in detail"));
    auto* splitter = new QSplitter(Qt::Horizontal);
    splitter->addWidget(pages_);
    splitter->addWidget(beside_scroll);
    splitter->setStretchFactor(0, 2);
    splitter->setStretchFactor(1, 3);
    splitter->setChildrenCollapsible(false);
    splitter->setSizes({ 270, 370 });
    set_content(splitter);

    connect(map_, &AddressMap::address_selected, context.selection, &Selection::select_address);
    connect(mapping_table_, &TableView::key_selected, context.selection, &Selection::select_address);
    connect(field_, &QLineEdit::returnPressed, this, &AddressSpaceView::go_to_typed);
}

QWidget* AddressSpaceView::main_widget() { return as_table_->isChecked() ? static_cast<QWidget*>(mapping_table_) : map_; }

QWidget* AddressSpaceView::title_controls() { return controls_; }

QString AddressSpaceView::sentence() const { return sentence_->text(); }

QString AddressSpaceView::as_text() const
{
    if (!empty_sentence().isEmpty()) return empty_sentence();
    const QLatin1Char line('\n');
    return sentence_->text() + line + line + walk_table_->as_text() + line + access_table_->as_text() + line + mapping_table_->as_text();
}

void AddressSpaceView::go_to_typed()
{
    QString problem;
    if (const auto address = parse_value(field_->text(), problem)) {
        field_->setToolTip(tr("An address of this space, such as 0x401000. Enter explains it."));
        context().selection->select_address(*address);
        return;
    }
    sentence_->setText(problem);
    field_->setToolTip(problem);
}

// What was chosen, or where the thread stands. While the machine runs that changes too often to be looked at: then what was
// shown stays.
std::uint64_t AddressSpaceView::address_for(const Snapshot& snapshot, const SpaceView& space, const ThreadView& thread) const
{
    if (const auto chosen = context().selection->address()) return *chosen;
    if (snapshot.freshness == Freshness::stopped && thread.registers && thread.registers->in_user_mode()) return thread.registers->rip();
    if (shown_space_ == space.id) return shown_address_;
    return space.mappings.empty() ? abi::user_begin : space.mappings.front().begin;
}

void AddressSpaceView::show_address(const Snapshot& snapshot, const SpaceView& space, const ThreadView& thread)
{
    const auto address = address_for(snapshot, space, thread);
    const auto view = explain_address(snapshot, space, address);
    walk_model_->update(walk_rows(view));
    access_model_->update(access_rows(view));
    const auto sentence = address_sentence(view, snapshot);
    if (sentence_->text() != sentence) {
        sentence_->setText(sentence);
        walk_table_->setAccessibleDescription(sentence);
    }
    map_->select_address(address);
    if (view.mapping) mapping_table_->select_key(view.mapping->begin);
    if (address == shown_address_ && space.id == shown_space_) return; // who scrolled away keeps what is looked at
    shown_address_ = address;
    shown_space_ = space.id;
    for (auto* model : { walk_model_, access_model_ }) model->forget_changes(); // another address is no change of the machine
    if (!field_->hasFocus()) field_->setText(hex_text(address));
    const auto place = map_->place_of(address).center().toPoint();
    scroll_->ensureVisible(place.x(), place.y(), 0, 40);
}

void AddressSpaceView::show_picture(const Snapshot& snapshot)
{
    const auto* thread = snapshot.thread(context().selection->thread());
    const auto* space = thread ? snapshot.space(thread->space) : nullptr;
    if (!space) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view to see its address space."));
        return;
    }
    if (space->mappings.empty()) // another space's problem is none of this one's
        for (const auto& problem : snapshot.problems)
            if (problem.view == "mappings") return set_empty(text(problem.sentence));
    const auto presence = presence_of(*space);
    mapping_model_->update(mapping_rows(*space, presence, snapshot));
    map_->show_bands(address_bands(*space, presence, AddressMap::most_cells));
    auto summary = tr("%1: %2 mappings, %3 pages, %4 tables")
            .arg(space_text(snapshot, space->id)).arg(space->mappings.size()).arg(presence.present).arg(presence.tables);
    if (const auto& account = space->account; account.known && account.limit)
        summary += tr("; charged with %1 of the %2 pages that it may have").arg(account.charged).arg(*account.limit);
    if (snapshot.memory.known)
        summary += tr("; %1 of the machine's %2 pages are free").arg(snapshot.memory.free).arg(snapshot.memory.total);
    set_summary(summary);
    show_address(snapshot, *space, *thread);
}

} // namespace orrery::inspector
