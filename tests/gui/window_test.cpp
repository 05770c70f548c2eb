// The window around the views: commands and why they can't be used, palette, layout, themes, errors, what is remembered.
#include <algorithm>
#include <set>

#include <QAction>
#include <QLineEdit>
#include <QListWidget>
#include <QSettings>
#include <QTemporaryDir>
#include <QToolBar>
#include <QToolButton>
#include <QtTest>

#include "inspector/app/command_actions.h"
#include "inspector/app/command_palette.h"
#include "inspector/app/main_window.h"
#include "inspector/app/problem_page.h"
#include "inspector/app/status_line.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/view_dock.h"
#include "tests/gui/fake_source.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

namespace {

// Relative luminance and contrast, WCAG 2.1 sections 1.4.3 and 1.4.11.
double luminance(const QColor& color)
{
    const auto linear = [](double part) { return part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4); };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

double contrast(const QColor& a, const QColor& b)
{
    const auto one = luminance(a), other = luminance(b);
    return (std::max(one, other) + 0.05) / (std::min(one, other) + 0.05);
}

// What people without red (protan), green (deutan) or blue (tritan) cones see: Vienot, Brettel and Mollon 1999; the last
// by Brettel's planes reduced to one matrix.
enum class Vision { protan, deutan, tritan };

QColor seen(const QColor& color, Vision vision)
{
    static constexpr double matrices[3][9] = {
        { 0.152, 1.053, -0.205, 0.115, 0.786, 0.099, -0.004, -0.048, 1.052 },
        { 0.367, 0.861, -0.228, 0.280, 0.673, 0.047, -0.012, 0.043, 0.969 },
        { 1.256, -0.077, -0.179, -0.078, 0.931, 0.148, 0.005, 0.691, 0.304 },
    };
    const auto& m = matrices[static_cast<int>(vision)];
    const auto linear = [](double part) { return std::pow(part, 2.2); };
    const auto back = [](double part) { return std::pow(std::clamp(part, 0.0, 1.0), 1 / 2.2); };
    const double r = linear(color.redF()), g = linear(color.greenF()), b = linear(color.blueF());
    return QColor::fromRgbF(static_cast<float>(back(m[0] * r + m[1] * g + m[2] * b)),
        static_cast<float>(back(m[3] * r + m[4] * g + m[5] * b)), static_cast<float>(back(m[6] * r + m[7] * g + m[8] * b)));
}

double distance(const QColor& a, const QColor& b)
{
    return std::hypot(std::hypot(a.redF() - b.redF(), a.greenF() - b.greenF()), a.blueF() - b.blueF());
}

} // namespace

