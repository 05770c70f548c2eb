// Life of the machine: start, run, pause, end, and the pictures in between.
#include "inspector/app/machine_worker.h"

#include <QTimer>

#include "inspector/app/machine_lesson.h"
#include "inspector/app/machine_parts.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {
constexpr int live_interval = 16;    // milliseconds: 60 pictures a second
constexpr int quiet_interval = 100;  // while it stands, or nobody looks: only news of the machine
} // namespace

MachineWorker::MachineWorker(MachineOptions options)
    : options_(std::move(options))
    , timer_(new QTimer(this))
{
    timer_->setTimerType(Qt::PreciseTimer);
    connect(timer_, &QTimer::timeout, this, &MachineWorker::poll);
}

MachineWorker::~MachineWorker() = default;

void MachineWorker::interrupt()
{
    if (busy_.load()) cancellation_.cancel();
}

SnapshotPointer MachineWorker::take_picture()
{
    const std::lock_guard guard(mailbox_lock_);
    announced_ = false;
    return mailbox_;
}

void MachineWorker::change_state(RunState state, const QString& sentence)
{
    state_ = state;
    set_pace();
    const bool blind = state == RunState::running && machine_ && !machine_->session->memory_is_live();
    Q_EMIT state_changed(state, blind && sentence.isEmpty()
            ? tr("what you see is from the last stop: over a debug stub alone nothing can be read while the machine runs. F6 pauses.")
            : sentence);
}

void MachineWorker::set_pace()
{
    if (!machine_) {
        timer_->stop();
        return;
    }
    timer_->start(state_ == RunState::running && watched_ && machine_->session->memory_is_live() ? live_interval : quiet_interval);
}

void MachineWorker::set_watched(bool watched)
{
    watched_ = watched;
    set_pace();
}

Result<std::unique_ptr<MachineWorker::Machine>> MachineWorker::make_machine()
{
    auto session = TRY(lesson_        ? Session::launch(lesson_->launch_options())
            : options_.attach ? Session::attach(*options_.attach)
                              : Session::launch(options_.launch));
    auto kernel = TRY(DebugInfo::load(options_.kernel));
    std::vector<std::string> problems;
    auto programs = load_programs(options_.programs, &problems);
    // A build folder holds more than programs; only a program that can't be read is news.
    for (const auto& problem : problems)
        if (!problem.ends_with("is not an ELF file")) Q_EMIT notice(text(problem));
    if (lesson_) programs[lesson_->program_name()] = lesson_->program();
    return std::make_unique<Machine>(std::move(session), std::move(kernel), std::move(programs));
}

void MachineWorker::start()
{
    if (machine_) machine_->session->close();
    machine_.reset();
    console_read_ = 0;
    lesson_machine_ = false;
    change_state(RunState::starting);
    if (lesson_ && !build_lesson()) return;
    auto made = make_machine();
    if (!made) {
        change_state(RunState::failed, text(made.error().sentence) + QLatin1Char('.'));
        return;
    }
    machine_ = std::move(*made);
    if (lesson_) {
        lesson_machine_ = true;
        lesson_->machine_started();
    }
    if (auto armed = arm_breakpoints(); !armed) Q_EMIT notice(text(armed.error().sentence));
    if (machine_->session->state() == GuestState::running) {
        picture(false);
        change_state(RunState::running);
    } else {
        change_state(RunState::stopped);
        came_to_stop(machine_->session->last_stop().value_or(Stop {}));
    }
}

void MachineWorker::quit()
{
    if (!machine_) return;
    drain_console();
    machine_->session->close();
    machine_.reset();
    change_state(RunState::ended, tr("the machine was ended from here. What was read last stays on the screen; F5 starts it again."));
}

void MachineWorker::resume()
{
    if (!machine_) return;
    if (auto ran = machine_->session->run(); !ran) {
        Q_EMIT notice(text(explain_failure(ran.error()).sentence));
        return;
    }
    change_state(RunState::running);
    poll(); // a breakpoint may be the next instruction
}

