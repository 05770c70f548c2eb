// Frame chain above, registers of the chosen frame below.
#include "inspector/views/frames/frames_view.h"

#include <QLabel>
#include <QSplitter>

#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/explained.h"
#include "inspector/views/common/table_view.h"

namespace orrery::inspector {
namespace {

const FrameView* chosen_frame(const Snapshot& snapshot, const Selection& selection)
{
    const auto* thread = snapshot.thread(selection.thread());
    if (!thread || thread->signals.frames.empty()) return nullptr;
    for (const auto& frame : thread->signals.frames)
        if (frame.address == selection.frame()) return &frame;
    return &thread->signals.frames.front();
}

} // namespace

FramesView::FramesView(const ViewContext& context)
    : View(context, QStringLiteral("frames"), tr("Frames"))
    , chain_model_(new KeyedTableModel(frame_columns(), this))
    , register_model_(new KeyedTableModel(frame_register_columns(), this))
    , chain_table_(new TableView(tr("Signal frames, newest first"), context.source))
    , register_table_(new TableView(tr("Registers saved in the frame"), context.source))
    , sentence_(make_sentence())
{
    chain_table_->setModel(chain_model_);
    register_table_->setModel(register_model_);
    sentence_->setForegroundRole(QPalette::PlaceholderText);
    auto* splitter = explained_parts(chain_table_, sentence_, register_table_, 0, 1);
    chain_table_->setMinimumHeight(2 * (fontMetrics().height() + 6) + 2);
    splitter->setSizes({ 3 * (fontMetrics().height() + 7), 400 });
    set_content(splitter);

    connect(chain_table_, &TableView::key_selected, context.selection, &Selection::select_frame);
    connect(register_model_, &KeyedTableModel::edit_requested, this, &FramesView::edit);
}

QWidget* FramesView::main_widget() { return chain_model_->rowCount() > 1 ? chain_table_ : register_table_; }

QString FramesView::as_text() const
{
    return empty_sentence().isEmpty() ? chain_table_->as_text() + QLatin1Char('\n') + register_table_->as_text()
                                      : empty_sentence();
}

void FramesView::show_picture(const Snapshot& snapshot)
{
    const auto thread_id = context().selection->thread();
    const auto* thread = snapshot.thread(thread_id);
    if (!thread) {
        set_summary({});
        set_empty(tr("No thread is selected. Choose one in the Threads view."));
        return;
    }
    const auto count = thread->signals.frames.size();
    set_summary(count == 0 ? thread_text(snapshot, thread_id)
                           : count == 1 ? tr("%1: one frame").arg(thread_text(snapshot, thread_id))
                           : tr("%1: %2 frames").arg(thread_text(snapshot, thread_id)).arg(count));
    if (count == 0) {
        set_empty(tr("No handler runs on %1, so there is no signal frame on its stack.\n\nStep to the phase "
                     "\"signal.framed\" (Ctrl+F11 goes from phase to phase) to see one being made.")
                      .arg(thread_text(snapshot, thread_id)));
        return;
    }
    const bool editable = context().source->run_state() == RunState::stopped;
    chain_model_->update(frame_rows(snapshot, thread_id));
    const auto* frame = chosen_frame(snapshot, *context().selection);
    chain_table_->select_key(frame->address);
    register_model_->update(frame_register_rows(snapshot, thread_id, frame->address, editable));
    if (!frame->valid) {
        sentence_->setText(text(frame->problem));
    } else {
        sentence_->setText(editable
                ? tr("≠ differs now. Double-click a saved value to change what the thread gets back.")
                : tr("≠ differs now. Pause (F6) to change a saved value."));
    }
}

void FramesView::edit(quint64 key, int, const QString& typed)
{
    const auto snapshot = context().source->latest();
    const auto* frame = snapshot ? chosen_frame(*snapshot, *context().selection) : nullptr;
    if (!frame) return;
    EditRequest request;
    request.thread = context().selection->thread();
    request.frame = frame->address;
    const bool mask = key == frame_mask_key;
    request.place = mask ? EditRequest::Place::frame_mask : EditRequest::Place::frame_register;
    request.register_index = mask ? 0 : static_cast<unsigned>(key);
    const auto before = mask ? frame->mask : frame->registers[request.register_index];
    const auto what = tr("%1 in the frame of %2")
                          .arg(mask ? tr("the mask") : QString::fromLatin1(register_name(request.register_index)),
                              signal_label(frame->signal));
    context().edits->request(request, before, typed, what);
}

} // namespace orrery::inspector
