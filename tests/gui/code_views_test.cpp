// Source, disassembly, registers, console and timeline: what they show of a stop, and what they survive.
#include <QtTest>

#include "inspector/models/breakpoint_list.h"
#include "inspector/models/keyed_table_model.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/models/timeline_model.h"
#include "inspector/views/code/code_lexer.h"
#include "inspector/views/code/source_editor.h"
#include "inspector/views/code/source_view.h"
#include "inspector/views/common/row_delegate.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/timeline/timeline_view.h"
#include "tests/gui/stage.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

class CodeViewsTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void registers_are_stale_while_it_runs()
    {
        test::Stage stage;
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
        test::Stage stage;
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
        test::Stage stage;
        auto code = test::sample_code();
        code.file = QStringLiteral("/nowhere/at/all.cpp");
        stage.source.answer_code(code);
        stage.stop();
        QVERIFY(stage.any_view("source")->empty_sentence().contains(QStringLiteral("/nowhere/at/all.cpp is not on this machine")));
        QVERIFY(stage.any_view("disassembly")->empty_sentence().isEmpty());
    }

    void disassembly_marks_the_next_instruction()
    {
        test::Stage stage;
        stage.stop();
        auto* table = qobject_cast<TableView*>(stage.any_view("disassembly")->main_widget());
        int current = 0;
        for (int r = 0; r < table->model()->rowCount(); ++r)
            if (table->model()->index(r, 0).data(emphasis_role).toInt() == static_cast<int>(Emphasis::current)) ++current;
        QCOMPARE(current, 1);
    }

    void the_console_survives_any_bytes()
    {
        test::Stage stage;
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
        test::Stage stage;
        stage.stop();
        auto* view = stage.view<TimelineView>("timeline");
        QTRY_COMPARE(view->table()->model()->rowCount(), 15);
        view->table()->setFocus();
        view->table()->setCurrentIndex(view->table()->model()->index(8, 0)); // signal.raised by pong
        QCOMPARE(view->model()->marked_cause(), std::uint64_t { 0x51 });
        QCOMPARE(stage.window.selection()->thread(), 5u);
        QCOMPARE(stage.window.selection()->signal(), 10);
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
    CodeViewsTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "code_views_test.moc"
