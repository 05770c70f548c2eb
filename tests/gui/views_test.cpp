// Every view against the scripted machine: content, keyboard, what it says when it is empty, and names for screen readers.
#include <QAbstractButton>
#include <QAccessible>
#include <QComboBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QUndoStack>
#include <QtTest>

#include "inspector/app/main_window.h"
#include "inspector/app/status_line.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/keyed_table_model.h"
#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/models/timeline_model.h"
#include "inspector/views/address_space/address_map.h"
#include "inspector/views/address_space/address_space_view.h"
#include "inspector/views/code/code_lexer.h"
#include "inspector/views/code/source_editor.h"
#include "inspector/views/code/source_view.h"
#include "inspector/views/common/badge.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/row_delegate.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/frames/frames_view.h"
#include "inspector/views/rings/ring_dial.h"
#include "inspector/views/rings/rings_view.h"
#include "inspector/views/schemes/schemes_view.h"
#include "inspector/views/waits/wait_drawing.h"
#include "inspector/views/waits/waits_view.h"
#include "inspector/views/signals/signal_lanes.h"
#include "inspector/views/signals/signals_view.h"
#include "inspector/views/timeline/timeline_view.h"
#include "tests/gui/fake_source.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

class ViewsTest : public QObject {
    Q_OBJECT

    // A window on a fake machine that stands at the sample stop.
    struct Stage {
        test::FakeSource source;
        MainWindow window { &source, false };

        Stage()
        {
            source.answer_code(test::sample_code());
            window.resize(1280, 800);
            window.show();
            window.reset_layout();
        }
        void run()
        {
            source.become(RunState::running);
            source.show(test::sample_snapshot());
            window.selection()->select_thread(4);
            QApplication::processEvents();
        }
        void stop()
        {
            auto snapshot = test::sample_snapshot();
            snapshot.freshness = Freshness::stopped;
            source.become(RunState::running);
            source.show(snapshot);
            source.stop_at(test::sample_stop());
            source.show(snapshot);
            QApplication::processEvents();
        }
        template <typename T>
        T* view(const char* name)
        {
            auto* dock = window.dock(QLatin1String(name));
            dock->show();
            dock->raise();
            QApplication::processEvents();
            return qobject_cast<T*>(dock->view());
        }
        View* any_view(const char* name) { return view<View>(name); }
    };

private Q_SLOTS:
    void without_a_machine_every_view_says_what_to_do()
    {
        Stage stage;
        for (const auto* dock : stage.window.docks()) {
            auto* view = stage.any_view(dock->view()->objectName().toLatin1());
            QVERIFY2(view->empty_sentence().contains(QStringLiteral("F5")), qPrintable(view->title()));
            QCOMPARE(dock->badge()->word(), QStringLiteral("no data"));
        }
    }

