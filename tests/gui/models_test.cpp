// The item models without a window: whole pictures in, and only what changed comes out.
#include <random>

#include <QAbstractItemModelTester>
#include <QPersistentModelIndex>
#include <QSignalSpy>
#include <QtTest>

#include "inspector/models/address_bands.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/keyed_table_model.h"
#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/sentences.h"
#include "inspector/models/text.h"
#include "inspector/models/timeline_filter.h"
#include "inspector/models/timeline_model.h"
#include "tests/gui/fake_source.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;
namespace abi = orrery::abi;

namespace {

QList<TableColumn> two_columns() { return { { QStringLiteral("Name"), {} }, { QStringLiteral("Value"), {}, true } }; }

TableRow row(std::uint64_t key, const QString& name, const QString& value)
{
    TableRow result;
    result.key = key;
    result.cells = { name, value };
    return result;
}

QStringList column_of(const QAbstractItemModel& model, int column)
{
    QStringList cells;
    for (int r = 0; r < model.rowCount(); ++r) cells += model.index(r, column).data().toString();
    return cells;
}

const TableRow* find(const TableRows& rows, std::uint64_t key)
{
    for (const auto& candidate : rows)
        if (candidate.key == key) return &candidate;
    return nullptr;
}

} // namespace

class ModelsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void update_tells_only_what_changed()
    {
        KeyedTableModel model(two_columns());
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.update({ row(1, "a", "1"), row(2, "b", "2"), row(3, "c", "3") });
        QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
        QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
        QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
        QSignalSpy removed(&model, &QAbstractItemModel::rowsRemoved);

        model.update({ row(1, "a", "1"), row(2, "b", "2"), row(3, "c", "3") });
        QCOMPARE(changed.size(), 0);
        model.update({ row(1, "a", "1"), row(2, "b", "22"), row(3, "c", "33") });
        QCOMPARE(changed.size(), 1); // one run of two rows
        QCOMPARE(changed[0][0].toModelIndex().row(), 1);
        QCOMPARE(changed[0][1].toModelIndex().row(), 2);
        model.update({ row(1, "a", "1"), row(4, "d", "4"), row(3, "c", "33") });
        QCOMPARE(inserted.size(), 1);
        QCOMPARE(removed.size(), 1);
        QCOMPARE(reset.size(), 0);
        QCOMPARE(column_of(model, 0), QStringList({ "a", "d", "c" }));
    }

    void a_selected_row_follows_its_key()
    {
        KeyedTableModel model(two_columns());
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.update({ row(1, "a", "1"), row(2, "b", "2"), row(3, "c", "3") });
        const QPersistentModelIndex chosen(model.index(1, 0));
        model.update({ row(9, "x", "0"), row(3, "c", "3"), row(2, "b", "2") }); // gone, new, and turned round
        QVERIFY(chosen.isValid());
        QCOMPARE(chosen.row(), 2);
        QCOMPARE(chosen.data().toString(), QStringLiteral("b"));
        model.update({ row(9, "x", "0") });
        QVERIFY(!chosen.isValid());
    }

    void changed_cells_are_marked_with_what_was_there()
    {
        KeyedTableModel model(two_columns());
        model.update({ row(1, "a", "1") });
        QCOMPARE(model.index(0, 1).data(changed_at_role).toLongLong(), 0); // the first picture is no change
        model.update({ row(1, "a", "2") });
        QVERIFY(model.index(0, 1).data(changed_at_role).toLongLong() > 0);
        QCOMPARE(model.index(0, 0).data(changed_at_role).toLongLong(), 0);
        QCOMPARE(model.index(0, 1).data(previous_text_role).toString(), QStringLiteral("1"));
        model.forget_changes();
        QCOMPARE(model.index(0, 1).data(changed_at_role).toLongLong(), 0);
    }

    void any_sequence_of_pictures_is_shown_exactly()
    {
        std::mt19937 random(7);
        KeyedTableModel model(two_columns());
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        for (int picture = 0; picture < 300; ++picture) {
            TableRows rows;
            const auto count = random() % 12;
            for (unsigned i = 0; i < count; ++i) {
                const auto key = random() % 16;
                if (!find(rows, key)) rows.push_back(row(key, QString::number(key), QString::number(random() % 3)));
            }
            model.update(rows);
            QCOMPARE(model.rowCount(), static_cast<int>(rows.size()));
            QVERIFY(model.rows() == rows);
        }
    }

    void a_repeated_key_is_shown_once()
    {
        KeyedTableModel model(two_columns());
        model.update({ row(1, "a", "1"), row(1, "b", "2") });
        QCOMPARE(column_of(model, 0), QStringList({ "a" }));
    }

    void an_edit_asks_and_changes_nothing_itself()
    {
        KeyedTableModel model(two_columns());
        auto editable = row(7, "rip", "0x1");
        editable.editable_columns = 2;
        model.update({ editable });
        QSignalSpy asked(&model, &KeyedTableModel::edit_requested);
        QVERIFY(!model.setData(model.index(0, 0), "x"));
        QCOMPARE(asked.size(), 0);
        QVERIFY(!model.setData(model.index(0, 1), "0x2"));
        QCOMPARE(asked.size(), 1);
        QCOMPARE(asked[0][0].toULongLong(), 7u);
        QCOMPARE(model.index(0, 1).data().toString(), QStringLiteral("0x1"));
    }

    void values_are_read_as_people_write_them_data()
    {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<bool>("good");
        QTest::addColumn<quint64>("value");
        QTest::newRow("hexadecimal") << "0x401000" << true << quint64 { 0x401000 };
        QTest::newRow("decimal") << " 42 " << true << quint64 { 42 };
        QTest::newRow("binary") << "0b101" << true << quint64 { 5 };
        QTest::newRow("negative") << "-1" << true << ~quint64 { 0 };
        QTest::newRow("grouped") << "0x7fff_ffee f000" << true << quint64 { 0x7fffffeef000 };
        QTest::newRow("largest") << "0xffffffffffffffff" << true << ~quint64 { 0 };
        QTest::newRow("too large") << "0x1ffffffffffffffff" << false << quint64 { 0 };
        QTest::newRow("nothing") << "  " << false << quint64 { 0 };
        QTest::newRow("word") << "main" << false << quint64 { 0 };
        QTest::newRow("two signs") << "--1" << false << quint64 { 0 };
        QTest::newRow("only a prefix") << "0x" << false << quint64 { 0 };
    }

    void values_are_read_as_people_write_them()
    {
        QFETCH(QString, typed);
        QFETCH(bool, good);
        QFETCH(quint64, value);
        QString problem;
        const auto parsed = parse_value(typed, problem);
        QCOMPARE(parsed.has_value(), good);
        QCOMPARE(problem.isEmpty(), good);
        if (good) QCOMPARE(*parsed, value);
    }

    void tables_copy_as_text_csv_and_markdown()
    {
        KeyedTableModel model(two_columns());
        model.update({ row(1, "a|b", "1,5"), row(2, "say \"hi\"", "2") });
        QCOMPARE(table_as(model, CopyFormat::csv), QStringLiteral("Name,Value\na|b,\"1,5\"\n\"say \"\"hi\"\"\",2\n"));
        QCOMPARE(table_as(model, CopyFormat::markdown),
            QStringLiteral("| Name | Value |\n|---|---|\n| a\\|b | 1,5 |\n| say \"hi\" | 2 |\n"));
        QCOMPARE(table_as(model, CopyFormat::text), QStringLiteral("Name      Value\na|b       1,5\nsay \"hi\"  2\n"));
    }

    void signal_sets_are_named()
    {
        QCOMPARE(signal_set_label(0), QStringLiteral("none"));
        QCOMPARE(signal_set_label(~std::uint64_t { 0 }), QStringLiteral("all"));
        QCOMPARE(signal_set_label(abi::signal_mask64(2) | abi::signal_mask64(10)), QStringLiteral("SIGINT, SIGUSR1"));
        QCOMPARE(signal_set_label(~abi::signal_mask64(35)), QStringLiteral("all but SIGRT 35"));
    }

    void threads_say_what_they_wait_for()
    {
        const auto rows = thread_rows(test::sample_snapshot());
        QCOMPARE(rows.size(), std::size_t { 4 });
        const auto* worker = find(rows, 6);
        QVERIFY(worker);
        QVERIFY(worker->cells.contains(QStringLiteral("waits for entries on ring 1 (consumer side)")));
        QVERIFY(find(rows, 4)->cells.join(' ').contains(QStringLiteral("SIGALRM")));
        QCOMPARE(find(rows, 4)->emphasis, Emphasis::current);
    }

    void signal_table_agrees_with_the_words()
    {
        const auto snapshot = test::sample_snapshot();
        const auto rows = signal_rows(snapshot, 4);
        QCOMPARE(rows.size(), std::size_t { 64 });
        const auto& words = snapshot.thread(4)->signals;
        for (const auto& signal : rows) {
            const auto mask = abi::signal_mask64(static_cast<int>(signal.key));
            QCOMPARE(signal.cells[2] == "1", (words.pending & mask) != 0);
            QCOMPARE(signal.cells[3] == "1", (words.process_pending & mask) != 0);
            QCOMPARE(signal.cells[4] == "1", (words.allowset & mask) != 0);
            QCOMPARE(signal.cells[5] == "1", (words.deliverable() & mask) != 0);
        }
        QVERIFY(find(rows, 17)->sentence.contains(QStringLiteral("SIGCHLD")));
        QVERIFY(signal_rows(snapshot, 1).empty()); // no control page
        QVERIFY(signal_rows(snapshot, 99).empty()); // no such thread
    }

    void frame_registers_are_compared_with_what_is_newer()
    {
        auto snapshot = test::sample_snapshot();
        const auto newest = snapshot.threads[1].signals.frames[0].address;
        const auto older = snapshot.threads[1].signals.frames[1].address;
        const auto rip = static_cast<std::uint64_t>(abi::SavedRegister::rip);
        auto rows = frame_register_rows(snapshot, 4, newest, true);
        QCOMPARE(find(rows, rip)->cells[1], wide_hex_text(0x4011c4));
        QCOMPARE(find(rows, rip)->cells[2], wide_hex_text(0x401192)); // the thread now
        QCOMPARE(find(rows, rip)->emphasis, Emphasis::differs);
        QVERIFY((find(rows, rip)->editable_columns & 1u << frame_value_column) != 0);
        rows = frame_register_rows(snapshot, 4, older, false);
        QCOMPARE(find(rows, rip)->cells[2], wide_hex_text(0x4011c4)); // the newer frame
        QCOMPARE(find(rows, rip)->editable_columns, 0u);
        QVERIFY(find(rows, frame_mask_key)->cells[3].contains(QStringLiteral("none")));
        snapshot.threads[1].signals.frames[0].valid = false;
        snapshot.threads[1].signals.frames[0].problem = "the magic is wrong";
        QVERIFY(frame_register_rows(snapshot, 4, newest, true).empty());
        QCOMPARE(frame_rows(snapshot, 4)[0].emphasis, Emphasis::problem);
    }

    void ring_slots_wrap_round()
    {
        auto ring = test::sample_snapshot().rings[0];
        ring.consumer.index = 0xffff'fffe; // the free-running index wraps
        ring.producer.index = 1;
        const auto rows = ring_entry_rows(ring);
        QCOMPARE(rows.size(), std::size_t { 16 });
        QCOMPARE(find(rows, 14)->emphasis, Emphasis::current); // next to take
        QVERIFY(find(rows, 15)->emphasis == Emphasis::normal && find(rows, 0)->emphasis == Emphasis::normal);
        QCOMPARE(find(rows, 1)->cells[1], QStringLiteral("next to fill"));
    }

    void a_ring_with_impossible_indices_is_said_to_be_so()
    {
        const auto snapshot = test::sample_snapshot();
        auto ring = snapshot.rings[0];
        ring.producer.index = ring.consumer.index + 17;
        QVERIFY(ring_sentence(ring, snapshot).contains(QStringLiteral("breaks its rules")));
        ring.entries.resize(100); // shorter than it claims
        QCOMPARE(ring_entry_rows(ring).size(), std::size_t { 1 });
        ring.entry_size = 0;
        QVERIFY(ring_entry_rows(ring).empty());
    }

    void timeline_keeps_what_the_guest_overwrites_and_repeats_nothing()
    {
        TimelineModel model;
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        auto snapshot = test::sample_snapshot();
        const auto whole = snapshot.trace;
        snapshot.trace = { whole[0], whole[1], whole[3] };
        model.update(std::make_shared<const Snapshot>(snapshot));
        QCOMPARE(model.rowCount(), 3);
        snapshot.trace = { whole[2], whole[3], whole[4] }; // the first two are overwritten; an older one comes late
        model.update(std::make_shared<const Snapshot>(snapshot));
        QCOMPARE(model.rowCount(), 5);
        for (int r = 1; r < 5; ++r) QVERIFY(model.event_at(r - 1).time <= model.event_at(r).time);
        snapshot.boot_tsc += 1; // another machine
        snapshot.trace = { whole[0] };
        model.update(std::make_shared<const Snapshot>(snapshot));
        QCOMPARE(model.rowCount(), 1);
    }

    void timeline_drops_the_oldest_beyond_its_limit()
    {
        TimelineModel model;
        auto snapshot = test::sample_snapshot();
        const auto event = snapshot.trace[0];
        snapshot.trace.clear();
        for (std::size_t i = 0; i < TimelineModel::limit + 10; ++i) {
            snapshot.trace.push_back(event);
            snapshot.trace.back().sequence = i + 1;
            snapshot.trace.back().time = event.time + i;
        }
        model.update(std::make_shared<const Snapshot>(snapshot));
        QCOMPARE(model.rowCount(), static_cast<int>(TimelineModel::limit));
        QCOMPARE(model.event_at(0).sequence, std::uint64_t { 11 });
        model.update(std::make_shared<const Snapshot>(snapshot)); // the dropped ones do not come back
        QCOMPARE(model.rowCount(), static_cast<int>(TimelineModel::limit));
    }

    void timeline_follows_one_cause()
    {
        TimelineModel model;
        model.update(std::make_shared<const Snapshot>(test::sample_snapshot()));
        TimelineFilter filter;
        filter.setSourceModel(&model);
        filter.set_cause(0x51);
        QCOMPARE(filter.rowCount(), 5);
        filter.set_cause(0);
        filter.set_group(QStringLiteral("ring"));
        QCOMPARE(filter.rowCount(), 4);
        filter.set_thread(6);
        QCOMPARE(filter.rowCount(), 2);
        const auto what = filter.index(0, TimelineModel::what_column).data().toString();
        QVERIFY2(what.contains(QStringLiteral("ring 1")), qPrintable(what));
    }

    void unknown_phase_numbers_are_harmless()
    {
        auto snapshot = test::sample_snapshot();
        snapshot.trace[0].phase = static_cast<abi::Phase>(999);
        TimelineModel model;
        model.update(std::make_shared<const Snapshot>(snapshot));
        for (int c = 0; c < model.columnCount(); ++c) QVERIFY(model.index(0, c).data().isValid());
        QCOMPARE(model.index(0, TimelineModel::phase_column).data().toString(), QStringLiteral("phase 999"));
    }

    void mappings_tell_how_much_of_them_is_present()
    {
        const auto snapshot = test::sample_snapshot();
        const auto& space = *snapshot.space(2);
        const auto rows = mapping_rows(space, presence_of(space), snapshot);
        QCOMPARE(rows.size(), space.mappings.size());
        QCOMPARE(rows[0].cells.size(), mapping_columns().size());
        QCOMPARE(rows[0].cells[3], QStringLiteral("2 of 3"));
        QCOMPARE(rows[4].cells[3], QStringLiteral("3 of 16"));
        QVERIFY(rows[1].sentence.contains(QStringLiteral("0 of them can be written")));
    }

    void mappings_tell_what_became_of_pages_and_who_shares_them()
    {
        auto snapshot = test::sample_snapshot();
        snapshot.spaces.erase(snapshot.spaces.begin() + 2, snapshot.spaces.end());
        const MappingView mapping { .begin = 0x10000, .end = 0x14000, .offset = 0x1000, .protection = abi::protection_read,
            .object = "memory 900", .object_address = 900 };
        snapshot.spaces[0].mappings = { mapping };
        snapshot.spaces[1].mappings = { mapping };
        MemoryObjectView object;
        object.address = 900;
        object.leaves = { { .number = 0, .pages = std::vector<ObjectPage>(6) } };
        auto& pages = object.leaves[0].pages;
        pages[0].flags = abi::slot_pinned; // before what is mapped
        pages[1].flags = pages[2].flags = abi::slot_clean;
        pages[3].flags = abi::slot_discarded;
        pages[5].flags = abi::slot_shared; // behind it
        snapshot.memory_objects = { object };
        const auto rows = mapping_rows(snapshot.spaces[0], presence_of(snapshot.spaces[0]), snapshot);
        QVERIFY2(rows[0].sentence.endsWith(QStringLiteral(
                     "Of the pages of the object: 1 dropped when memory was short, 2 clean. Shared memory: also mapped by %1.")
                     .arg(space_text(snapshot, snapshot.spaces[1].id))), qPrintable(rows[0].sentence));
    }

    void handles_tell_what_they_allow()
    {
        SpaceView space;
        space.handles.push_back({ .number = 3, .kind = "ring", .rights = abi::right_produce | abi::right_duplicate,
            .object = 1, .label = "ring 5" });
        space.handles.push_back({ .number = 4, .kind = "event", .rights = abi::right_signal, .object = 2, .label = "event 1" });
        space.handles.push_back({ .number = 5, .kind = "scheme", .rights = 0, .object = 3, .label = "scheme 1" });
        const auto rows = handle_rows(space);
        QCOMPARE(rows[0].sentence, QStringLiteral("Handle 3 names ring 5: a single-producer single-consumer ring in shared memory. "
            "It allows to: copy the handle, install it in another space, or pass it along; be the producer."));
        QVERIFY(rows[1].sentence.endsWith(QStringLiteral("It allows to: count one more.")));
        QVERIFY(rows[2].sentence.endsWith(QStringLiteral("It gives no right at all.")));
    }

    void the_map_folds_gaps_and_keeps_the_order()
    {
        const auto snapshot = test::sample_snapshot();
        const auto& space = *snapshot.space(2);
        const auto bands = address_bands(space, presence_of(space), 8);
        std::uint64_t reached = 0;
        std::size_t mappings = 0;
        for (const auto& band : bands) {
            QCOMPARE(band.begin, reached);
            QVERIFY(band.end > band.begin);
            reached = band.end;
            mappings += band.gap ? 0 : 1;
            QVERIFY(band.cells.size() <= 8);
            for (std::size_t cell = 0; cell < band.cells.size(); ++cell) QCOMPARE(band.cell_of(band.address_of(cell)), cell);
        }
        QCOMPARE(mappings, space.mappings.size());
        const auto& stack = bands[bands.size() - 2]; // of 16 pages in 8 cells; the last three are there
        QVERIFY(stack.cells[5] == CellState::absent && stack.cells[6] == CellState::some && stack.cells[7] == CellState::all);
        QVERIFY(stack.weight > bands[1].weight);
        SpaceView hostile; // backwards, overlapping, and up to the end of all addresses
        for (const auto& [begin, end] : { std::pair<std::uint64_t, std::uint64_t> { 0x5000, 0x4000 }, { 0x8000, 0xa000 }, { 0x9000, 0xb000 }, { 0x1'0000, ~0ull } })
            hostile.mappings.push_back({ .begin = begin, .end = end });
        QCOMPARE(address_bands(hostile, presence_of(hostile), 8).size(), std::size_t { 3 }); // a gap, a mapping, a gap
    }

    void an_address_is_walked_and_explained()
    {
        const auto snapshot = test::sample_snapshot();
        const auto view = explain_address(snapshot, *snapshot.space(2), 0x403010);
        QVERIFY2(view.contradictions.empty(), qPrintable(address_sentence(view, snapshot)));
        const auto levels = walk_rows(view);
        QCOMPARE(levels.size(), std::size_t { 4 });
        QCOMPARE(levels[0].key, std::uint64_t { 4 });
        QCOMPARE(levels[0].cells.size(), walk_columns().size());
        QVERIFY(levels[3].emphasis == Emphasis::current);
        QCOMPARE(levels[3].cells[2], QStringLiteral("present, user, no execute, accessed"));
        const auto accesses = access_rows(view);
        QCOMPARE(accesses[0].cells[1], QStringLiteral("works"));
        QCOMPARE(accesses[1].cells[1], QStringLiteral("copies"));
        QCOMPARE(accesses[2].cells[1], QStringLiteral("raises a signal"));
        QVERIFY(accesses[2].cells[2].contains(QStringLiteral("W^X")));
        QVERIFY(address_sentence(view, snapshot).endsWith(QLatin1Char('.')));
        const auto absent = explain_address(snapshot, *snapshot.space(2), 0x404000);
        QVERIFY(walk_rows(absent).back().emphasis == Emphasis::dimmed);
        auto broken = snapshot;
        broken.spaces[1].page_tables.tables[3].readable = false;
        const auto wrong = explain_address(broken, broken.spaces[1], 0x403010);
        QVERIFY(address_sentence(wrong, broken).contains(QStringLiteral("Contradiction: ")));
        QVERIFY(address_sentence(wrong, broken).contains(QStringLiteral("stop it to be sure")));
    }

    void schemes_and_calls_have_rows()
    {
        auto snapshot = test::sample_snapshot();
        auto rows = scheme_rows(snapshot);
        QCOMPARE(rows.size(), std::size_t { 2 });
        QCOMPARE(rows[0].cells, QStringList({ "1", "servers at work", "2", "1", "0", "212" }));
        QCOMPARE(rows[1].cells[1], QStringLiteral("a server waits"));
        const auto calls = call_rows(snapshot.schemes[0], snapshot);
        QCOMPARE(calls.size(), std::size_t { 3 });
        QCOMPARE(calls[0].key, std::uint64_t { 209 });
        QCOMPARE(calls[0].cells.size(), call_columns().size());
        QVERIFY(calls[0].sentence.contains(QStringLiteral("is with server thread 5 (pong)")));
        QVERIFY(calls[2].sentence.contains(QStringLiteral("1 call goes first")));
        snapshot.schemes[0].received[0].cancelled = true;
        QVERIFY(call_rows(snapshot.schemes[0], snapshot)[0].emphasis == Emphasis::differs);
        snapshot.schemes[1].closed = true;
        snapshot.schemes[0].valid = false;
        rows = scheme_rows(snapshot);
        QVERIFY(rows[0].emphasis == Emphasis::problem && rows[1].emphasis == Emphasis::dimmed);
    }

    void selection_settles_on_what_exists()
    {
        Selection selection;
        auto snapshot = test::sample_snapshot();
        selection.settle(snapshot);
        QCOMPARE(selection.thread(), 4u); // has signals, and is not the first program
        QCOMPARE(selection.ring(), 1u);
        QCOMPARE(selection.scheme(), 1u);
        selection.select_address(0);
        QCOMPARE(selection.address(), std::optional<std::uint64_t>(0)); // the null pointer is an address
        selection.select_thread(5);
        QVERIFY(!selection.address()); // it was one of the other space
        selection.settle(snapshot);
        QCOMPARE(selection.thread(), 5u);
        snapshot.threads.erase(snapshot.threads.begin() + 2);
        selection.settle(snapshot);
        QCOMPARE(selection.thread(), 4u);
        snapshot.threads.clear();
        selection.settle(snapshot);
        QCOMPARE(selection.thread(), 0u);
    }

    void breakpoints_are_remembered_as_text()
    {
        test::FakeSource source;
        BreakpointList list(&source);
        list.toggle(QStringLiteral("/a/b.cpp"), 14);
        list.toggle(QStringLiteral("/a/b.cpp"), 2000);
        QVERIFY(list.all()[0].resolved);
        QVERIFY(!list.all()[1].resolved);
        list.set_enabled(QStringLiteral("/a/b.cpp"), 14, false);
        QCOMPARE(list.saved(), QStringList({ "-/a/b.cpp:14", "/a/b.cpp:2000" }));
        list.toggle(QStringLiteral("/a/b.cpp"), 14);
        QCOMPARE(source.wanted_breakpoints.size(), 1);
        const auto read = BreakpointList::from_saved({ "-/a:b.cpp:3", "no colon", ":5", "/x.cpp:zero", "/x.cpp:-1" });
        QCOMPARE(read.size(), 1);
        QCOMPARE(read[0].file, QStringLiteral("/a:b.cpp"));
        QVERIFY(!read[0].enabled);
    }
};

QTEST_GUILESS_MAIN(ModelsTest)
#include "models_test.moc"
