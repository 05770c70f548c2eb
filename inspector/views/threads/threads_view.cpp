// The threads table; a selected row is the thread that all other views show.
#include "inspector/views/threads/threads_view.h"

#include <algorithm>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

ThreadsView::ThreadsView(const ViewContext& context)
    : View(context, QStringLiteral("threads"), tr("Threads"))
    , model_(new KeyedTableModel(thread_columns(), this))
    , table_(new TableView(tr("Threads"), context.source))
{
    table_->setModel(model_);
    set_content(table_);
    connect(table_, &TableView::key_selected, this,
        [this](quint64 key) { this->context().selection->select_thread(static_cast<std::uint32_t>(key)); });
}

QWidget* ThreadsView::main_widget() { return table_; }

QString ThreadsView::as_text() const { return table_->as_text(); }

void ThreadsView::show_picture(const Snapshot& snapshot)
{
    model_->update(thread_rows(snapshot));
    table_->select_key(context().selection->thread());
    const auto count = [&](const char* state) {
        return static_cast<int>(std::count_if(snapshot.threads.begin(), snapshot.threads.end(),
            [&](const ThreadView& thread) { return thread.state == state; }));
    };
    set_summary(tr("%1 threads: %2 running, %3 blocked").arg(snapshot.threads.size()).arg(count("running")).arg(count("blocked")));
    if (snapshot.threads.empty())
        set_empty(tr("The kernel has no threads yet. They appear as soon as it has started the first program."));
}

} // namespace orrery::inspector
