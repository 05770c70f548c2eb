// The register table.
#include "inspector/views/registers/registers_view.h"

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

RegistersView::RegistersView(const ViewContext& context)
    : View(context, QStringLiteral("registers"), tr("Registers"))
    , model_(new KeyedTableModel(register_columns(), this))
    , table_(new TableView(tr("Registers"), context.source))
{
    table_->setModel(model_);
    set_content(table_);
    connect(model_, &KeyedTableModel::edit_requested, this, &RegistersView::edit);
    connect(context.source, &SnapshotSource::code_arrived, this, [this](const CodePicture& code) {
        code_ = code;
        refresh();
    });
}

QWidget* RegistersView::main_widget() { return table_; }

QString RegistersView::as_text() const { return empty_sentence().isEmpty() ? table_->as_text() : empty_sentence(); }

Freshness RegistersView::judge(const Snapshot& snapshot) const
{
    // Registers of a running processor are nowhere in memory: what is shown is from the last stop.
    const auto* thread = snapshot.thread(context().selection->thread());
    return thread && !thread->registers && model_->rowCount() > 0 ? Freshness::stale : snapshot.freshness;
}

void RegistersView::show_picture(const Snapshot& snapshot)
{
    const auto thread = context().selection->thread();
    if (!snapshot.thread(thread)) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view."));
        return;
    }
    const auto rip_symbol = code_.thread == thread && !code_.instructions.empty() ? code_.function : QString();
    const bool editable = context().source->run_state() == RunState::stopped;
    auto rows = register_rows(snapshot, thread, rip_symbol, editable);
    const bool known = !rows.empty();
    if (known || thread != shown_thread_) {
        // Another thread's values are no changes of this one's.
        const bool other = thread != shown_thread_;
        model_->update(std::move(rows));
        if (other) model_->forget_changes();
        shown_thread_ = thread;
    }
    set_summary(known ? thread_text(snapshot, thread) : tr("%1, as of the last stop").arg(thread_text(snapshot, thread)));
    if (model_->rowCount() == 0)
        set_empty(tr("The registers of a running processor can't be read. Pause the machine (F6) to see them."));
}

void RegistersView::edit(quint64 key, int, const QString& typed)
{
    const auto row = model_->row_of(key);
    if (row < 0) return;
    QString problem;
    const auto before = parse_value(model_->rows()[static_cast<std::size_t>(row)].cells[register_value_column], problem);
    EditRequest request;
    request.place = EditRequest::Place::thread_register;
    request.thread = context().selection->thread();
    request.register_index = static_cast<unsigned>(key);
    if (const auto snapshot = context().source->latest())
        for (const auto& cpu : snapshot->cpus)
            if (cpu.thread == request.thread) request.cpu = static_cast<int>(cpu.number);
    context().edits->request(request, before.value_or(0), typed, QString::fromLatin1(register_name(request.register_index)));
}

} // namespace orrery::inspector
