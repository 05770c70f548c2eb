// The window on a real guest in QEMU: it moves live, stands, steps by meaning, and an edited frame takes effect.
#include <QtTest>

#include "inspector/app/live_source.h"
#include "inspector/app/main_window.h"
#include "inspector/app/problem_page.h"
#include "inspector/app/status_line.h"
#include "inspector/models/breakpoint_list.h"
#include "inspector/models/rows.h"
#include "inspector/models/selection.h"
#include "inspector/models/text.h"
#include "inspector/views/code/source_editor.h"
#include "inspector/views/code/source_view.h"
#include "inspector/core/session/session.h"
#include "inspector/views/common/badge.h"
#include "inspector/views/common/edit_controller.h"
#include "inspector/views/common/table_view.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/frames/frames_view.h"

using namespace orrery::inspector;
namespace abi = orrery::abi;

namespace {

constexpr int patience = 120'000; // milliseconds: a hang guard for busy machines, no test waits for it

MachineOptions guest()
{
    const auto chosen = qEnvironmentVariable("ORRERY_OS_BUILD_DIR");
    const std::filesystem::path built = chosen.isEmpty() ? ORRERY_OS_BUILD_DIR : chosen.toStdString();
    MachineOptions options;
    options.kernel = options.launch.kernel = built / "kernel.elf";
    options.launch.initrd = built / "initrd.tar";
    options.programs = built / "programs";
    return options;
}

int phase_number(abi::Phase phase) { return static_cast<int>(phase); }

} // namespace

class MachineTest : public QObject {
    Q_OBJECT

    struct Stage {
        LiveSource source;
        MainWindow window { &source, false };
        std::vector<StopReport> stops;
        QStringList notices;

        explicit Stage(MachineOptions options)
            : source(std::move(options))
        {
            QObject::connect(&source, &SnapshotSource::stopped, &window, [this](const StopReport& report) { stops.push_back(report); });
            QObject::connect(&source, &SnapshotSource::notice, &window, [this](const QString& sentence) { notices += sentence; });
            window.resize(1280, 800);
            window.show();
            window.reset_layout();
        }
        bool start()
        {
            source.start();
            return QTest::qWaitFor([&] { return source.latest() && !source.latest()->rings.empty(); }, patience);
        }
        // Runs a command that ends in a stop; what happened instead is printed.
        const StopReport* to_stop(const std::function<void()>& command)
        {
            const auto before = stops.size();
            command();
            if (!QTest::qWaitFor([&] { return stops.size() > before || !notices.isEmpty(); }, patience) || stops.size() == before) {
                qWarning() << "no stop:" << notices << window.status_line()->sentence();
                return nullptr;
            }
            return &stops.back();
        }
        const StopReport* next_signal_phase() { return to_stop([&] { window.carry_out(CommandId::next_signal_phase); }); }
        const StopReport* step_to(abi::Phase phase)
        {
            StepRequest request;
            request.phases = { phase_number(phase) };
            return to_stop([&] { source.step(request); });
        }
    };

private Q_SLOTS:
    void it_runs_live_then_stands_and_goes_on()
    {
        Stage stage(guest());
        QVERIFY(stage.start());
        QVERIFY(stage.source.run_state() == RunState::running);
        QVERIFY(stage.source.latest()->freshness != Freshness::stopped);
        const auto index = stage.source.latest()->rings[0].producer.index;
        QVERIFY(QTest::qWaitFor([&] { return stage.source.latest()->rings[0].producer.index != index; }, patience)); // it turns
        const auto* console = stage.window.dock(QStringLiteral("console"))->view();
        QVERIFY(QTest::qWaitFor([&] { return !console->as_text().isEmpty(); }, patience)); // the demonstration greets

        QVERIFY(stage.to_stop([&] { stage.window.carry_out(CommandId::pause); }));
        QVERIFY(QTest::qWaitFor([&] { return stage.source.latest()->freshness == Freshness::stopped; }, patience));
        QVERIFY(stage.window.status_line()->sentence().startsWith(QStringLiteral("Stopped: paused")));
        const auto stood = stage.source.latest()->rings[0].producer.index;
        stage.window.carry_out(CommandId::run);
        QVERIFY(QTest::qWaitFor([&] { return stage.source.latest()->rings[0].producer.index != stood; }, patience));
        stage.window.carry_out(CommandId::quit_guest);
        QVERIFY(QTest::qWaitFor([&] { return stage.source.run_state() == RunState::ended; }, patience));
        QVERIFY(stage.source.latest()); // the last picture stays
    }

