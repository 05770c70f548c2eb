// The window: one dock a view, commands above, one sentence below.
#pragma once

#include <QMainWindow>

#include "inspector/app/commands.h"
#include "inspector/views/common/theme.h"
#include "inspector/views/common/view.h"

class QLabel;
class QTimer;

namespace orrery::inspector {

class BreakpointList;
class CommandActions;
class EditController;
class LessonSource;
class ProblemPage;
class Selection;
class SnapshotSource;
class SourceView;
class StatusLine;
class ViewDock;

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    // `source` outlives the window. `remembers`: layout, theme and breakpoints are kept for the next time.
    // `lesson` may be null: then there is no lesson view.
    explicit MainWindow(SnapshotSource* source, bool remembers = true, LessonSource* lesson = nullptr);
    ~MainWindow() override;

    void carry_out(CommandId id);
    void use_theme(Theme theme);
    void reset_layout();
    void lesson_layout();
    Situation situation() const;
    // A dock by its view's object name: "signals".
    ViewDock* dock(const QString& view_name) const;
    const QList<ViewDock*>& docks() const { return docks_; }
    CommandActions* actions() const { return actions_; }
    StatusLine* status_line() const { return status_line_; }
    Selection* selection() const { return selection_; }
    BreakpointList* breakpoints() const { return breakpoints_; }
    EditController* edits() const { return edits_; }
    ProblemPage* problem_page() const { return problem_page_; }

protected:
    void closeEvent(QCloseEvent* event) override;

private:
    void make_docks();
    void connect_source();
    void run_state_changed(RunState state, const QString& sentence);
    void stopped(const StopReport& report);
    void step(StepRequest::Kind kind, bool signals_only, bool this_signal);
    void update_commands();
    void update_watching();
    void update_picture_line();
    void request_code(std::uint64_t address); // 0 = where the selected thread is
    void zoom(int direction);
    void show_problem(const QString& sentence);
    void hide_problem();
    void show_reference();
    void open_lesson();
    void copy_focused_view();
    void restore();
    void remember() const;

    SnapshotSource* source_;
    bool remembers_;
    LessonSource* lesson_;
    Selection* selection_;
    EditController* edits_;
    BreakpointList* breakpoints_;
    SourceView* source_view_ = nullptr;
    QList<ViewDock*> docks_;
    CommandActions* actions_;
    StatusLine* status_line_;
    QLabel* picture_line_;
    ProblemPage* problem_page_;
    QList<ViewDock*> hidden_for_problem_;
    Theme theme_ = Theme::system;
    qreal normal_point_size_;
    std::uint32_t code_thread_ = 0;
    std::string code_place_; // ThreadView::place of the code that is shown
    QTimer* code_pace_;
};

} // namespace orrery::inspector
