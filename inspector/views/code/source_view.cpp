// Finding and following source text.
#include "inspector/views/code/source_view.h"

#include <QFile>
#include <QFileInfo>

#include "inspector/models/breakpoint_list.h"
#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/code/source_editor.h"

namespace orrery::inspector {

QString find_source(const QString& file)
{
    if (file.isEmpty()) return {};
    if (QFileInfo(file).isFile()) return file;
    // Built elsewhere: the longest end of the path that exists under the source folder.
    const auto parts = file.split(QLatin1Char('/'), Qt::SkipEmptyParts);
    for (qsizetype from = 0; from < parts.size(); ++from) {
        const auto candidate = QStringLiteral(ORRERY_SOURCE_DIR "/") + parts.mid(from).join(QLatin1Char('/'));
        if (QFileInfo(candidate).isFile()) return candidate;
    }
    return {};
}

SourceView::SourceView(const ViewContext& context, BreakpointList* breakpoints)
    : View(context, QStringLiteral("source"), tr("Source"))
    , editor_(new SourceEditor)
    , breakpoints_(breakpoints)
{
    set_content(editor_);
    connect(editor_, &SourceEditor::breakpoint_toggled, this,
        [this](int line) { breakpoints_->toggle(editor_->file(), line); });
    connect(breakpoints_, &BreakpointList::changed, this, &SourceView::show_breakpoints);
    connect(context.source, &SnapshotSource::code_arrived, this, [this](const CodePicture& code) {
        code_ = code;
        open(code.file);
        refresh();
    });
}

QWidget* SourceView::main_widget() { return editor_; }

QString SourceView::as_text() const { return empty_sentence().isEmpty() ? editor_->toPlainText() : empty_sentence(); }

QString SourceView::toggle_breakpoint()
{
    if (editor_->file().isEmpty()) return tr("No source file is shown, so there is no line for a breakpoint.");
    breakpoints_->toggle(editor_->file(), editor_->cursor_line());
    return {};
}

Freshness SourceView::judge(const Snapshot& snapshot) const
{
    return snapshot.freshness == Freshness::stopped ? Freshness::stopped : Freshness::stale;
}

void SourceView::open(const QString& file)
{
    problem_.clear();
    if (file.isEmpty()) {
        problem_ = code_.problem.isEmpty()
            ? tr("The debug information names no source file for %1. The Disassembly view shows its instructions.").arg(hex_text(code_.rip))
            : code_.problem;
        return;
    }
    if (file == editor_->file()) return;
    const auto found = find_source(file);
    QFile text_file(found);
    if (found.isEmpty() || !text_file.open(QIODevice::ReadOnly)) {
        problem_ = tr("The source file %1 is not on this machine. The Disassembly view shows the instructions.").arg(file);
        return;
    }
    if (text_file.size() > 8 << 20) {
        problem_ = tr("The source file %1 is larger than 8 MiB, so it is not shown.").arg(file);
        return;
    }
    editor_->show_text(file, QString::fromUtf8(text_file.readAll()));
    show_breakpoints();
}

void SourceView::show_breakpoints()
{
    QMap<int, SourceEditor::BreakpointMark> marks;
    for (const auto& breakpoint : breakpoints_->all())
        if (breakpoint.file == editor_->file())
            marks[breakpoint.line] = !breakpoint.enabled ? SourceEditor::BreakpointMark::disabled
                : breakpoint.resolved                    ? SourceEditor::BreakpointMark::armed
                                                         : SourceEditor::BreakpointMark::unresolved;
    editor_->set_breakpoints(marks);
}

void SourceView::show_picture(const Snapshot& snapshot)
{
    const auto thread = context().selection->thread();
    const bool here = code_.thread == thread && code_.rip != 0;
    if (!here && editor_->file().isEmpty()) {
        set_summary({});
        set_empty(tr("Source is shown where a thread stops. Pause the machine (F6), or step (F11)."));
        return;
    }
    if (!here || !problem_.isEmpty()) {
        editor_->set_current_line(0);
        set_summary(here ? thread_text(snapshot, thread) : tr("%1 is elsewhere").arg(thread_text(snapshot, thread)));
        if (here) set_empty(problem_);
        return;
    }
    editor_->set_current_line(code_.line);
    set_summary(tr("%1:%2  %3").arg(QFileInfo(code_.file).fileName()).arg(code_.line).arg(code_.function));
}

} // namespace orrery::inspector