    void with_an_empty_machine_no_view_is_blank()
    {
        Stage stage;
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

    void waits_show_who_waits_for_whom_and_a_deadlock()
    {
        Stage stage;
        stage.source.become(RunState::running);
        stage.source.show(test::sample_deadlock());
        stage.window.dock(QStringLiteral("waits"))->call_up();
        stage.source.show(test::sample_deadlock());
        QApplication::processEvents();
        auto* view = qobject_cast<WaitsView*>(stage.any_view("waits"));
        QVERIFY(view);
        const auto words = view->as_text();
        QVERIFY2(words.contains(QStringLiteral("Deadlock: thread 21 (file server) waits for thread 22 (disk driver)")), qPrintable(words));
        QVERIFY2(words.contains(QStringLiteral("no: deadlock")), qPrintable(words));
        const auto server = view->drawing()->box_of(21), driver = view->drawing()->box_of(22), shell = view->drawing()->box_of(20);
        QVERIFY(!server.isEmpty() && !driver.isEmpty() && !shell.isEmpty());
        QVERIFY(!server.intersects(driver) && !server.intersects(shell) && !driver.intersects(shell));
        QVERIFY(shell.right() < server.left()); // from waiters to waited-for
        QVERIFY(view->drawing()->box_of(999).isEmpty());
        // A picture without waits has no box left.
        stage.source.show(Snapshot {});
        QApplication::processEvents();
        QVERIFY(view->drawing()->box_of(21).isEmpty());
    }

    void the_address_map_is_used_with_mouse_and_keyboard()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<AddressSpaceView>("address_space");
        auto* map = view->map();
        QVERIFY2(view->sentence().startsWith(QStringLiteral("0x401192 is mapped read-execute")), qPrintable(view->sentence())); // rip
        QVERIFY(view->summary().contains(QStringLiteral("5 mappings")));
        QTest::mouseClick(map, Qt::LeftButton, {}, map->place_of(0x404000).center().toPoint());
        QCOMPARE(stage.window.selection()->address(), std::optional<std::uint64_t>(0x404000));
        QVERIFY2(view->sentence().contains(QStringLiteral("its page was never touched")), qPrintable(view->sentence()));
        QCOMPARE(view->walk()->model()->rowCount(), 4);
        map->setFocus();
        QTest::keyClick(map, Qt::Key_Left);
        QCOMPARE(map->selected_address(), std::uint64_t { 0x403000 });
        QTest::keyClick(map, Qt::Key_Left); // stays in the mapping
        QCOMPARE(map->selected_address(), std::uint64_t { 0x403000 });
        QTest::keyClick(map, Qt::Key_Up);
        QCOMPARE(map->selected_address(), std::uint64_t { 0x400000 });
        QTest::keyClick(map, Qt::Key_End);
        QCOMPARE(map->selected_address(), std::uint64_t { 0x402000 });
        QTest::keyClick(map, Qt::Key_Down);
        QTest::keyClick(map, Qt::Key_Down);
        QCOMPARE(map->selected_address(), std::uint64_t { 0x7f00'0000'0000 });
        QTest::mouseClick(map, Qt::LeftButton, {}, map->place_of(0x10000).center().toPoint()); // a gap
        QVERIFY(view->sentence().contains(QStringLiteral("never will be")));
        view->address_field()->setText(QStringLiteral("0x7fff'ffee'ffff"));
        QTest::keyClick(view->address_field(), Qt::Key_Return);
        QCOMPARE(map->selected_address(), std::uint64_t { 0x7fff'ffee'ffff });
        QVERIFY(view->sentence().contains(QStringLiteral("its page is there")));
        view->address_field()->setText(QStringLiteral("main"));
        QTest::keyClick(view->address_field(), Qt::Key_Return);
        QVERIFY(view->sentence().contains(QStringLiteral("is not a 64-bit number")));
        QCOMPARE(map->selected_address(), std::uint64_t { 0x7fff'ffee'ffff });
        QVERIFY(view->as_text().contains(QStringLiteral("page directory pointer table")));
    }

