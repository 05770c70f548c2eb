// Text as it comes; follows the end unless a person has scrolled up.
#include "inspector/views/console/console_view.h"

#include <QPlainTextEdit>
#include <QScrollBar>

#include "inspector/models/snapshot_source.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

// Bytes at the end that begin a UTF-8 character and do not finish it.
qsizetype unfinished_tail(const QByteArray& bytes)
{
    for (qsizetype back = 1; back <= std::min<qsizetype>(3, bytes.size()); ++back) {
        const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if ((byte & 0xc0) == 0x80) continue;
        const qsizetype needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return needed > back ? back : 0;
    }
    return 0;
}

} // namespace

ConsoleView::ConsoleView(const ViewContext& context)
    : View(context, QStringLiteral("console"), tr("Console"))
    , text_(new QPlainTextEdit)
{
    text_->setReadOnly(true);
    text_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    text_->setMaximumBlockCount(line_limit);
    text_->setFrameShape(QFrame::NoFrame);
    text_->setFont(fixed_font(text_->font()));
    text_->setAccessibleName(tr("Text that the guest has printed"));
    set_content(text_);
    connect(context.source, &SnapshotSource::console_received, this, &ConsoleView::append);
    connect(context.source, &SnapshotSource::run_state_changed, this, [this](RunState state) {
        if (state == RunState::starting) { // a new machine has a new console
            text_->clear();
            held_.clear();
            lines_ = 0;
        }
    });
}

QWidget* ConsoleView::main_widget() { return text_; }

QString ConsoleView::as_text() const { return text_->toPlainText(); }

void ConsoleView::append(const QByteArray& bytes)
{
    auto all = held_ + bytes;
    const auto tail = unfinished_tail(all);
    held_ = all.right(tail);
    all.chop(tail);
    all.replace("\r\n", "\n");
    for (auto& byte : all) // control bytes draw nothing useful and could hide text
        if (static_cast<unsigned char>(byte) < 0x20 && byte != '\n' && byte != '\t') byte = '?';
    lines_ += static_cast<int>(all.count('\n'));

    auto* bar = text_->verticalScrollBar();
    const bool at_end = bar->value() >= bar->maximum() - 2;
    QTextCursor cursor(text_->document());
    cursor.movePosition(QTextCursor::End);
    cursor.insertText(QString::fromUtf8(all));
    if (at_end) bar->setValue(bar->maximum());
    refresh();
}

void ConsoleView::show_picture(const Snapshot&)
{
    set_summary(lines_ == 0 ? QString() : lines_ == 1 ? tr("1 line") : tr("%1 lines").arg(lines_));
    if (text_->document()->isEmpty())
        set_empty(tr("The guest has printed nothing yet. What its programs write to the console appears here."));
}

} // namespace orrery::inspector
