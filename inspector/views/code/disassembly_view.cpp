// The instruction table.
#include "inspector/views/code/disassembly_view.h"

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {

DisassemblyView::DisassemblyView(const ViewContext& context)
    : View(context, QStringLiteral("disassembly"), tr("Disassembly"))
    , model_(new KeyedTableModel(instruction_columns(), this))
    , table_(new TableView(tr("Instructions"), context.source))
{
    table_->setModel(model_);
    set_content(table_);
    connect(context.source, &SnapshotSource::code_arrived, this, [this](const CodePicture& code) {
        moved_ = moved_ || code.rip != code_.rip;
        code_ = code;
        refresh();
    });
}

QWidget* DisassemblyView::main_widget() { return table_; }

QString DisassemblyView::as_text() const { return empty_sentence().isEmpty() ? table_->as_text() : empty_sentence(); }

Freshness DisassemblyView::judge(const Snapshot& snapshot) const
{
    return snapshot.freshness == Freshness::stopped ? Freshness::stopped : Freshness::stale;
}

void DisassemblyView::show_picture(const Snapshot& snapshot)
{
    const auto thread = context().selection->thread();
    if (code_.instructions.empty()) {
        set_summary({});
        set_empty(code_.rip != 0 && !code_.problem.isEmpty()
                ? code_.problem
                : tr("Instructions are shown where a thread stops. Pause the machine (F6), or step one instruction (Alt+F11)."));
        return;
    }
    auto code = code_;
    if (code.thread != thread) code.rip = 0; // nothing here is this thread's next instruction
    model_->update(instruction_rows(code));
    set_summary(code.thread == thread ? QStringLiteral("%1  %2").arg(code.function, hex_text(code.rip))
                                      : tr("%1 is elsewhere").arg(thread_text(snapshot, thread)));
    if (moved_) {
        moved_ = false;
        if (const int row = model_->row_of(code.rip); row >= 0)
            table_->scrollTo(model_->index(row, 0), QAbstractItemView::PositionAtCenter);
    }
}

} // namespace orrery::inspector
