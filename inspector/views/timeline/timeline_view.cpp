// Table, filter and pace of the timeline.
#include "inspector/views/timeline/timeline_view.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QSet>
#include <QTimer>
#include <QToolButton>

#include "abi/phase.h"
#include "inspector/models/selection.h"
#include "inspector/models/sentences.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/models/timeline_filter.h"
#include "inspector/models/timeline_model.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/timeline/timeline_delegate.h"

namespace orrery::inspector {
namespace {

QToolButton* text_toggle(const QString& text, const QString& help)
{
    auto* button = new QToolButton;
    button->setText(text);
    button->setToolTip(help);
    button->setCheckable(true);
    button->setAutoRaise(true);
    return button;
}

} // namespace

TimelineView::TimelineView(const ViewContext& context)
    : View(context, QStringLiteral("timeline"), tr("Timeline"))
    , model_(new TimelineModel(this))
    , filter_(new TimelineFilter(this))
    , table_(new TableView(tr("Phases, oldest first"), nullptr))
    , sentence_(new QLabel)
    , controls_(new QWidget(this))
    , group_(new QComboBox)
    , only_cause_(text_toggle(tr("This cause"), tr("Show only what the selected event's cause led to")))
    , follow_(text_toggle(tr("Follow"), tr("Keep the newest event in sight")))
    , pace_(new QTimer(this))
{
    filter_->setSourceModel(model_);
    table_->setItemDelegate(new TimelineDelegate(model_, table_));
    table_->setModel(filter_);
    sentence_->setContentsMargins(8, 2, 8, 2);
    sentence_->setForegroundRole(QPalette::PlaceholderText);
    sentence_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    sentence_->setMinimumWidth(1);
    sentence_->setText(tr("Select an event: everything with the same cause is marked."));
    auto* content = new QWidget;
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(table_, 1);
    column->addWidget(sentence_);
    set_content(content);

    group_->setAccessibleName(tr("Kind of phase to show"));
    group_->setToolTip(tr("Kind of phase to show"));
    group_->addItem(tr("all phases"), QString());
    QSet<QString> groups;
    for (const auto& phase : abi::phase_table) {
        const QString name = QLatin1String(phase.group);
        if (groups.contains(name)) continue;
        groups += name;
        group_->addItem(name, name);
    }
    follow_->setChecked(true);
    auto* layout = new QHBoxLayout(controls_);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    for (QWidget* control : { static_cast<QWidget*>(group_), static_cast<QWidget*>(only_cause_), static_cast<QWidget*>(follow_) })
        layout->addWidget(control);

    pace_->setSingleShot(true);
    pace_->setInterval(150);
    connect(pace_, &QTimer::timeout, this, &TimelineView::take_latest);
    connect(group_, &QComboBox::activated, this, &TimelineView::apply_filter);
    connect(only_cause_, &QToolButton::toggled, this, &TimelineView::apply_filter);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
        [this](const QModelIndex& index) { row_chosen(index); });
    connect(table_->verticalScrollBar(), &QScrollBar::sliderPressed, this, [this] { follow_->setChecked(false); });
}

QWidget* TimelineView::main_widget() { return table_; }

QWidget* TimelineView::title_controls() { return controls_; }

QString TimelineView::as_text() const { return empty_sentence().isEmpty() ? table_as(*filter_, CopyFormat::text) : empty_sentence(); }

void TimelineView::row_chosen(const QModelIndex& index)
{
    if (!index.isValid()) return;
    const auto cause = index.data(TimelineModel::cause_role).toULongLong();
    context().selection->select_cause(cause);
    model_->mark_cause(cause);
    const auto& chosen = model_->event_at(filter_->mapToSource(index).row());
    if (chosen.phase < abi::Phase::count)
        sentence_->setText(phase_text(chosen.phase) + QStringLiteral(": ")
            + QLatin1String(abi::phase_table[static_cast<std::size_t>(chosen.phase)].sentence) + QLatin1Char('.'));
    if (table_->hasFocus()) {
        follow_->setChecked(index.row() == filter_->rowCount() - 1 && follow_->isChecked());
        const auto thread = index.data(TimelineModel::thread_role).toUInt();
        const auto snapshot = context().source->latest();
        if (snapshot && snapshot->thread(thread)) context().selection->select_thread(thread);
        if (index.data(TimelineModel::group_role) == QLatin1String("signal") && abi::is_signal(chosen.arguments[1]))
            context().selection->select_signal(static_cast<int>(chosen.arguments[1]));
    }
    apply_filter();
}

void TimelineView::apply_filter()
{
    filter_->set_group(group_->currentData().toString());
    filter_->set_cause(only_cause_->isChecked() ? model_->marked_cause() : 0);
}

void TimelineView::show_picture(const Snapshot& snapshot)
{
    if (snapshot.freshness == Freshness::stopped || model_->rowCount() == 0)
        take_latest();
    else if (!pace_->isActive())
        pace_->start();
    if (model_->rowCount() == 0)
        set_empty(tr("The flight recorder is empty. Let the machine run (F5): every phase of every signal and ring appears here."));
}

void TimelineView::take_latest()
{
    const auto snapshot = context().source->latest();
    if (!snapshot || !isVisible()) return;
    model_->update(snapshot);
    if (model_->rowCount() > 0) set_empty({});
    const auto shown = filter_->rowCount();
    set_summary(shown == model_->rowCount() ? tr("%1 events").arg(count_text(static_cast<std::uint64_t>(shown)))
                                            : tr("%1 of %2 events").arg(count_text(static_cast<std::uint64_t>(shown)),
                                                count_text(static_cast<std::uint64_t>(model_->rowCount()))));
    // After the table has taken its new rows and widths in.
    if (follow_->isChecked()) QTimer::singleShot(0, table_, &QTableView::scrollToBottom);
}

} // namespace orrery::inspector
