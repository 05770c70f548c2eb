// The text, its colours and its margin.
#include "inspector/views/code/source_editor.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QSyntaxHighlighter>
#include <QTextBlock>
#include <QToolTip>

#include "inspector/views/code/code_lexer.h"
#include "inspector/views/common/theme.h"

namespace orrery::inspector {
namespace {

class CodeHighlighter : public QSyntaxHighlighter {
public:
    CodeHighlighter(SourceEditor* editor)
        : QSyntaxHighlighter(editor->document())
        , editor_(editor)
    {
    }

protected:
    void highlightBlock(const QString& line) override
    {
        bool in_comment = previousBlockState() == 1;
        const auto& palette = editor_->palette();
        for (const auto& span : lex_line(language_of(editor_->file()), line, in_comment)) {
            QTextCharFormat format;
            switch (span.token) {
            case CodeToken::keyword: format.setForeground(theme_color(ColorRole::keyword, palette)); break;
            case CodeToken::comment:
                format.setForeground(theme_color(ColorRole::comment, palette));
                format.setFontItalic(true);
                break;
            case CodeToken::literal: format.setForeground(theme_color(ColorRole::literal, palette)); break;
            case CodeToken::directive: format.setForeground(theme_color(ColorRole::process, palette)); break;
            case CodeToken::plain: continue;
            }
            setFormat(static_cast<int>(span.begin), static_cast<int>(span.length), format);
        }
        setCurrentBlockState(in_comment ? 1 : 0);
    }

private:
    SourceEditor* editor_;
};

} // namespace

class SourceMargin : public QWidget {
public:
    explicit SourceMargin(SourceEditor* editor)
        : QWidget(editor)
        , editor_(editor)
    {
        setCursor(Qt::PointingHandCursor);
    }
    QSize sizeHint() const override { return { editor_->margin_width(), 0 }; }

protected:
    void paintEvent(QPaintEvent* event) override { editor_->paint_margin(event); }
    void mousePressEvent(QMouseEvent* event) override
    {
        if (event->button() == Qt::LeftButton) editor_->margin_clicked(static_cast<int>(event->position().y()));
    }
    bool event(QEvent* event) override
    {
        if (event->type() == QEvent::ToolTip) {
            const auto* help = static_cast<QHelpEvent*>(event);
            const int line = editor_->line_at(help->pos().y());
            QString text = SourceEditor::tr("Click, or press F9 on the line, to set a breakpoint.");
            if (editor_->breakpoints_.contains(line))
                switch (editor_->breakpoints_[line]) {
                case SourceEditor::BreakpointMark::armed: text = SourceEditor::tr("The machine stops before this line."); break;
                case SourceEditor::BreakpointMark::disabled: text = SourceEditor::tr("This breakpoint is switched off."); break;
                case SourceEditor::BreakpointMark::unresolved:
                    text = SourceEditor::tr("No code belongs to this line yet, so the machine does not stop here.");
                    break;
                }
            QToolTip::showText(help->globalPos(), text, this);
            return true;
        }
        return QWidget::event(event);
    }

private:
    SourceEditor* editor_;
};

SourceEditor::SourceEditor(QWidget* parent)
    : QPlainTextEdit(parent)
    , margin_(new SourceMargin(this))
{
    setReadOnly(true);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setLineWrapMode(QPlainTextEdit::NoWrap);
    setFrameShape(QFrame::NoFrame);
    setFont(fixed_font(font()));
    setAccessibleName(tr("Source text"));
    new CodeHighlighter(this);
    connect(this, &QPlainTextEdit::blockCountChanged, this, &SourceEditor::place_margin);
    connect(this, &QPlainTextEdit::updateRequest, this, [this](const QRect& rect, int dy) {
        if (dy != 0)
            margin_->scroll(0, dy);
        else
            margin_->update(0, rect.y(), margin_->width(), rect.height());
    });
    place_margin();
}

void SourceEditor::show_text(const QString& file, const QString& text)
{
    file_ = file;
    current_line_ = 0;
    setPlainText(text);
    setTabStopDistance(4 * fontMetrics().horizontalAdvance(QLatin1Char(' ')));
    mark_lines();
}

void SourceEditor::set_current_line(int line)
{
    if (line != current_line_ && line > 0) {
        const auto block = document()->findBlockByNumber(line - 1);
        if (block.isValid()) {
            setTextCursor(QTextCursor(block));
            const auto place = blockBoundingGeometry(block).translated(contentOffset());
            const auto rows = fontMetrics().lineSpacing() * 2;
            if (place.top() < rows || place.bottom() > viewport()->height() - rows) centerCursor();
        }
    }
    current_line_ = line;
    mark_lines();
}

void SourceEditor::mark_lines()
{
    QList<QTextEdit::ExtraSelection> selections;
    const auto block = current_line_ > 0 ? document()->findBlockByNumber(current_line_ - 1) : QTextBlock();
    if (block.isValid()) {
        QTextEdit::ExtraSelection selection;
        auto wash = theme_color(ColorRole::current, palette());
        wash.setAlphaF(0.18f);
        selection.format.setBackground(wash);
        selection.format.setProperty(QTextFormat::FullWidthSelection, true);
        selection.cursor = QTextCursor(block);
        selections += selection;
    }
    setExtraSelections(selections);
    margin_->update();
}

void SourceEditor::set_breakpoints(QMap<int, BreakpointMark> marks)
{
    if (marks == breakpoints_) return;
    breakpoints_ = std::move(marks);
    margin_->update();
}

int SourceEditor::cursor_line() const { return textCursor().blockNumber() + 1; }

int SourceEditor::margin_width() const
{
    const auto digits = std::max<qsizetype>(3, QString::number(blockCount()).size());
    return static_cast<int>(fontMetrics().horizontalAdvance(QLatin1Char('9')) * digits) + 34;
}

void SourceEditor::place_margin()
{
    setViewportMargins(margin_width(), 0, 0, 0);
    const auto area = contentsRect();
    margin_->setGeometry(QRect(area.left(), area.top(), margin_width(), area.height()));
}

void SourceEditor::resizeEvent(QResizeEvent* event)
{
    QPlainTextEdit::resizeEvent(event);
    place_margin();
}

void SourceEditor::changeEvent(QEvent* event)
{
    QPlainTextEdit::changeEvent(event);
    if (event->type() == QEvent::FontChange) place_margin();
    if (event->type() == QEvent::PaletteChange && document()) {
        // The highlighter has written the old palette's colours into the text.
        for (auto* child : document()->children())
            if (auto* highlighter = qobject_cast<QSyntaxHighlighter*>(child)) highlighter->rehighlight();
        mark_lines();
    }
}

bool SourceEditor::event(QEvent* event) { return QPlainTextEdit::event(event); }

int SourceEditor::line_at(int y) const
{
    auto block = firstVisibleBlock();
    auto top = blockBoundingGeometry(block).translated(contentOffset()).top();
    while (block.isValid()) {
        const auto bottom = top + blockBoundingRect(block).height();
        if (y >= top && y < bottom) return block.blockNumber() + 1;
        top = bottom;
        block = block.next();
    }
    return 0;
}

void SourceEditor::margin_clicked(int y)
{
    if (const int line = line_at(y); line > 0) Q_EMIT breakpoint_toggled(line);
}

void SourceEditor::paint_margin(QPaintEvent* event)
{
    QPainter painter(margin_);
    painter.fillRect(event->rect(), palette().color(QPalette::AlternateBase));
    painter.setRenderHint(QPainter::Antialiasing);
    const auto height = fontMetrics().height();
    auto block = firstVisibleBlock();
    auto top = blockBoundingGeometry(block).translated(contentOffset()).top();
    for (; block.isValid() && top <= event->rect().bottom(); block = block.next()) {
        const int line = block.blockNumber() + 1;
        const bool current = line == current_line_;
        auto font = this->font();
        font.setBold(current);
        painter.setFont(font);
        painter.setPen(palette().color(current ? QPalette::Text : QPalette::PlaceholderText));
        painter.drawText(QRectF(0, top, margin_->width() - 18, height), Qt::AlignRight | Qt::AlignVCenter, QString::number(line));
        const auto middle = top + height / 2.0;
        if (current) {
            QPainterPath arrow(QPointF(margin_->width() - 14, middle - 5));
            arrow.lineTo(margin_->width() - 5, middle);
            arrow.lineTo(margin_->width() - 14, middle + 5);
            arrow.closeSubpath();
            painter.fillPath(arrow, theme_color(ColorRole::current, palette()));
        }
        if (const auto mark = breakpoints_.constFind(line); mark != breakpoints_.constEnd()) {
            const auto color = theme_color(ColorRole::blocked, palette());
            const QRectF disc(3, middle - 5, 10, 10);
            painter.setPen(QPen(color, 1.6, *mark == BreakpointMark::unresolved ? Qt::DotLine : Qt::SolidLine));
            painter.setBrush(*mark == BreakpointMark::armed ? QBrush(color) : Qt::NoBrush);
            painter.drawEllipse(disc);
        }
        top += blockBoundingRect(block).height();
    }
}

} // namespace orrery::inspector
