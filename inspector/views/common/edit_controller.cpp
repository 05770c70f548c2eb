// Undo steps that write guest state through the source.
#include "inspector/views/common/edit_controller.h"

#include <QUndoStack>

#include "abi/signal.h"
#include "abi/startup.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

class EditStep : public QUndoCommand {
public:
    EditStep(EditController* controller, EditRequest edit, std::uint64_t before, const QString& what)
        : QUndoCommand(what)
        , controller_(controller)
        , edit_(edit)
        , before_(before)
    {
    }
    void redo() override
    {
        if (!done_before_) { // it was carried out before it became a step
            done_before_ = true;
            return;
        }
        controller_->send(edit_);
    }
    void undo() override
    {
        auto back = edit_;
        back.value = before_;
        controller_->send(back);
    }

private:
    EditController* controller_;
    EditRequest edit_;
    std::uint64_t before_;
    bool done_before_ = false;
};

} // namespace

EditController::EditController(SnapshotSource* source, QObject* parent)
    : QObject(parent)
    , source_(source)
    , stack_(new QUndoStack(this))
{
    connect(source_, &SnapshotSource::edit_finished, this, &EditController::finished);
    connect(source_, &SnapshotSource::run_state_changed, this, [this](RunState state) {
        // The values that undo would bring back belong to a moment that has passed.
        if (state != RunState::stopped) {
            stack_->clear();
            pending_.reset();
        }
    });
}

QString EditController::refusal(const EditRequest& edit)
{
    using abi::SavedRegister;
    const auto which = static_cast<SavedRegister>(edit.register_index);
    if (edit.place == EditRequest::Place::frame_register && (which == SavedRegister::rip || which == SavedRegister::rsp)
        && (edit.value < abi::user_begin || edit.value >= abi::user_end))
        return tr("%1 is not an address of a program: %2 must be from %3 to below %4.")
            .arg(hex_text(edit.value), QLatin1String(register_name(edit.register_index)), hex_text(abi::user_begin),
                hex_text(abi::user_end));
    if (edit.place == EditRequest::Place::thread_register && which == SavedRegister::rip
        && static_cast<std::int64_t>(edit.value << 16) >> 16 != static_cast<std::int64_t>(edit.value))
        return tr("%1 is not canonical: bits 63 to 47 of an address must be equal (Intel SDM volume 1, section 3.3.7.1).")
            .arg(hex_text(edit.value));
    const auto unblockable = abi::signal_mask64(9) | abi::signal_mask64(19);
    if (edit.place == EditRequest::Place::frame_mask && (edit.value & unblockable) != 0)
        return tr("SIGKILL and SIGSTOP can't be blocked: bits 8 and 18 of a mask must be 0.");
    return {};
}

void EditController::request(EditRequest edit, std::uint64_t before, const QString& typed, const QString& what)
{
    if (source_->run_state() != RunState::stopped) {
        Q_EMIT refused(tr("The machine runs. Pause it (F6) before you change %1.").arg(what));
        return;
    }
    QString problem;
    const auto value = parse_value(typed, problem);
    if (!value) {
        Q_EMIT refused(problem);
        return;
    }
    edit.value = *value;
    if (const auto reason = refusal(edit); !reason.isEmpty()) {
        Q_EMIT refused(reason);
        return;
    }
    if (edit.value == before) return;
    pending_ = Pending { edit, before, what };
    source_->edit(edit);
}

void EditController::send(const EditRequest& edit) { source_->edit(edit); }

void EditController::finished(const EditRequest& edit, const QString& problem)
{
    const bool ours = pending_ && pending_->edit == edit;
    if (!problem.isEmpty()) {
        if (!ours) stack_->clear(); // an undo failed: the steps before it can't be trusted
        pending_.reset();
        Q_EMIT refused(problem);
        return;
    }
    if (!ours) return;
    const auto step = *pending_;
    pending_.reset();
    stack_->push(new EditStep(this, step.edit, step.before, tr("change of %1").arg(step.what)));
    Q_EMIT done(tr("%1 is %2 now (it was %3). Ctrl+Z takes it back.").arg(step.what, hex_text(edit.value), hex_text(step.before)));
}

} // namespace orrery::inspector
