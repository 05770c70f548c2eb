// Which docks there are, where they stand at first, and what is remembered.
#include <QCloseEvent>
#include <QSettings>

#include "inspector/app/command_actions.h"
#include "inspector/app/main_window.h"
#include "inspector/app/problem_page.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/views/address_space/address_space_view.h"
#include "inspector/views/code/disassembly_view.h"
#include "inspector/views/code/source_view.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/console/console_view.h"
#include "inspector/views/frames/frames_view.h"
#include "inspector/views/handles/handles_view.h"
#include "inspector/views/lesson/lesson_view.h"
#include "inspector/views/registers/registers_view.h"
#include "inspector/views/rings/rings_view.h"
#include "inspector/views/schemes/schemes_view.h"
#include "inspector/views/signals/signals_view.h"
#include "inspector/views/threads/threads_view.h"
#include "inspector/views/timeline/timeline_view.h"
#include "inspector/views/waits/waits_view.h"

namespace orrery::inspector {
namespace {
constexpr int layout_version = 3; // a saved layout of another version is not used
}

void MainWindow::make_docks()
{
    const ViewContext context { source_, selection_, edits_ };
    source_view_ = new SourceView(context, breakpoints_);
    // In the order of Ctrl+1..9.
    QList<View*> views { new ThreadsView(context), new SignalsView(context), new FramesView(context),
        new RingsView(context), source_view_, new DisassemblyView(context), new RegistersView(context),
        new TimelineView(context), new ConsoleView(context), new AddressSpaceView(context),
        new SchemesView(context), new WaitsView(context), new HandlesView(context) };
    if (lesson_) views += new LessonView(context, lesson_);
    for (auto* view : views) {
        auto* dock = new ViewDock(view, this);
        docks_ += dock;
        // Queued: the dock says it before its view knows.
        connect(dock, &QDockWidget::visibilityChanged, this, &MainWindow::update_watching, Qt::QueuedConnection);
        actions_->add_view(view->title(), [dock] { dock->call_up(); });
    }
}

void MainWindow::reset_layout()
{
    hide_problem();
    for (auto* dock : docks_) {
        dock->setFloating(false);
        removeDockWidget(dock);
    }
    const auto get = [this](const char* name) { return dock(QLatin1String(name)); };
    auto *threads = get("threads"), *signals_dock = get("signals"), *frames = get("frames"), *rings = get("rings"),
         *source = get("source"), *disassembly = get("disassembly"), *registers = get("registers"),
         *timeline = get("timeline"), *console = get("console"), *address_space = get("address_space"),
         *schemes = get("schemes"), *waits = get("waits"), *handles = get("handles");
    addDockWidget(Qt::LeftDockWidgetArea, threads);
    addDockWidget(Qt::RightDockWidgetArea, source);
    splitDockWidget(threads, signals_dock, Qt::Vertical);
    splitDockWidget(signals_dock, rings, Qt::Vertical);
    splitDockWidget(source, frames, Qt::Vertical);
    splitDockWidget(frames, timeline, Qt::Vertical);
    tabifyDockWidget(source, disassembly);
    tabifyDockWidget(frames, registers);
    tabifyDockWidget(registers, address_space);
    tabifyDockWidget(address_space, handles);
    tabifyDockWidget(handles, schemes);
    tabifyDockWidget(schemes, waits);
    tabifyDockWidget(timeline, console);
    for (auto* dock : docks_)
        if (dock->view()->objectName() != QLatin1String("lesson")) dock->show();
    for (auto* first : { source, frames, timeline }) first->raise();
    const int width = std::max(this->width(), 1000), height = std::max(this->height() - 90, 500);
    resizeDocks({ threads, source }, { width / 2, width / 2 }, Qt::Horizontal);
    resizeDocks({ threads, signals_dock, rings }, { height * 20 / 100, height * 44 / 100, height * 36 / 100 }, Qt::Vertical);
    resizeDocks({ source, frames, timeline }, { height * 37 / 100, height * 37 / 100, height * 26 / 100 }, Qt::Vertical);
}

void MainWindow::lesson_layout()
{
    reset_layout();
    auto* lesson = dock(QStringLiteral("lesson"));
    if (!lesson) return;
    // The lesson has the whole height at the left; what is below the signals moves behind them.
    addDockWidget(Qt::LeftDockWidgetArea, lesson);
    splitDockWidget(lesson, dock(QStringLiteral("threads")), Qt::Horizontal);
    removeDockWidget(dock(QStringLiteral("signals")));
    removeDockWidget(dock(QStringLiteral("rings")));
    splitDockWidget(dock(QStringLiteral("threads")), dock(QStringLiteral("signals")), Qt::Vertical);
    tabifyDockWidget(dock(QStringLiteral("timeline")), dock(QStringLiteral("rings")));
    for (const auto* name : { "lesson", "threads", "signals", "rings" }) dock(QLatin1String(name))->show();
    for (const auto* name : { "timeline", "source", "frames" }) dock(QLatin1String(name))->raise();
    const int whole = std::max(width(), 1000);
    resizeDocks({ lesson, dock(QStringLiteral("threads")), dock(QStringLiteral("source")) }, { whole * 28 / 100, whole * 37 / 100, whole * 35 / 100 }, Qt::Horizontal);
    const int tall = std::max(height() - 90, 500);
    resizeDocks({ dock(QStringLiteral("threads")), dock(QStringLiteral("signals")) }, { tall * 35 / 100, tall * 65 / 100 }, Qt::Vertical);
}

void MainWindow::update_watching()
{
    bool watched = false;
    for (const auto* dock : docks_) watched = watched || dock->view()->isVisible();
    source_->set_watched(watched);
}

void MainWindow::show_problem(const QString& sentence)
{
    problem_page_->show_sentence(sentence);
    if (problem_page_->isVisibleTo(this)) return;
    for (auto* dock : docks_)
        if (!dock->isHidden()) {
            hidden_for_problem_ += dock;
            dock->hide();
        }
    problem_page_->show();
}

void MainWindow::hide_problem()
{
    if (!problem_page_->isVisibleTo(this)) return;
    problem_page_->hide();
    for (auto* dock : hidden_for_problem_) dock->show();
    hidden_for_problem_.clear();
}

void MainWindow::restore()
{
    if (!remembers_) {
        use_theme(Theme::system);
        return;
    }
    QSettings settings;
    use_theme(theme_from_name(settings.value(QStringLiteral("theme")).toString()));
    restoreGeometry(settings.value(QStringLiteral("geometry")).toByteArray());
    restoreState(settings.value(QStringLiteral("layout")).toByteArray(), layout_version);
    breakpoints_->replace(BreakpointList::from_saved(settings.value(QStringLiteral("breakpoints")).toStringList()));
}

void MainWindow::remember() const
{
    if (!remembers_) return;
    QSettings settings;
    settings.setValue(QStringLiteral("theme"), theme_name(theme_));
    settings.setValue(QStringLiteral("geometry"), saveGeometry());
    if (!problem_page_->isVisibleTo(this)) settings.setValue(QStringLiteral("layout"), saveState(layout_version));
    settings.setValue(QStringLiteral("breakpoints"), breakpoints_->saved());
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    remember();
    source_->quit();
    QMainWindow::closeEvent(event);
}

} // namespace orrery::inspector