    void another_address_is_no_change_of_the_machine()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<AddressSpaceView>("address_space");
        const auto changed = [&] {
            const auto* model = view->walk()->model();
            for (int row = 0; row < model->rowCount(); ++row)
                for (int column = 0; column < model->columnCount(); ++column)
                    if (model->index(row, column).data(changed_at_role).toLongLong() != 0) return true;
            return false;
        };
        stage.window.selection()->select_address(0x403000);
        stage.window.selection()->select_address(0x7fff'ffee'ffff);
        QVERIFY(!changed());
        auto snapshot = test::sample_snapshot();
        snapshot.freshness = Freshness::stopped;
        for (auto& table : snapshot.spaces[1].page_tables.tables) // the stack's pages are gone
            if (table.level == 1) table.entries.clear();
        stage.source.show(snapshot);
        QVERIFY(changed());
    }

    void mappings_are_a_table_too()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<AddressSpaceView>("address_space");
        auto* button = view->title_controls()->findChild<QAbstractButton*>();
        QVERIFY(button);
        button->click();
        auto* table = qobject_cast<TableView*>(view->main_widget());
        QVERIFY(table && table->isVisible() && table == view->mappings());
        QCOMPARE(table->model()->rowCount(), 5);
        table->setFocus();
        table->setCurrentIndex(table->model()->index(4, 0));
        QCOMPARE(view->map()->selected_address(), std::uint64_t { 0x7fff'ffee'0000 });
    }

    void the_address_map_has_a_place_for_every_band()
    {
        Stage stage;
        stage.stop();
        auto* map = stage.view<AddressSpaceView>("address_space")->map();
        const auto snapshot = test::sample_snapshot();
        QRectF before;
        for (const auto& mapping : snapshot.space(2)->mappings) {
            const auto place = map->place_of(mapping.begin);
            QVERIFY(!place.isEmpty() && map->rect().toRectF().contains(place));
            QVERIFY(!place.intersects(before));
            QCOMPARE(map->address_at(place.center()), std::optional<std::uint64_t>(mapping.begin));
            before = place;
        }
        QVERIFY(map->place_of(0xffff'8000'0000'0000).isEmpty());
        auto many = snapshot; // more mappings than are drawn, and tables that lie
        auto& space = many.spaces[1];
        space.mappings.clear();
        for (std::uint64_t i = 1; i <= 2000; ++i) space.mappings.push_back({ .begin = i << 20, .end = (i << 20) + 0x1000 });
        for (auto& table : space.page_tables.tables)
            for (auto& entry : table.entries) entry.value = space.cr3 | 7;
        stage.source.show(many);
        QVERIFY(!map->grab().isNull());
        QVERIFY(!map->place_of(std::uint64_t { 1 } << 20).isEmpty());
    }

    void schemes_show_calls_and_lead_to_the_caller()
    {
        Stage stage;
        stage.run();
        auto* view = stage.view<SchemesView>("schemes");
        QCOMPARE(view->summary(), QStringLiteral("2 schemes, 3 calls"));
        QCOMPARE(view->calls()->model()->rowCount(), 3);
        QVERIFY2(view->as_text().contains(QStringLiteral("Call 209 of thread 4 (ping) is with server thread 5 (pong).")), qPrintable(view->as_text()));
        view->calls()->setFocus();
        view->calls()->setCurrentIndex(view->calls()->model()->index(1, 0));
        QCOMPARE(stage.window.selection()->thread(), 6u);
        stage.window.selection()->select_scheme(2);
        QCOMPARE(view->calls()->model()->rowCount(), 0);
        QVERIFY(view->as_text().contains(QStringLiteral("Scheme 2: nobody calls, and thread 6 (pong) waits for a call.")));
        auto snapshot = test::sample_snapshot();
        snapshot.schemes.clear();
        stage.source.show(snapshot);
        QVERIFY(view->empty_sentence().contains(QStringLiteral("scheme_create")));
    }

    void badges_tell_live_stopped_stale_and_torn()
    {
        Stage stage;
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
        Stage stage;
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
        Stage stage;
        stage.window.dock(QStringLiteral("threads"))->hide();
        stage.run();
        QCOMPARE(stage.window.dock(QStringLiteral("threads"))->view()->summary(), QString());
        QVERIFY(stage.any_view("threads")->summary().contains(QStringLiteral("4 threads")));
    }

    void choosing_a_thread_with_the_keyboard_moves_all_views()
    {
        Stage stage;
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
        Stage stage;
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
        Stage stage;
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
        Stage stage;
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

    void the_dial_and_its_tables_agree()
    {
        Stage stage;
        stage.run();
        auto* view = stage.view<RingsView>("rings");
        const auto ring = test::sample_snapshot().rings[0];
        std::uint32_t used = 0;
        for (std::uint32_t slot = 0; slot < ring.capacity; ++slot) used += view->dial()->slot_is_used(slot) ? 1 : 0;
        QCOMPARE(used, ring.used());
        QVERIFY(view->dial()->slot_is_used(ring.consumer.index & 15));
        QVERIFY(!view->dial()->slot_is_used(ring.producer.index & 15));
        QVERIFY(view->dial()->accessibleDescription().contains(QStringLiteral("5 of 16")));
        QVERIFY(view->as_text().contains(QStringLiteral("next to take")));
        auto snapshot = test::sample_snapshot(); // rings of any size draw without harm
        for (const std::uint32_t capacity : { 1u, 2u, 64u, 4096u, 0u }) {
            snapshot.rings[0].capacity = capacity;
            stage.source.show(snapshot);
            QVERIFY(!view->grab().isNull());
        }
    }

    void a_saved_rip_is_changed_and_taken_back()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<FramesView>("frames");
        auto* table = view->registers();
        table->setFocus();
        table->setCurrentIndex(table->model()->index(0, frame_value_column));
        QTest::keyClick(table, Qt::Key_F2);
        auto* editor = table->viewport()->findChild<QLineEdit*>();
        QVERIFY(editor);
        editor->selectAll();
        QTest::keyClicks(editor, QStringLiteral("0x401236"));
        QTest::keyClick(editor, Qt::Key_Return);
        QTRY_COMPARE(stage.source.edits.size(), std::size_t { 1 });
        const auto& edit = stage.source.edits[0];
        QVERIFY(edit.place == EditRequest::Place::frame_register);
        QCOMPARE(edit.register_index, static_cast<unsigned>(abi::SavedRegister::rip));
        QCOMPARE(edit.frame, test::sample_snapshot().threads[1].signals.frames[0].address);
        QCOMPARE(edit.value, std::uint64_t { 0x401236 });
        QVERIFY(stage.window.situation().can_undo);
        stage.window.carry_out(CommandId::undo);
        QCOMPARE(stage.source.edits[1].value, std::uint64_t { 0x4011c4 });
        stage.window.carry_out(CommandId::redo);
        QCOMPARE(stage.source.edits[2].value, std::uint64_t { 0x401236 });
        stage.source.become(RunState::running); // what was is past
        QVERIFY(!stage.window.situation().can_undo && !stage.window.situation().can_redo);
    }

    void impossible_values_are_refused_with_a_sentence_data()
    {
        QTest::addColumn<int>("place");
        QTest::addColumn<QString>("typed");
        QTest::addColumn<QString>("part");
        const auto frame = static_cast<int>(EditRequest::Place::frame_register);
        const auto mask = static_cast<int>(EditRequest::Place::frame_mask);
        const auto thread = static_cast<int>(EditRequest::Place::thread_register);
        QTest::newRow("no number") << frame << "main" << "not a 64-bit number";
        QTest::newRow("kernel address") << frame << "0xffff800000000000" << "not an address of a program";
        QTest::newRow("null") << frame << "0" << "not an address of a program";
        QTest::newRow("SIGKILL blocked") << mask << "0x100" << "can't be blocked";
        QTest::newRow("not canonical") << thread << "0x1234000000000000" << "not canonical";
    }

    void impossible_values_are_refused_with_a_sentence()
    {
        QFETCH(int, place);
        QFETCH(QString, typed);
        QFETCH(QString, part);
        Stage stage;
        stage.stop();
        EditRequest request;
        request.place = static_cast<EditRequest::Place>(place);
        request.thread = 4;
        request.register_index = static_cast<unsigned>(abi::SavedRegister::rip);
        stage.window.edits()->request(request, 1, typed, QStringLiteral("rip"));
        QVERIFY(stage.source.edits.empty());
        QVERIFY2(stage.window.status_line()->sentence().contains(part), qPrintable(stage.window.status_line()->sentence()));
    }

    void an_edit_that_the_machine_refuses_leaves_no_undo_step()
    {
        Stage stage;
        stage.stop();
        stage.source.refuse_edits(QStringLiteral("The page is not mapped."));
        EditRequest request;
        request.place = EditRequest::Place::frame_mask;
        stage.window.edits()->request(request, 1, QStringLiteral("2"), QStringLiteral("the mask"));
        QVERIFY(!stage.window.situation().can_undo);
        QVERIFY(stage.window.status_line()->sentence().contains(QStringLiteral("not mapped")));
    }

    void nothing_is_edited_while_it_runs()
    {
        Stage stage;
        stage.run();
        auto* table = stage.view<FramesView>("frames")->registers();
        QVERIFY(!(table->model()->index(0, frame_value_column).flags() & Qt::ItemIsEditable));
        stage.window.edits()->request({}, 0, QStringLiteral("1"), QStringLiteral("rax"));
        QVERIFY(stage.source.edits.empty());
        QVERIFY(stage.window.status_line()->sentence().contains(QStringLiteral("F6")));
    }

    void registers_are_stale_while_it_runs()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.any_view("registers");
        QVERIFY(view->freshness() == Freshness::stopped);
        QVERIFY(view->as_text().contains(wide_hex_text(0x401192)));
        auto snapshot = test::sample_snapshot();
        snapshot.threads[1].registers.reset();
        stage.source.become(RunState::running);
        stage.source.show(snapshot);
        QVERIFY(view->freshness() == Freshness::stale);
        QVERIFY(view->as_text().contains(wide_hex_text(0x401192))); // kept, and said to be old
    }

    void source_shows_the_line_and_takes_breakpoints()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<SourceView>("source");
        QCOMPARE(view->editor()->current_line(), 14);
        QVERIFY(view->as_text().contains(QStringLiteral("count_up")));
        QCOMPARE(view->editor()->cursor_line(), 14);
        stage.window.carry_out(CommandId::toggle_breakpoint);
        QCOMPARE(stage.source.wanted_breakpoints.size(), 1);
        QCOMPARE(stage.source.wanted_breakpoints[0].line, 14);
        QVERIFY(stage.window.breakpoints()->all()[0].resolved);
        stage.window.carry_out(CommandId::toggle_breakpoint);
        QVERIFY(stage.source.wanted_breakpoints.isEmpty());
    }

    void missing_source_is_a_sentence()
    {
        Stage stage;
        auto code = test::sample_code();
        code.file = QStringLiteral("/nowhere/at/all.cpp");
        stage.source.answer_code(code);
        stage.stop();
        QVERIFY(stage.any_view("source")->empty_sentence().contains(QStringLiteral("/nowhere/at/all.cpp is not on this machine")));
        QVERIFY(stage.any_view("disassembly")->empty_sentence().isEmpty());
    }

    void disassembly_marks_the_next_instruction()
    {
        Stage stage;
        stage.stop();
        auto* table = qobject_cast<TableView*>(stage.any_view("disassembly")->main_widget());
        int current = 0;
        for (int r = 0; r < table->model()->rowCount(); ++r)
            if (table->model()->index(r, 0).data(emphasis_role).toInt() == static_cast<int>(Emphasis::current)) ++current;
        QCOMPARE(current, 1);
    }

    void the_console_survives_any_bytes()
    {
        Stage stage;
        stage.run();
        auto* view = stage.any_view("console");
        stage.source.print("caf\xc3");
        stage.source.print("\xa9 ok\r\n");
        QVERIFY(view->as_text().contains(QString::fromUtf8("caf\u00e9 ok\n")));
        stage.source.print(QByteArray("\x1b[2J\0\x07", 6));
        QVERIFY(view->as_text().contains(QStringLiteral("?[2J??")));
        stage.source.print(QByteArray(200'000, '\xff'));
        stage.source.become(RunState::starting);
        QVERIFY(view->as_text().isEmpty());
    }

    void choosing_an_event_marks_its_cause_and_its_thread()
    {
        Stage stage;
        stage.stop();
        auto* view = stage.view<TimelineView>("timeline");
        QTRY_COMPARE(view->table()->model()->rowCount(), 15);
        view->table()->setFocus();
        view->table()->setCurrentIndex(view->table()->model()->index(8, 0)); // signal.raised by pong
        QCOMPARE(view->model()->marked_cause(), std::uint64_t { 0x51 });
        QCOMPARE(stage.window.selection()->thread(), 5u);
        QCOMPARE(stage.window.selection()->signal(), 10);
    }

    void every_widget_that_takes_the_keyboard_has_a_name()
    {
        Stage stage;
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

    void the_lexer_tells_words_apart()
    {
        bool in_comment = false;
        const auto kinds = [&](CodeLanguage language, const QString& line) {
            QString result;
            for (const auto& span : lex_line(language, line, in_comment))
                result += QStringLiteral("%1:%2 ").arg(static_cast<int>(span.token)).arg(line.mid(span.begin, span.length));
            return result.trimmed();
        };
        QCOMPARE(kinds(CodeLanguage::cpp, "return x + 0x1f; // end"), QStringLiteral("1:return 3:0x1f 2:// end"));
        QCOMPARE(kinds(CodeLanguage::cpp, "f(\"a // b\", 'c')"), QStringLiteral("3:\"a // b\" 3:'c'"));
        QCOMPARE(kinds(CodeLanguage::cpp, "#include <x.h>"), QStringLiteral("4:#include"));
        QCOMPARE(kinds(CodeLanguage::cpp, "int a; /* open"), QStringLiteral("1:int 2:/* open"));
        QVERIFY(in_comment);
        QCOMPARE(kinds(CodeLanguage::cpp, "still */ int b;"), QStringLiteral("2:still */ 1:int"));
        QVERIFY(!in_comment);
        QCOMPARE(kinds(CodeLanguage::assembly, "entry: mov %rax, 8(%rsp) # note"),
            QStringLiteral("1:mov 3:%rax 3:8 3:%rsp 2:# note"));
        QCOMPARE(kinds(CodeLanguage::cpp, "\"unfinished"), QStringLiteral("3:\"unfinished"));
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