class WindowTest : public QObject {
    Q_OBJECT
    QTemporaryDir settings_folder_;

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(settings_folder_.isValid());
        QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, settings_folder_.path());
        QCoreApplication::setOrganizationName(QStringLiteral("orrery-test"));
        QCoreApplication::setApplicationName(QStringLiteral("window"));
    }

    void no_key_is_used_twice_and_every_command_has_a_help()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        QMap<QString, QString> owners;
        std::set<QString> names;
        for (const auto* action : window.actions()->all()) {
            QVERIFY2(!action->property(action_help_property).toString().isEmpty(), qPrintable(action->objectName()));
            QVERIFY2(names.insert(action->objectName()).second, qPrintable(action->objectName()));
            for (const auto& key : action->shortcuts()) {
                const auto text = key.toString();
                QVERIFY2(!owners.contains(text), qPrintable(text + " is " + owners.value(text) + " and " + action->objectName()));
                owners[text] = action->objectName();
            }
        }
        for (const auto* expected : { "F5", "Shift+F5", "F6", "F9", "F10", "F11", "Alt+F11", "Ctrl+F11", "F1", "Ctrl+Shift+P", "Ctrl+=", "Ctrl+-", "Ctrl+1", "Ctrl+9" })
            QVERIFY2(owners.contains(QString::fromLatin1(expected)), expected);
    }

    void a_disabled_command_says_why_in_every_state()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        for (const auto state : { RunState::absent, RunState::starting, RunState::running, RunState::stopped, RunState::ended }) {
            source.become(state);
            for (const auto& entry : command_table()) {
                const auto* action = window.actions()->action(entry.id);
                const auto reason = action->property(action_reason_property).toString();
                QCOMPARE(action->isEnabled(), reason.isEmpty());
                QVERIFY(reason.isEmpty() || (reason.endsWith('.') && action->toolTip().contains(reason)));
            }
        }
        source.become(RunState::running);
        QVERIFY(!window.actions()->action(CommandId::run)->isEnabled());
        QVERIFY(window.actions()->action(CommandId::pause)->isEnabled());
        QVERIFY(!window.actions()->action(CommandId::step_over)->isEnabled());
        QVERIFY(window.actions()->action(CommandId::next_phase)->isEnabled());
    }

    void commands_reach_the_machine()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.carry_out(CommandId::run);
        source.become(RunState::running);
        source.show(test::sample_snapshot());
        window.carry_out(CommandId::pause);
        window.carry_out(CommandId::run);
        QCOMPARE(source.orders, QStringList({ "start", "pause", "resume" }));
        window.carry_out(CommandId::pause);
        window.selection()->select_thread(4);
        window.selection()->select_signal(10);
        window.carry_out(CommandId::next_phase);
        window.carry_out(CommandId::next_phase_of_signal);
        window.carry_out(CommandId::step_instruction);
        QCOMPARE(source.steps.size(), std::size_t { 3 });
        QVERIFY(source.steps[0].phases.empty() && source.steps[0].signal == 0 && source.steps[0].thread == 0);
        QCOMPARE(source.steps[1].signal, 10);
        QCOMPARE(source.steps[1].phases.size(), std::size_t { 10 }); // the signal group of the phase table
        QVERIFY(source.steps[2].kind == StepRequest::Kind::instruction && source.steps[2].thread == 4);
        window.carry_out(CommandId::quit_guest);
        QCOMPARE(source.orders.last(), QStringLiteral("quit"));
    }

    void a_refused_command_says_why_below()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.carry_out(CommandId::step_over);
        QVERIFY(source.orders.isEmpty());
        QCOMPARE(window.status_line()->sentence(), refusal(CommandId::step_over, window.situation()));
    }

    void a_stop_is_explained_and_shown()
    {
        test::FakeSource source;
        source.answer_code(test::sample_code());
        MainWindow window(&source, false);
        source.become(RunState::running);
        source.show(test::sample_snapshot());
        source.stop_at(test::sample_stop());
        QVERIFY(window.status_line()->sentence().startsWith(QStringLiteral("Stopped: SIGUSR2 was framed on thread 4")));
        QCOMPARE(window.status_line()->accessibleName(), window.status_line()->sentence());
        QCOMPARE(window.selection()->thread(), 4u);
        QCOMPARE(window.selection()->signal(), 12);
    }

    void the_palette_finds_explains_and_carries_out()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.show();
        CommandPalette* palette = nullptr;
        window.carry_out(CommandId::palette);
        palette = window.findChild<CommandPalette*>();
        QVERIFY(palette);
        QCOMPARE(palette->list()->count(), static_cast<int>(window.actions()->all().size()));
        QTest::keyClicks(palette->field(), QStringLiteral("line over"));
        QVERIFY(palette->list()->count() >= 1);
        palette->field()->clear();
        QTest::keyClicks(palette->field(), QStringLiteral("step over"));
        QVERIFY(palette->explanation().contains(QStringLiteral("Not now: There is no machine")));
        QTest::keyClick(palette->field(), Qt::Key_Return); // nothing happens
        QVERIFY(source.orders.isEmpty());
        palette->field()->clear();
        QTest::keyClicks(palette->field(), QStringLiteral("no such command"));
        QCOMPARE(palette->list()->count(), 0);
        QVERIFY(!palette->explanation().isEmpty());
        palette->field()->setText(QStringLiteral("let it go on"));
        QTest::keyClick(palette->field(), Qt::Key_Return);
        QCOMPARE(source.orders, QStringList({ "start" }));
    }

    void a_failed_start_is_a_calm_page_and_ends_with_the_next_start()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.show();
        source.become(RunState::failed, QStringLiteral("QEMU is not installed: there is no program qemu-system-x86_64."));
        QVERIFY(window.problem_page()->isVisible());
        QVERIFY(window.problem_page()->sentence().contains(QStringLiteral("not installed")));
        for (const auto* dock : window.docks()) QVERIFY(!dock->isVisible());
        QVERIFY(!QApplication::activeModalWidget());
        source.become(RunState::starting);
        QVERIFY(!window.problem_page()->isVisible());
        QVERIFY(window.dock(QStringLiteral("threads"))->isVisible());
    }

    void a_failure_after_a_picture_keeps_the_picture()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.show();
        source.become(RunState::running);
        source.show(test::sample_snapshot());
        source.become(RunState::failed, QStringLiteral("the stub lied."));
        QVERIFY(!window.problem_page()->isVisible());
        QVERIFY(window.dock(QStringLiteral("threads"))->isVisible());
        QVERIFY(window.status_line()->sentence().contains(QStringLiteral("the stub lied")));
    }

    void everything_fits_1280_by_800()
    {
        test::FakeSource source;
        source.answer_code(test::sample_code());
        MainWindow window(&source, false);
        window.resize(1280, 800);
        window.show();
        window.reset_layout();
        source.become(RunState::running);
        source.show(test::sample_snapshot());
        source.stop_at(test::sample_stop());
        QApplication::processEvents();
        QCOMPARE(window.size(), QSize(1280, 800)); // no view forced it to grow
        QVERIFY2(window.minimumSizeHint().width() <= 1280 && window.minimumSizeHint().height() <= 800,
            qPrintable(QStringLiteral("%1x%2").arg(window.minimumSizeHint().width()).arg(window.minimumSizeHint().height())));
        for (const auto* name : { "threads", "signals", "rings", "source", "frames", "timeline" }) {
            const auto* view = window.dock(QLatin1String(name))->view();
            QVERIFY2(view->isVisible() && view->width() > 300 && view->height() > 90, name);
        }
        // The toolbar hides nothing behind its arrow.
        for (const auto* action : window.actions()->toolbar()->actions())
            if (const auto* button = window.actions()->toolbar()->widgetForAction(const_cast<QAction*>(action))) QVERIFY2(button->isVisible(), qPrintable(action->text()));
    }

    void reset_brings_closed_and_floating_views_back()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.resize(1280, 800);
        window.show();
        window.dock(QStringLiteral("rings"))->close();
        window.dock(QStringLiteral("signals"))->setFloating(true);
        window.carry_out(CommandId::layout_overview);
        QVERIFY(window.dock(QStringLiteral("rings"))->isVisible());
        QVERIFY(!window.dock(QStringLiteral("signals"))->isFloating());
    }

    void nobody_reads_the_machine_for_a_hidden_window()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        window.show();
        QApplication::processEvents();
        QVERIFY(source.watched);
        for (auto* dock : window.docks()) dock->close();
        QApplication::processEvents();
        QVERIFY(!source.watched);
    }

    void layout_theme_and_breakpoints_are_remembered()
    {
        test::FakeSource source;
        {
            MainWindow window(&source, true);
            window.resize(1280, 800);
            window.show();
            window.use_theme(Theme::dark);
            window.breakpoints()->toggle(QStringLiteral("/src/a.cpp"), 12);
            window.dock(QStringLiteral("handles"))->close();
            window.close();
        }
        MainWindow window(&source, true);
        window.show();
        QApplication::processEvents();
        QVERIFY(is_dark(window.palette()));
        QCOMPARE(window.breakpoints()->saved(), QStringList({ "/src/a.cpp:12" }));
        QVERIFY(window.dock(QStringLiteral("handles"))->isHidden());
        QVERIFY(window.actions()->action(CommandId::theme_dark)->isChecked());
    }

    void a_garbled_memory_of_the_layout_does_no_harm()
    {
        QSettings().setValue(QStringLiteral("layout"), QByteArray("\x01nonsense"));
        QSettings().setValue(QStringLiteral("geometry"), 17);
        QSettings().setValue(QStringLiteral("theme"), QStringLiteral("purple"));
        QSettings().setValue(QStringLiteral("breakpoints"), QStringList({ ":::", "" }));
        test::FakeSource source;
        MainWindow window(&source, true);
        window.show();
        QVERIFY(window.dock(QStringLiteral("threads"))->isVisible());
        QVERIFY(window.breakpoints()->all().isEmpty());
    }

    void text_grows_and_shrinks()
    {
        test::FakeSource source;
        MainWindow window(&source, false);
        const auto before = QApplication::font().pointSizeF();
        window.carry_out(CommandId::zoom_in);
        window.carry_out(CommandId::zoom_in);
        QCOMPARE(QApplication::font().pointSizeF(), before + 2);
        for (int i = 0; i < 50; ++i) window.carry_out(CommandId::zoom_out);
        QVERIFY(QApplication::font().pointSizeF() >= 6);
        window.carry_out(CommandId::zoom_reset);
        QCOMPARE(QApplication::font().pointSizeF(), before);
    }

    void colours_are_readable_and_told_apart_by_every_eye()
    {
        for (const bool dark : { false, true }) {
            const auto palette = theme_palette(dark);
            const auto base = palette.color(QPalette::Base);
            for (const auto role : { QPalette::Text, QPalette::PlaceholderText, QPalette::Link })
                QVERIFY(contrast(palette.color(role), base) >= 4.5);
            QVERIFY(contrast(palette.color(QPalette::WindowText), palette.color(QPalette::Window)) >= 4.5);
            QVERIFY(contrast(palette.color(QPalette::PlaceholderText), palette.color(QPalette::Button)) >= 4.5);
            QVERIFY(contrast(palette.color(QPalette::HighlightedText), palette.color(QPalette::Highlight)) >= 4.5);
            for (const auto role : { ColorRole::keyword, ColorRole::comment, ColorRole::literal })
                QVERIFY2(contrast(theme_color(role, palette), base) >= 4.5, qPrintable(QString::number(static_cast<int>(role))));
            for (const auto role : { ColorRole::process, ColorRole::allowed, ColorRole::blocked, ColorRole::deliverable, ColorRole::producer, ColorRole::consumer, ColorRole::problem })
                QVERIFY2(contrast(theme_color(role, palette), base) >= 3.0, qPrintable(QString::number(static_cast<int>(role))));
            // Those that stand side by side.
            const std::pair<ColorRole, ColorRole> pairs[] = { { ColorRole::allowed, ColorRole::blocked },
                { ColorRole::producer, ColorRole::consumer }, { ColorRole::pending, ColorRole::deliverable },
                { ColorRole::pending, ColorRole::process }, { ColorRole::pending, ColorRole::allowed } };
            for (const auto vision : { Vision::protan, Vision::deutan, Vision::tritan })
                for (const auto& [one, other] : pairs)
                    QVERIFY2(distance(seen(theme_color(one, palette), vision), seen(theme_color(other, palette), vision)) > 0.20,
                        qPrintable(QStringLiteral("dark %1 vision %2: %3 and %4").arg(dark).arg(static_cast<int>(vision)).arg(static_cast<int>(one)).arg(static_cast<int>(other))));
        }
    }

    void the_reference_names_every_command()
    {
        const auto reference = command_reference();
        for (const auto& entry : command_table())
            QVERIFY2(reference.contains(QString::fromLatin1(entry.help)), entry.name);
        QVERIFY(reference.contains(QStringLiteral("| Next phase | Ctrl+F11 |")));
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    WindowTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "window_test.moc"
