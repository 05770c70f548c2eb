// Assembly of the view of waits.
#include "inspector/views/waits/waits_view.h"

#include <QLabel>
#include <QScrollArea>
#include <QSplitter>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/views/common/explained.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/waits/wait_drawing.h"

namespace orrery::inspector {

WaitsView::WaitsView(const ViewContext& context)
    : View(context, QStringLiteral("waits"), tr("Waits"))
    , model_(new KeyedTableModel(wait_columns(), this))
    , table_(new TableView(tr("Who waits for whom"), context.source))
    , drawing_(new WaitDrawing)
    , sentence_(make_sentence())
{
    table_->setModel(model_);
    auto* scroll = new QScrollArea;
    scroll->setWidget(drawing_);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setMinimumHeight(5 * fontMetrics().height()); // a row of boxes, and the arrows below it
    auto* splitter = explained_parts(scroll, sentence_, table_, 3, 2);
    splitter->setSizes({ 100, 120 });
    set_content(splitter);
    connect(table_, &TableView::key_selected, this, [this](quint64 key) {
        this->context().selection->select_thread(static_cast<std::uint32_t>(key >> 32));
    });
}

QWidget* WaitsView::main_widget() { return table_; }

QString WaitsView::as_text() const
{
    if (!empty_sentence().isEmpty()) return empty_sentence();
    return sentence_->text() + QStringLiteral("\n\n") + table_->as_text();
}

void WaitsView::show_picture(const Snapshot& snapshot)
{
    const auto graph = wait_graph(snapshot);
    model_->update(wait_rows(graph, snapshot));
    drawing_->show_graph(graph, snapshot);
    const auto sentence = wait_sentence(graph);
    if (sentence_->text() != sentence) {
        sentence_->setText(sentence);
        drawing_->setAccessibleDescription(sentence);
    }
    set_summary(graph.stuck.empty() ? tr("%1 waits").arg(graph.edges.size()) : tr("%1 waits, deadlock").arg(graph.edges.size()));
    if (graph.edges.empty())
        set_empty(tr("No thread waits for another one. Calls to servers, rings, and waiting for a program's end appear here."));
}

} // namespace orrery::inspector
