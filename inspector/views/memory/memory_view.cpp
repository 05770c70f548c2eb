// Mappings beside handles.
#include "inspector/views/memory/memory_view.h"

#include <QSplitter>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

MemoryView::MemoryView(const ViewContext& context)
    : View(context, QStringLiteral("memory"), tr("Address space"))
    , mapping_model_(new KeyedTableModel(mapping_columns(), this))
    , handle_model_(new KeyedTableModel(handle_columns(), this))
    , mapping_table_(new TableView(tr("Mappings"), context.source))
    , handle_table_(new TableView(tr("Handles"), context.source))
{
    mapping_table_->setModel(mapping_model_);
    handle_table_->setModel(handle_model_);
    auto* splitter = new QSplitter(Qt::Horizontal);
    splitter->addWidget(mapping_table_);
    splitter->addWidget(handle_table_);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 2);
    splitter->setChildrenCollapsible(false);
    set_content(splitter);
}

QWidget* MemoryView::main_widget() { return mapping_table_; }

QString MemoryView::as_text() const
{
    return empty_sentence().isEmpty() ? mapping_table_->as_text() + QLatin1Char('\n') + handle_table_->as_text()
                                      : empty_sentence();
}

void MemoryView::show_picture(const Snapshot& snapshot)
{
    const auto* thread = snapshot.thread(context().selection->thread());
    const auto* space = thread ? snapshot.space(thread->space) : nullptr;
    if (!space) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view to see its address space."));
        return;
    }
    mapping_model_->update(mapping_rows(*space));
    handle_model_->update(handle_rows(*space));
    set_summary(tr("%1: %2 mappings, %3 handles").arg(space_text(snapshot, space->id)).arg(space->mappings.size()).arg(space->handles.size()));
}

} // namespace orrery::inspector
