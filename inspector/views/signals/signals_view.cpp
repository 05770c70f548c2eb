// Assembly of the signals view.
#include "inspector/views/signals/signals_view.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QToolButton>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/sentences.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/common/icons.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/signals/signal_lanes.h"

namespace orrery::inspector {

SignalsView::SignalsView(const ViewContext& context)
    : View(context, QStringLiteral("signals"), tr("Signals"))
    , model_(new KeyedTableModel(signal_columns(), this))
    , lanes_(new SignalLanes)
    , table_(new TableView(tr("Signals as a table"), context.source))
    , pages_(new QStackedWidget)
    , sentence_(new QLabel)
    , state_(new QLabel)
    , as_table_(new QToolButton(this))
{
    table_->setModel(model_);
    auto* scroll = new QScrollArea; // a narrow dock scrolls, it does not squeeze the bits
    scroll->setWidget(lanes_);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setAccessibleName(tr("Signal lanes"));
    pages_->addWidget(scroll);
    pages_->addWidget(table_);

    as_table_->setIcon(icon(QStringLiteral("table")));
    as_table_->setIconSize({ 14, 14 });
    as_table_->setCheckable(true);
    as_table_->setAutoRaise(true);
    as_table_->setToolTip(tr("Show the same as a table"));
    as_table_->setAccessibleName(tr("Show signals as a table"));
    connect(as_table_, &QToolButton::toggled, this, [this](bool on) {
        pages_->setCurrentIndex(on ? 1 : 0);
        refresh();
    });

    for (auto* label : { sentence_, state_ }) {
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
        label->setMinimumWidth(1);
        label->setContentsMargins(8, 2, 8, 2);
    }
    sentence_->setAccessibleName(tr("Why the selected signal is or is not delivered"));
    state_->setForegroundRole(QPalette::PlaceholderText);
    state_->setAccessibleName(tr("State of delivery"));

    auto* content = new QWidget;
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 2);
    layout->setSpacing(0);
    layout->addWidget(pages_, 1);
    layout->addWidget(sentence_);
    layout->addWidget(state_);
    set_content(content);

    connect(lanes_, &SignalLanes::signal_selected, context.selection, &Selection::select_signal);
    connect(table_, &TableView::key_selected, this,
        [this](quint64 key) { this->context().selection->select_signal(static_cast<int>(key)); });
    connect(context.source, &SnapshotSource::run_state_changed, this, &SignalsView::follow_run_state);
    follow_run_state();
}

void SignalsView::follow_run_state()
{
    const auto* source = context().source;
    lanes_->hold_changes_since(source->run_state() == RunState::stopped ? source->resumed_at() : 0);
}

QWidget* SignalsView::main_widget() { return as_table_->isChecked() ? static_cast<QWidget*>(table_) : lanes_; }

QWidget* SignalsView::title_controls() { return as_table_; }

QString SignalsView::as_text() const
{
    return table_as(*model_, CopyFormat::text) + QLatin1Char('\n') + sentence_->text() + QLatin1Char('\n') + state_->text();
}

QString SignalsView::state_sentence(const SignalView& view) const
{
    QStringList parts;
    parts += view.inhibit ? tr("Delivery is inhibited (depth %1).").arg(view.inhibit_depth) : tr("Delivery is not inhibited.");
    if (view.deferred_at != 0) parts += tr("A delivery was put off at %1.").arg(hex_text(view.deferred_at));
    if (view.process_ignored != 0) parts += tr("The process ignores %1.").arg(signal_set_label(view.process_ignored));
    if (view.alternate_stack_size != 0)
        parts += tr("Alternate stack at %1, %2 bytes.").arg(hex_text(view.alternate_stack_base)).arg(view.alternate_stack_size);
    return parts.join(QLatin1Char(' '));
}

void SignalsView::show_picture(const Snapshot& snapshot)
{
    const auto* thread = snapshot.thread(context().selection->thread());
    if (!thread) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view to see its signals."));
        return;
    }
    set_summary(thread_text(snapshot, thread->id));
    if (!thread->signals.registered) {
        set_empty(tr("%1 has no control page: it has not told the kernel where its signal words are, so it takes no "
                     "signals. Choose another thread.").arg(thread_text(snapshot, thread->id)));
        return;
    }
    lanes_->show_words(thread->id, thread->signals);
    if (as_table_->isChecked() || model_->rowCount() == 0 || snapshot.freshness == Freshness::stopped)
        model_->update(signal_rows(snapshot, thread->id));
    const int signal = context().selection->signal();
    lanes_->select_signal(signal);
    table_->select_key(static_cast<quint64>(signal));
    const auto sentence = signal == 0
        ? tr("Select a column to read why that signal is, or is not, delivered.")
        : signal_sentence(snapshot, thread->id, signal);
    if (sentence_->text() != sentence) {
        sentence_->setText(sentence);
        lanes_->setAccessibleDescription(sentence);
    }
    const auto state = state_sentence(thread->signals);
    if (state_->text() != state) state_->setText(state);
}

} // namespace orrery::inspector
