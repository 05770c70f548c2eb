// What the window does with commands and with news from the machine; main_window_layout.cpp arranges it.
#include "inspector/app/main_window.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QLabel>
#include <QStatusBar>
#include <QTextBrowser>
#include <QTimer>
#include <QUndoStack>

#include "inspector/app/command_actions.h"
#include "inspector/app/command_palette.h"
#include "inspector/app/problem_page.h"
#include "inspector/app/status_line.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/lesson_source.h"
#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"
#include "inspector/views/code/source_editor.h"
#include "inspector/views/code/source_view.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/view_dock.h"

// The icons lie in a static library, whose start-up code the linker drops unless it is called (outside any namespace).
static void load_icons() { Q_INIT_RESOURCE(icons); }

namespace orrery::inspector {

MainWindow::MainWindow(SnapshotSource* source, bool remembers, LessonSource* lesson)
    : source_((load_icons(), source)) // before anything makes an icon
    , remembers_(remembers)
    , lesson_(lesson)
    , selection_(new Selection(this))
    , edits_(new EditController(source, this))
    , breakpoints_(new BreakpointList(source, this))
    , actions_(new CommandActions(this, [this](CommandId id) { carry_out(id); }))
    , status_line_(new StatusLine)
    , picture_line_(new QLabel)
    , problem_page_(new ProblemPage)
    , normal_point_size_(QApplication::font().pointSizeF())
    , code_pace_(new QTimer(this))
{
    setWindowTitle(tr("Orrery Inspector"));
    setWindowIcon(QIcon(QStringLiteral(":/icons/orrery.svg")));
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    statusBar()->addWidget(status_line_, 1);
    statusBar()->addPermanentWidget(picture_line_);
    picture_line_->setForegroundRole(QPalette::PlaceholderText);
    picture_line_->setContentsMargins(6, 0, 6, 0);
    setCentralWidget(problem_page_);
    problem_page_->hide();
    connect(problem_page_, &ProblemPage::try_again, source_, &SnapshotSource::start);
    make_docks();
    connect_source();
    reset_layout();
    restore();
    run_state_changed(source_->run_state(), {});
}

MainWindow::~MainWindow()
{
    // Docks are hidden while they are destroyed, and would still tell this window of it.
    for (auto* dock : docks_) dock->disconnect(this);
}

ViewDock* MainWindow::dock(const QString& view_name) const
{
    for (auto* dock : docks_)
        if (dock->view()->objectName() == view_name) return dock;
    return nullptr;
}

void MainWindow::connect_source()
{
    connect(source_, &SnapshotSource::run_state_changed, this, &MainWindow::run_state_changed);
    connect(source_, &SnapshotSource::stopped, this, &MainWindow::stopped);
    connect(source_, &SnapshotSource::notice, status_line_, &StatusLine::show_notice);
    connect(edits_, &EditController::refused, status_line_, &StatusLine::show_notice);
    connect(edits_, &EditController::done, status_line_, &StatusLine::show_notice);
    connect(edits_->undo_stack(), &QUndoStack::indexChanged, this, &MainWindow::update_commands);
    connect(source_, &SnapshotSource::snapshot_changed, this, [this] {
        selection_->settle(*source_->latest());
        update_picture_line();
        if (source_->run_state() == RunState::running && !code_pace_->isActive()) code_pace_->start();
    });
    // While it runs, the code of the selected thread is followed a few times a second.
    code_pace_->setSingleShot(true);
    code_pace_->setInterval(250);
    connect(code_pace_, &QTimer::timeout, this, [this] {
        const auto snapshot = source_->latest();
        const auto* thread = snapshot ? snapshot->thread(selection_->thread()) : nullptr;
        if (thread && source_->run_state() == RunState::running && thread->registers
            && (thread->place != code_place_ || thread->id != code_thread_)) {
            code_place_ = thread->place;
            request_code(0);
        }
    });
    connect(selection_, &Selection::changed, this, [this] {
        update_commands();
        if (selection_->thread() != code_thread_) request_code(0);
    });
    connect(breakpoints_, &BreakpointList::changed, this, &MainWindow::update_commands);
    connect(source_, &SnapshotSource::code_arrived, this, &MainWindow::update_commands, Qt::QueuedConnection);
}

void MainWindow::run_state_changed(RunState state, const QString& sentence)
{
    if (state == RunState::failed && !source_->latest())
        show_problem(sentence);
    else if (state != RunState::failed)
        hide_problem();
    switch (state) {
    case RunState::absent: status_line_->show_state(state, tr("Press F5 to start it.")); break;
    case RunState::starting: status_line_->show_state(state, sentence.isEmpty() ? tr("the machine boots.") : sentence); break;
    case RunState::running:
        status_line_->show_state(state, sentence.isEmpty()
                ? tr("everything below is read live, without stopping it. F6 pauses; Ctrl+F11 stops it at the next phase.")
                : sentence);
        break;
    case RunState::stopped:
        status_line_->show_state(state, sentence); // stopped() follows with a better one
        break;
    case RunState::ended:
        status_line_->show_state(state, sentence.isEmpty() ? tr("the machine has ended. What was read last stays.") : sentence);
        break;
    case RunState::failed: status_line_->show_state(state, sentence); break;
    }
    update_commands();
}

void MainWindow::stopped(const StopReport& report)
{
    status_line_->show_state(RunState::stopped, report.sentence);
    if (report.thread != 0) selection_->select_thread(report.thread);
    if (report.signal != 0) selection_->select_signal(report.signal);
    request_code(report.rip);
    update_commands();
}

void MainWindow::request_code(std::uint64_t address)
{
    code_thread_ = selection_->thread();
    if (code_thread_ != 0) source_->request_code(code_thread_, address);
}

void MainWindow::update_picture_line()
{
    const auto snapshot = source_->latest();
    if (!snapshot) return;
    const auto text = (snapshot->cpus.size() == 1 ? tr("1 processor") : tr("%1 processors").arg(snapshot->cpus.size())) + QStringLiteral("   ")
        + tr("picture %1").arg(count_text(snapshot->number));
    if (text != picture_line_->text()) picture_line_->setText(text);
}

Situation MainWindow::situation() const
{
    Situation result;
    result.state = source_->run_state();
    result.signal = selection_->signal();
    result.has_source_line = !source_view_->editor()->file().isEmpty();
    result.has_breakpoints = !breakpoints_->all().isEmpty();
    result.can_undo = edits_->undo_stack()->canUndo();
    result.can_redo = edits_->undo_stack()->canRedo();
    return result;
}

void MainWindow::update_commands() { actions_->update(situation()); }

void MainWindow::step(StepRequest::Kind kind, bool signals_only, bool this_signal)
{
    StepRequest request;
    request.kind = kind;
    if (kind != StepRequest::Kind::phase) request.thread = selection_->thread();
    if (signals_only || this_signal)
        for (std::size_t i = 0; i < abi::phase_count; ++i)
            if (qstrcmp(abi::phase_table[i].group, "signal") == 0) request.phases.push_back(static_cast<int>(i));
    if (this_signal) request.signal = selection_->signal();
    source_->step(request);
}

void MainWindow::carry_out(CommandId id)
{
    if (const auto reason = refusal(id, situation()); !reason.isEmpty()) {
        status_line_->show_notice(reason);
        return;
    }
    using Kind = StepRequest::Kind;
    switch (id) {
    case CommandId::run:
        if (source_->run_state() == RunState::stopped)
            source_->resume();
        else
            source_->start();
        break;
    case CommandId::pause: source_->pause(); break;
    case CommandId::restart: source_->start(); break;
    case CommandId::quit_guest: source_->quit(); break;
    case CommandId::next_phase: step(Kind::phase, false, false); break;
    case CommandId::next_signal_phase: step(Kind::phase, true, false); break;
    case CommandId::next_phase_of_signal: step(Kind::phase, true, true); break;
    case CommandId::step_over: step(Kind::line_over, false, false); break;
    case CommandId::step_into: step(Kind::line_into, false, false); break;
    case CommandId::step_instruction: step(Kind::instruction, false, false); break;
    case CommandId::toggle_breakpoint:
        if (const auto reason = source_view_->toggle_breakpoint(); !reason.isEmpty()) status_line_->show_notice(reason);
        break;
    case CommandId::clear_breakpoints: breakpoints_->clear(); break;
    case CommandId::undo: edits_->undo_stack()->undo(); break;
    case CommandId::redo: edits_->undo_stack()->redo(); break;
    case CommandId::copy_view: copy_focused_view(); break;
    case CommandId::palette: (new CommandPalette(actions_->all(), this))->open(); break;
    case CommandId::reference: show_reference(); break;
    case CommandId::zoom_in: zoom(+1); break;
    case CommandId::zoom_out: zoom(-1); break;
    case CommandId::zoom_reset: zoom(0); break;
    case CommandId::theme_system: use_theme(Theme::system); break;
    case CommandId::theme_light: use_theme(Theme::light); break;
    case CommandId::theme_dark: use_theme(Theme::dark); break;
    case CommandId::layout_overview: reset_layout(); break;
    case CommandId::layout_lesson: lesson_layout(); break;
    case CommandId::open_lesson: open_lesson(); break;
    case CommandId::leave: close(); break;
    case CommandId::focus_view: break;
    }
}

void MainWindow::use_theme(Theme theme)
{
    theme_ = theme;
    apply_theme(theme);
    const auto id = theme == Theme::light ? CommandId::theme_light
        : theme == Theme::dark            ? CommandId::theme_dark
                                          : CommandId::theme_system;
    actions_->action(id)->setChecked(true);
}

void MainWindow::zoom(int direction)
{
    auto font = QApplication::font();
    const auto size = direction == 0 ? normal_point_size_ : font.pointSizeF() + direction;
    font.setPointSizeF(std::clamp(size, 6.0, 28.0));
    QApplication::setFont(font);
}

void MainWindow::copy_focused_view()
{
    for (auto* focused = QApplication::focusWidget(); focused; focused = focused->parentWidget())
        if (const auto* view = qobject_cast<View*>(focused)) {
            QApplication::clipboard()->setText(view->as_text());
            status_line_->show_notice(tr("The view \"%1\" is in the clipboard as text.").arg(view->title()));
            return;
        }
    status_line_->show_notice(tr("No view has the keyboard. Press Ctrl+1 to Ctrl+9 to choose one."));
}

void MainWindow::open_lesson()
{
    if (!lesson_) {
        status_line_->show_notice(tr("This window has no lessons."));
        return;
    }
    const auto folder = QFileDialog::getExistingDirectory(this, tr("Choose the folder of a lesson"), QStringLiteral(ORRERY_SOURCE_DIR "/lessons"));
    if (folder.isEmpty()) return;
    lesson_->order({ LessonOrder::Kind::open, folder });
    lesson_layout();
}

void MainWindow::show_reference()
{
    auto* page = new QTextBrowser(this);
    page->setWindowFlag(Qt::Dialog);
    page->setAttribute(Qt::WA_DeleteOnClose);
    page->setWindowTitle(tr("Keys and commands"));
    page->document()->setDefaultFont(font());
    page->setMarkdown(command_reference());
    page->resize(720, 560);
    page->show();
}

} // namespace orrery::inspector
