// Views of how the guest is built: who waits for whom, the address space, schemes and rings.
#include <QAbstractButton>
#include <QLineEdit>
#include <QtTest>

#include "inspector/models/keyed_table_model.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/views/address_space/address_map.h"
#include "inspector/views/address_space/address_space_view.h"
#include "inspector/views/common/row_delegate.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/rings/ring_dial.h"
#include "inspector/views/rings/rings_view.h"
#include "inspector/views/schemes/schemes_view.h"
#include "inspector/views/waits/wait_drawing.h"
#include "inspector/views/waits/waits_view.h"
#include "tests/gui/stage.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

class StructureViewsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void waits_show_who_waits_for_whom_and_a_deadlock()
    {
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
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

    void the_dial_and_its_tables_agree()
    {
        test::Stage stage;
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
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    StructureViewsTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "structure_views_test.moc"