    void one_signal_is_walked_and_its_frame_edited()
    {
        Stage stage(guest());
        QVERIFY(stage.start());
        // From raise to the handler, phase by phase.
        const auto* raised = stage.step_to(abi::Phase::signal_raised);
        QVERIFY(raised);
        const int signal = raised->signal;
        QVERIFY(abi::is_signal(static_cast<std::uint64_t>(signal)));
        QCOMPARE(stage.window.selection()->signal(), signal);
        QSet<int> seen { raised->phase };
        const StopReport* stop = raised;
        for (int step = 0; step < 60 && stop->phase != phase_number(abi::Phase::signal_handled); ++step) {
            stop = stage.next_signal_phase();
            QVERIFY(stop);
            QVERIFY2(stage.window.status_line()->sentence().contains(QStringLiteral("signal.")), qPrintable(stop->sentence));
            seen += stop->phase;
        }
        QVERIFY(seen.contains(phase_number(abi::Phase::signal_framed)));
        QCOMPARE(stop->phase, phase_number(abi::Phase::signal_handled));
        const auto thread = stop->thread;

        // Its frame is on the stack, and in the view.
        QVERIFY(QTest::qWaitFor([&] {
            const auto* found = stage.source.latest()->thread(thread);
            return stage.source.latest()->freshness == Freshness::stopped && found && !found->signals.frames.empty();
        }, patience));
        const auto frame = stage.source.latest()->thread(thread)->signals.frames.front();
        QVERIFY2(frame.valid, frame.problem.c_str());
        stage.window.selection()->select_thread(thread);
        auto* frames = qobject_cast<FramesView*>(stage.window.dock(QStringLiteral("frames"))->view());
        const auto saved_rip = frame.registers[static_cast<unsigned>(abi::SavedRegister::rip)];
        QVERIFY2(frames->as_text().contains(wide_hex_text(saved_rip)), qPrintable(frames->as_text()));

        // Another RIP: the thread goes on there.
        const auto elsewhere = frame.handler;
        frames->registers()->model()->setData(frames->registers()->model()->index(0, frame_value_column), hex_text(elsewhere));
        QVERIFY(QTest::qWaitFor([&] { return stage.window.situation().can_undo; }, patience));
        QVERIFY(QTest::qWaitFor([&] {
            return stage.source.latest()->thread(thread)->signals.frames.front().registers[static_cast<unsigned>(abi::SavedRegister::rip)] == elsewhere;
        }, patience));
        StepRequest resumed;
        resumed.phases = { phase_number(abi::Phase::signal_resumed) };
        resumed.thread = thread;
        resumed.signal = frame.signal;
        const auto* back = stage.to_stop([&] { stage.source.step(resumed); });
        QVERIFY(back);
        QVERIFY2(back->sentence.contains(hex_text(elsewhere)), qPrintable(back->sentence));
        QVERIFY(!stage.window.situation().can_undo); // that moment is past
    }

    void it_steps_by_instruction_and_shows_where()
    {
        Stage stage(guest());
        QVERIFY(stage.start());
        const auto* stop = stage.step_to(abi::Phase::signal_framed);
        QVERIFY(stop);
        const auto rip = stop->rip;
        QVERIFY(stage.to_stop([&] { stage.window.carry_out(CommandId::step_instruction); }));
        QVERIFY(stage.stops.back().rip != rip);
        auto* disassembly = stage.window.dock(QStringLiteral("disassembly"));
        disassembly->raise();
        QVERIFY(QTest::qWaitFor([&] { return disassembly->view()->as_text().contains(hex_text(stage.stops.back().rip)); }, patience));
        auto* source = qobject_cast<SourceView*>(stage.window.dock(QStringLiteral("source"))->view());
        QVERIFY2(!source->editor()->file().isEmpty(), qPrintable(source->empty_sentence()));
    }

