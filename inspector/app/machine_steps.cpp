// Steps by phase, line and instruction, and the sentence for every stop.
#include <QTimer>

#include "inspector/app/machine_parts.h"
#include "inspector/core/osmodel/explain.h"
#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

using namespace std::chrono_literals;

namespace {

// A step is cut into pieces of this length, so that pictures and the console go on meanwhile.
constexpr auto slice = 400ms;
constexpr auto line_limit = 5s;
constexpr unsigned into_limit = 4000; // instructions

QString code_place(const DebugInfo& file, std::uint64_t address)
{
    auto place = text(file.describe(address));
    if (const auto location = file.location(address))
        place += QStringLiteral(" (%1:%2)").arg(text(std::filesystem::path(location->file).filename().string())).arg(location->line);
    return place;
}

} // namespace

StopReport MachineWorker::report_of(const PhaseHit& hit) const
{
    const auto& description = describe(hit.phase);
    StopReport report;
    report.cpu = static_cast<int>(hit.cpu);
    report.thread = hit.thread;
    report.phase = static_cast<int>(hit.phase);
    report.rip = hit.address;
    QString sentence = QLatin1String(description.sentence);
    QStringList facts;
    for (unsigned i = 0; i < hit.arguments.size(); ++i) {
        const std::string_view meaning = description.arguments[i];
        if (meaning == "unused") continue;
        const auto value = hit.arguments[i];
        const bool is_space = meaning == "target" && (value & abi::target_is_space) != 0;
        const bool is_thread = (meaning == "target" && !is_space) || meaning == "thread" || meaning == "sender" || meaning == "from"
            || meaning == "to" || meaning == "waker";
        facts += QLatin1String(description.arguments[i]) + QLatin1Char(' ')
            + (is_thread && latest_ ? thread_text(*latest_, static_cast<std::uint32_t>(value)) : text(argument_text(hit.phase, i, value, latest_.get())));
        if (meaning == "signal" && abi::is_signal(value)) report.signal = static_cast<int>(value);
        if (meaning == "deliverable set" && value != 0) report.signal = __builtin_ctzll(value) + 1;
        // The thread that it is about is more to look at than the one that does it.
        if (is_thread && (meaning == "target" || meaning == "thread") && latest_ && latest_->thread(static_cast<std::uint32_t>(value)))
            report.thread = static_cast<std::uint32_t>(value);
    }
    report.sentence = tr("%1 on CPU %2: %3 (%4).")
                          .arg(QLatin1String(description.step_name)).arg(hit.cpu)
                          .arg(sentence, hit.problem.empty() ? facts.join(QStringLiteral(", ")) : text(hit.problem));
    return report;
}

QString MachineWorker::place_of(const Stop& stop) const
{
    const auto file = machine_->lines.file_at(stop.rip, stop.cr3);
    return file ? code_place(*file, stop.rip) : hex_text(stop.rip);
}

StopReport MachineWorker::report_of(const Stop& stop, const QString& what) const
{
    StopReport report;
    report.cpu = static_cast<int>(stop.cpu);
    report.rip = stop.rip;
    QString who;
    if (latest_)
        for (const auto& cpu : latest_->cpus)
            if (cpu.number == stop.cpu) {
                report.thread = cpu.thread;
                who = cpu.thread == 0 ? tr("no thread") : thread_text(*latest_, cpu.thread);
            }
    report.sentence = tr("%1, at %2 on CPU %3, which runs %4.").arg(what, place_of(stop)).arg(stop.cpu).arg(who);
    return report;
}

bool MachineWorker::belongs_here(const Stop& stop) const
{
    if (stop.reason != Stop::Reason::breakpoint) return true;
    const auto [first, last] = breakpoint_owners_.equal_range(stop.rip);
    if (first == last) return true;
    const auto file = machine_->lines.file_at(stop.rip, stop.cr3);
    for (auto owner = first; owner != last; ++owner)
        if (owner->second.empty() || !file || machine_->reader.program(owner->second) == file) return true;
    return false;
}

