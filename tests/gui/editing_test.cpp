// Changing saved frames and registers: with the keyboard, back and forth, and what is refused.
#include <QLineEdit>
#include <QtTest>

#include "inspector/app/status_line.h"
#include "inspector/models/keyed_table_model.h"
#include "inspector/models/rows.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/frames/frames_view.h"
#include "tests/gui/stage.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

class EditingTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void a_saved_rip_is_changed_and_taken_back()
    {
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
        stage.run();
        auto* table = stage.view<FramesView>("frames")->registers();
        QVERIFY(!(table->model()->index(0, frame_value_column).flags() & Qt::ItemIsEditable));
        stage.window.edits()->request({}, 0, QStringLiteral("1"), QStringLiteral("rax"));
        QVERIFY(stage.source.edits.empty());
        QVERIFY(stage.window.status_line()->sentence().contains(QStringLiteral("F6")));
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    EditingTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "editing_test.moc"