    // With every program of the demonstration running, all phases together have the most places.
    void any_next_phase_is_met_while_the_demonstration_runs()
    {
        Stage stage(guest());
        QVERIFY(stage.start());
        QVERIFY(QTest::qWaitFor([&] { return stage.source.latest()->rings[0].producer.index > 4; }, patience));
        for (int step = 0; step < 3; ++step) {
            const auto* stop = stage.to_stop([&] { stage.window.carry_out(CommandId::next_phase); });
            QVERIFY(stop);
            QVERIFY2(stop->phase >= 0, qPrintable(stop->sentence));
        }
    }

    // A QEMU that somebody else started: no shared memory, so the picture is from the last stop.
    void it_joins_a_debug_stub()
    {
        auto started = Session::launch(guest().launch);
        QVERIFY2(started, started ? "" : started.error().sentence.c_str());
        auto options = guest();
        options.attach = AttachTarget { .address = (*started)->debug_address() };
        Stage stage(options);
        stage.source.start();
        QVERIFY(QTest::qWaitFor([&] { return stage.source.run_state() == RunState::stopped && stage.source.latest(); }, patience));
        const auto* badge = stage.window.dock(QStringLiteral("threads"))->badge();
        QCOMPARE(badge->word(), QStringLiteral("stopped"));
        stage.window.carry_out(CommandId::run);
        QVERIFY(QTest::qWaitFor([&] { return badge->word() == QStringLiteral("stale"); }, patience));
        QVERIFY2(stage.window.status_line()->sentence().contains(QStringLiteral("last stop")), qPrintable(stage.window.status_line()->sentence()));
        const auto* stop = stage.step_to(abi::Phase::signal_handled);
        QVERIFY(stop);
        QVERIFY(QTest::qWaitFor([&] { return badge->word() == QStringLiteral("stopped"); }, patience));
        QVERIFY(stage.source.latest()->thread(stop->thread));
    }

    void a_breakpoint_stops_it()
    {
        Stage stage(guest());
        QVERIFY(stage.start());
        const auto* stop = stage.step_to(abi::Phase::signal_handled);
        QVERIFY(stop);
        QVERIFY(QTest::qWaitFor([&] { return !stage.source.latest()->thread(stop->thread)->signals.frames.empty(); }, patience));
        // The line of the handler that is about to run.
        std::optional<CodePicture> code;
        connect(&stage.source, &SnapshotSource::code_arrived, &stage.window, [&](const CodePicture& arrived) { code = arrived; });
        const auto handler = stage.source.latest()->thread(stop->thread)->signals.frames.front().handler;
        stage.source.request_code(stop->thread, handler);
        QVERIFY(QTest::qWaitFor([&] { return code && code->rip == handler; }, patience));
        QVERIFY2(code->line > 0, qPrintable(code->problem));
        stage.window.breakpoints()->toggle(code->file, code->line);
        QVERIFY(QTest::qWaitFor([&] { return stage.window.breakpoints()->all()[0].resolved; }, patience));
        QVERIFY(stage.to_stop([&] { stage.window.carry_out(CommandId::run); }));
        QVERIFY2(stage.stops.back().sentence.startsWith(QStringLiteral("breakpoint")), qPrintable(stage.stops.back().sentence));
    }

    void without_a_kernel_the_window_says_so()
    {
        auto options = guest();
        options.kernel = options.launch.kernel = "/nowhere/kernel.elf";
        Stage stage(options);
        stage.source.start();
        QVERIFY(QTest::qWaitFor([&] { return stage.source.run_state() == RunState::failed; }, patience));
        QVERIFY(stage.window.problem_page()->isVisible());
        QVERIFY2(stage.window.problem_page()->sentence().contains(QStringLiteral("/nowhere/kernel.elf")), qPrintable(stage.window.problem_page()->sentence()));
    }

    void without_qemu_the_window_says_so()
    {
        auto options = guest();
        options.launch.qemu = "no-such-qemu";
        Stage stage(options);
        stage.source.start();
        QVERIFY(QTest::qWaitFor([&] { return stage.source.run_state() == RunState::failed; }, patience));
        QVERIFY2(stage.window.problem_page()->sentence().contains(QStringLiteral("no-such-qemu")), qPrintable(stage.window.problem_page()->sentence()));
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    MachineTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "machine_test.moc"