Result<unsigned> MachineWorker::cpu_of(std::uint32_t thread) const
{
    if (latest_)
        for (const auto& cpu : latest_->cpus)
            if (cpu.thread == thread && thread != 0) return cpu.number;
    const auto* found = latest_ ? latest_->thread(thread) : nullptr;
    return failure("thread " + std::to_string(thread) + " is on no processor"
                   + (found && !found->why.empty() ? " (it " + found->why + ")" : std::string())
                   + "; select a running thread, or go to the next phase (Ctrl+F11)");
}

void MachineWorker::step(const StepRequest& request)
{
    if (!machine_) return;
    busy_ = true;
    request.kind == StepRequest::Kind::phase ? step_phase(request) : step_line(request);
    busy_ = false;
    cancellation_.reset();
}

void MachineWorker::step_phase(const StepRequest& request)
{
    PhaseFilter filter;
    if (!request.phases.empty()) {
        filter.phases.reset();
        for (const int phase : request.phases) filter.phases.set(static_cast<std::size_t>(phase));
    }
    if (request.thread != 0) filter.thread = request.thread;
    if (request.signal != 0) filter.signal = request.signal;
    change_state(RunState::running, tr("to the next phase: %1. F6 stops it where it is.")
            .arg(request.signal != 0 ? tr("of %1").arg(signal_label(request.signal))
                    : request.phases.empty() ? tr("any")
                                             : tr("of a signal")));
    while (true) {
        auto hit = machine_->phases.next(filter, deadline_in(slice), &cancellation_);
        drain_console();
        if (hit) {
            picture(true);
            lesson_stopped(*hit);
            const auto report = report_of(*hit);
            change_state(RunState::stopped);
            Q_EMIT stopped(report);
            return;
        }
        if (hit.error().code == ErrorCode::timed_out) { // not yet: show how it looks meanwhile, and go on
            picture(true);
            continue;
        }
        if (hit.error().code == ErrorCode::ended || machine_->session->state() == GuestState::ended) {
            ended();
            return;
        }
        // A step that was refused before it began has not stopped a machine that runs.
        if (machine_->session->state() == GuestState::running) change_state(RunState::running);
        else came_to_stop(machine_->session->last_stop().value_or(Stop {}));
        if (hit.error().code != ErrorCode::cancelled) Q_EMIT notice(text(hit.error().sentence));
        return;
    }
}

void MachineWorker::step_line(const StepRequest& request)
{
    const auto cpu = cpu_of(request.thread);
    if (!cpu) {
        Q_EMIT notice(text(cpu.error().sentence));
        return;
    }
    change_state(RunState::running, tr("one step."));
    const auto step = request.kind == StepRequest::Kind::instruction ? machine_->lines.step_instruction(*cpu)
        : request.kind == StepRequest::Kind::line_into               ? step_into(*cpu)
                                                       : machine_->lines.step_line(*cpu, deadline_in(line_limit), &cancellation_);
    if (!step && (step.error().code == ErrorCode::ended || machine_->session->state() == GuestState::ended)) {
        ended();
        return;
    }
    const auto stop = step ? step->stop : machine_->session->last_stop().value_or(Stop {});
    if (stop.reason == Stop::Reason::ended) {
        ended();
        return;
    }
    picture(true);
    auto report = report_of(stop, request.kind == StepRequest::Kind::instruction ? tr("one instruction was carried out") : tr("one line was carried out"));
    change_state(RunState::stopped);
    Q_EMIT stopped(report);
    if (!step) Q_EMIT notice(text(step.error().sentence));
}

Result<SourceStep> MachineWorker::step_into(unsigned cpu)
{
    std::optional<LineRange> from;
    for (unsigned count = 0; count < into_limit; ++count) {
        auto step = TRY(machine_->lines.step_instruction(cpu));
        if (step.stop.reason != Stop::Reason::step || cancellation_.cancelled()) return step;
        if (count == 0) { // the line it stood on is known by where the first instruction was
            for (const auto& was : latest_->cpus)
                if (was.number == cpu && was.registers)
                    if (const auto file = machine_->lines.file_at(was.registers->rip(), was.registers->cr3))
                        from = file->line_at(was.registers->rip());
            if (!from) return step;
        }
        if (step.line && step.line->location.line > 0 && !(step.line->location == from->location)) return step;
    }
    return failure("no other source line was reached in " + std::to_string(into_limit) + " instructions");
}

} // namespace orrery::inspector
