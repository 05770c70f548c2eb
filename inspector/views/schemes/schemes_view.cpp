// Assembly of the schemes view.
#include "inspector/views/schemes/schemes_view.h"

#include <QLabel>
#include <QSplitter>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/views/common/explained.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

SchemesView::SchemesView(const ViewContext& context)
    : View(context, QStringLiteral("schemes"), tr("Schemes"))
    , scheme_model_(new KeyedTableModel(scheme_columns(), this))
    , call_model_(new KeyedTableModel(call_columns(), this))
    , scheme_table_(new TableView(tr("Schemes"), context.source))
    , call_table_(new TableView(tr("Calls of the selected scheme"), context.source))
    , sentence_(make_sentence())
{
    scheme_table_->setModel(scheme_model_);
    call_table_->setModel(call_model_);
    set_content(explained_parts(scheme_table_, sentence_, call_table_, 2, 3));

    connect(scheme_table_, &TableView::key_selected, this,
        [this](quint64 key) { this->context().selection->select_scheme(static_cast<std::uint32_t>(key)); });
    // Who chose a call wants to see who waits for it.
    connect(call_table_, &TableView::key_selected, this, [this](quint64 key) {
        const auto* scheme = shown_ ? shown_->scheme(this->context().selection->scheme()) : nullptr;
        if (!scheme) return;
        for (const auto* calls : { &scheme->received, &scheme->waiting })
            for (const auto& call : *calls)
                if (call.tag == key) return this->context().selection->select_thread(call.thread);
    });
}

QWidget* SchemesView::main_widget() { return scheme_table_; }

QString SchemesView::as_text() const
{
    if (!empty_sentence().isEmpty()) return empty_sentence();
    return scheme_table_->as_text() + QLatin1Char('\n') + sentence_->text() + QStringLiteral("\n\n") + call_table_->as_text();
}

void SchemesView::show_picture(const Snapshot& snapshot)
{
    shown_ = context().source->latest();
    scheme_model_->update(scheme_rows(snapshot));
    std::size_t calls = 0;
    for (const auto& scheme : snapshot.schemes) calls += scheme.waiting.size() + scheme.received.size();
    set_summary(tr("%1 schemes, %2 calls").arg(snapshot.schemes.size()).arg(calls));
    const auto* scheme = snapshot.scheme(context().selection->scheme());
    if (!scheme) {
        set_empty(tr("No scheme exists yet. A scheme appears here when a program calls scheme_create to serve others."));
        return;
    }
    scheme_table_->select_key(scheme->number);
    call_model_->update(call_rows(*scheme, snapshot));
    const auto sentence = scheme_sentence(*scheme, snapshot);
    if (sentence_->text() != sentence) {
        sentence_->setText(sentence);
        call_table_->setAccessibleDescription(sentence);
    }
}

} // namespace orrery::inspector
