// Read-only source text with line numbers, breakpoints in the margin, and the current line.
#pragma once

#include <QMap>
#include <QPlainTextEdit>

namespace orrery::inspector {

class SourceMargin;

class SourceEditor : public QPlainTextEdit {
    Q_OBJECT
public:
    enum class BreakpointMark { armed, disabled, unresolved };

    explicit SourceEditor(QWidget* parent = nullptr);

    void show_text(const QString& file, const QString& text);
    const QString& file() const { return file_; }
    void set_current_line(int line); // 0 = none; scrolls to it if it is out of sight
    int current_line() const { return current_line_; }
    void set_breakpoints(QMap<int, BreakpointMark> marks);
    int cursor_line() const; // from 1

Q_SIGNALS:
    void breakpoint_toggled(int line);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;

private:
    friend class SourceMargin;
    int margin_width() const;
    void paint_margin(QPaintEvent* event);
    void margin_clicked(int y);
    int line_at(int y) const;
    void place_margin();
    void mark_lines();

    SourceMargin* margin_;
    QString file_;
    int current_line_ = 0;
    QMap<int, BreakpointMark> breakpoints_;
};

} // namespace orrery::inspector
