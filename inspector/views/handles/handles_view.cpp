// Assembly of the handles view.
#include "inspector/views/handles/handles_view.h"

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

HandlesView::HandlesView(const ViewContext& context)
    : View(context, QStringLiteral("handles"), tr("Handles"))
    , model_(new KeyedTableModel(handle_columns(), this))
    , table_(new TableView(tr("Handles"), context.source))
{
    table_->setModel(model_);
    set_content(table_);
}

QWidget* HandlesView::main_widget() { return table_; }

QString HandlesView::as_text() const { return empty_sentence().isEmpty() ? table_->as_text() : empty_sentence(); }

void HandlesView::show_picture(const Snapshot& snapshot)
{
    const auto* thread = snapshot.thread(context().selection->thread());
    const auto* space = thread ? snapshot.space(thread->space) : nullptr;
    if (!space) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view to see the handles of its program."));
        return;
    }
    model_->update(handle_rows(*space));
    set_summary(tr("%1: %2 handles").arg(space_text(snapshot, space->id)).arg(space->handles.size()));
}

} // namespace orrery::inspector