void MachineWorker::pause()
{
    cancellation_.reset();
    if (!machine_ || state_ != RunState::running) return;
    auto stop = machine_->session->pause();
    if (!stop) {
        Q_EMIT notice(text(explain_failure(stop.error()).sentence));
        return;
    }
    came_to_stop(*stop);
}

void MachineWorker::poll()
{
    if (!machine_) return;
    auto& session = *machine_->session;
    switch (session.state()) {
    case GuestState::ended: ended(); return;
    case GuestState::running:
        if (state_ == RunState::stopped) change_state(RunState::running, tr("another debugger let it go on."));
        if (watched_ && session.memory_is_live()) picture(false);
        break;
    case GuestState::stopped:
        if (state_ == RunState::running) {
            const auto stop = session.last_stop().value_or(Stop {});
            if (!belongs_here(stop)) { // the same address in another program
                if (auto ran = session.run(); !ran) Q_EMIT notice(text(ran.error().sentence));
                return;
            }
            came_to_stop(stop);
        }
        break;
    }
    drain_console();
}

void MachineWorker::ended()
{
    drain_console();
    auto exit = machine_->session->exit_status();
    auto sentence = exit ? text(exit->sentence()) + QLatin1Char('.') : tr("the connection to the machine is gone.");
    if (latest_ && latest_->panic) sentence = tr("the kernel panicked: %1.").arg(text(latest_->panic->message));
    lesson_ended();
    machine_->session->close();
    machine_.reset();
    lesson_machine_ = false;
    change_state(RunState::ended, sentence + tr(" F5 starts it again."));
}

void MachineWorker::drain_console()
{
    const auto fresh = machine_->session->console().text(console_read_);
    if (fresh.empty()) return;
    console_read_ += fresh.size();
    Q_EMIT console_received(QByteArray::fromStdString(fresh));
}

void MachineWorker::picture(bool stands)
{
    std::vector<RegisterFile> registers;
    if (stands) {
        const auto count = machine_->session->cpu_count();
        for (unsigned cpu = 0; count && cpu < *count; ++cpu)
            if (auto file = machine_->session->registers(cpu)) registers.push_back(*file);
    }
    auto snapshot = machine_->reader.take(stands ? Freshness::stopped : Freshness::live, registers);
    latest_ = snapshot;
    bool announce = false;
    {
        const std::lock_guard guard(mailbox_lock_);
        mailbox_ = std::move(snapshot);
        announce = !std::exchange(announced_, true);
    }
    if (announce) Q_EMIT picture_ready();
}

void MachineWorker::came_to_stop(const Stop& stop)
{
    if (stop.reason == Stop::Reason::ended) {
        ended();
        return;
    }
    picture(true);
    if (stop.rip == 0 && latest_->threads.empty()) { // nothing has been carried out yet, and nobody was asked where it is
        StopReport report;
        report.sentence = lesson_machine_ ? tr("the machine stands before its first instruction. The Lesson view lets it go on.")
                                          : tr("the machine stands before its first instruction. F5 lets it go on.");
        change_state(RunState::stopped);
        Q_EMIT stopped(report);
        return;
    }
    const auto hit = machine_->phases.at_stop(stop.cpu, stop.rip, stop.cr3);
    StopReport report;
    if (hit && *hit) {
        report = report_of(**hit);
    } else {
        switch (stop.reason) {
        case Stop::Reason::breakpoint: report = report_of(stop, tr("breakpoint")); break;
        case Stop::Reason::watchpoint: report = report_of(stop, tr("the watched memory was touched")); break;
        case Stop::Reason::step: report = report_of(stop, tr("one instruction was carried out")); break;
        default: report = report_of(stop, tr("paused")); break;
        }
    }
    change_state(RunState::stopped);
    Q_EMIT stopped(report);
}

Error MachineWorker::explain_failure(const Error& error)
{
    if (error.code == ErrorCode::ended || error.code == ErrorCode::connection_lost) ended();
    return error;
}

} // namespace orrery::inspector
