// Every view against the scripted machine: content, keyboard, what it says when it is empty, and names for screen readers.
#include <QAbstractButton>
#include <QAccessible>
#include <QtTest>

#include "inspector/models/keyed_table_model.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/views/common/badge.h"
#include "inspector/views/common/row_delegate.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/signals/signal_lanes.h"
#include "inspector/views/signals/signals_view.h"
#include "tests/gui/stage.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

class ViewsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void without_a_machine_every_view_says_what_to_do()
    {
        test::Stage stage;
        for (const auto* dock : stage.window.docks()) {
            auto* view = stage.any_view(dock->view()->objectName().toLatin1());
            QVERIFY2(view->empty_sentence().contains(QStringLiteral("F5")), qPrintable(view->title()));
            QCOMPARE(dock->badge()->word(), QStringLiteral("no data"));
        }
    }

    void with_an_empty_machine_no_view_is_blank()
    {
        test::Stage stage;
        Snapshot empty;
        empty.freshness = Freshness::stopped;
        stage.source.become(RunState::running);
        stage.source.become(RunState::stopped);
        stage.source.show(empty);
        for (const auto* dock : stage.window.docks()) {
            auto* view = stage.any_view(dock->view()->objectName().toLatin1());
            QVERIFY2(!view->empty_sentence().isEmpty(), qPrintable(view->title()));
        }
    }

    void badges_tell_live_stopped_stale_and_torn()
    {
        test::Stage stage;
        stage.run();
        const auto* badge = stage.window.dock(QStringLiteral("threads"))->badge();
        QCOMPARE(badge->word(), QStringLiteral("live"));
        auto snapshot = test::sample_snapshot();
        snapshot.freshness = Freshness::torn;
        stage.source.show(snapshot);
        QCOMPARE(badge->word(), QStringLiteral("torn"));
        stage.stop();
        QCOMPARE(badge->word(), QStringLiteral("stopped"));
        stage.source.become(RunState::ended);
        QCOMPARE(badge->word(), QStringLiteral("stale"));
        QVERIFY(badge->accessibleName().contains(QStringLiteral("stale")));
    }

    void a_problem_of_one_view_disables_only_that_view()
    {
        test::Stage stage;
        auto snapshot = test::sample_snapshot();
        snapshot.problems.push_back({ "rings", "kernel::Ring has no member named producer" });
        stage.source.become(RunState::running);
        stage.source.show(snapshot);
        QCOMPARE(stage.any_view("rings")->empty_sentence(), QStringLiteral("kernel::Ring has no member named producer"));
        QVERIFY(stage.any_view("threads")->empty_sentence().isEmpty());
        stage.source.show(test::sample_snapshot());
        QVERIFY(stage.any_view("rings")->empty_sentence().isEmpty());
    }

    void a_hidden_view_does_no_work()
    {
        test::Stage stage;
        stage.window.dock(QStringLiteral("threads"))->hide();
        stage.run();
        QCOMPARE(stage.window.dock(QStringLiteral("threads"))->view()->summary(), QString());
        QVERIFY(stage.any_view("threads")->summary().contains(QStringLiteral("4 threads")));
    }

    void choosing_a_thread_with_the_keyboard_moves_all_views()
    {
        test::Stage stage;
        stage.run();
        auto* table = qobject_cast<TableView*>(stage.any_view("threads")->main_widget());
        table->setFocus();
        table->setCurrentIndex(table->model()->index(1, 0));
        QCOMPARE(stage.window.selection()->thread(), 4u);
        QTest::keyClick(table, Qt::Key_Down);
        QCOMPARE(stage.window.selection()->thread(), 5u);
        QVERIFY(stage.any_view("signals")->summary().contains(QStringLiteral("pong")));
        QTest::keyClick(table, Qt::Key_Up);
        QTest::keyClick(table, Qt::Key_Up);
        QVERIFY(stage.any_view("signals")->empty_sentence().contains(QStringLiteral("control page"))); // init
    }

    void lanes_show_the_words_and_explain_the_selected_bit()
    {
        test::Stage stage;
        stage.run();
        auto* view = stage.view<SignalsView>("signals");
        auto* lanes = view->lanes();
        const auto words = test::sample_snapshot().threads[1].signals;
        for (int signal = 1; signal <= abi::signal_count; ++signal) {
            const auto mask = abi::signal_mask64(signal);
            QCOMPARE(lanes->bit(SignalLanes::pending_lane, signal), (words.pending & mask) != 0);
            QCOMPARE(lanes->bit(SignalLanes::process_lane, signal), (words.process_pending & mask) != 0);
            QCOMPARE(lanes->bit(SignalLanes::allowset_lane, signal), (words.allowset & mask) != 0);
            QCOMPARE(lanes->bit(SignalLanes::deliverable_lane, signal), (words.deliverable() & mask) != 0);
        }
        const auto place = lanes->cell(SignalLanes::pending_lane, 17).center().toPoint();
        QTest::mouseClick(lanes, Qt::LeftButton, {}, place);
        QCOMPARE(stage.window.selection()->signal(), 17);
        QVERIFY(lanes->accessibleDescription().contains(QStringLiteral("SIGCHLD")));
        lanes->setFocus();
        QTest::keyClick(lanes, Qt::Key_Left, Qt::ControlModifier); // the pending one before
        QCOMPARE(stage.window.selection()->signal(), 14);
        QTest::keyClick(lanes, Qt::Key_Down);
        QCOMPARE(stage.window.selection()->signal(), 46);
        QTest::keyClick(lanes, Qt::Key_End);
        QTest::keyClick(lanes, Qt::Key_Right); // stays at the last
        QCOMPARE(stage.window.selection()->signal(), 64);
        QTest::keyClick(lanes, Qt::Key_Home);
        QCOMPARE(stage.window.selection()->signal(), 1);
    }

    void a_flipped_bit_is_marked_and_another_thread_is_no_change()
    {
        test::Stage stage;
        stage.run();
        auto* lanes = stage.view<SignalsView>("signals")->lanes();
        QVERIFY(!lanes->marks_change(SignalLanes::pending_lane, 12));
        auto snapshot = test::sample_snapshot();
        snapshot.threads[1].signals.pending |= abi::signal_mask64(12);
        stage.source.show(snapshot);
        QVERIFY(lanes->marks_change(SignalLanes::pending_lane, 12));
        QVERIFY(!lanes->marks_change(SignalLanes::deliverable_lane, 12)); // it is blocked
        stage.window.selection()->select_thread(5);
        QVERIFY(!lanes->marks_change(SignalLanes::pending_lane, 12));
        QVERIFY(!lanes->marks_change(SignalLanes::pending_lane, 14));
    }

    void changes_fade_while_it_runs_and_stay_while_it_stands()
    {
        RowDelegate delegate;
        KeyedTableModel model({ { QStringLiteral("A"), {} } });
        TableRow row;
        row.key = 1;
        row.cells = { QStringLiteral("1") };
        model.update({ row });
        row.cells = { QStringLiteral("2") };
        model.update({ row });
        QVERIFY(delegate.change_strength(model.index(0, 0)) > 0);
        QTRY_COMPARE_WITH_TIMEOUT(delegate.change_strength(model.index(0, 0)), 0.0, 10'000);
        delegate.hold_changes_since(1); // it stands, and was resumed before the change
        QCOMPARE(delegate.change_strength(model.index(0, 0)), 1.0);
    }

    void the_signals_drawing_has_a_table()
    {
        test::Stage stage;
        stage.run();
        auto* view = stage.view<SignalsView>("signals");
        auto* button = qobject_cast<QAbstractButton*>(view->title_controls());
        QVERIFY(button);
        button->click();
        auto* table = qobject_cast<TableView*>(view->main_widget());
        QVERIFY(table && table->isVisible());
        QCOMPARE(table->model()->rowCount(), 64);
        QVERIFY(view->as_text().contains(QStringLiteral("SIGUSR1")));
    }

    void every_widget_that_takes_the_keyboard_has_a_name()
    {
        test::Stage stage;
        stage.stop();
        for (const auto* dock : stage.window.docks()) {
            auto* view = stage.any_view(dock->view()->objectName().toLatin1());
            QVERIFY(!view->accessibleName().isEmpty());
            auto children = view->findChildren<QWidget*>();
            children += dock->titleBarWidget()->findChildren<QWidget*>();
            for (auto* child : children) {
                if (child->focusPolicy() == Qt::NoFocus || !child->isVisibleTo(view) || child->objectName().startsWith("qt_")) continue;
                auto* spoken = QAccessible::queryAccessibleInterface(child);
                QVERIFY2(spoken && !spoken->text(QAccessible::Name).isEmpty(),
                    qPrintable(view->title() + ": " + child->metaObject()->className()));
            }
        }
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    ViewsTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "views_test.moc"
