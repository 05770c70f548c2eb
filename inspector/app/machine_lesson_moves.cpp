// What the worker does for a lesson: orders of the student, and moves of the machine from phase to phase.
#include <set>

#include "inspector/app/machine_lesson.h"
#include "inspector/app/machine_parts.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

using namespace std::chrono_literals;

namespace {

constexpr auto slice = 400ms;
constexpr auto silence_limit = 60s; // a program that sleeps for ever must not keep the lesson waiting

lessons::SeenPhase seen_of(const PhaseHit& hit)
{
    lessons::SeenPhase seen;
    seen.event.phase = hit.phase;
    seen.event.cpu = static_cast<int>(hit.cpu);
    seen.event.thread = hit.thread;
    seen.event.cause = hit.cause;
    seen.event.arguments = hit.arguments;
    seen.thread_name = hit.space_name;
    return seen;
}

} // namespace

void MachineWorker::lesson_order(const LessonOrder& order)
{
    if (order.kind == LessonOrder::Kind::open) {
        auto opened = MachineLesson::open(order.text.toStdString());
        if (!opened) {
            LessonPicture nothing;
            nothing.problem = tr("The lesson can't be opened: %1.").arg(text(opened.error().sentence));
            Q_EMIT lesson_changed(nothing);
            return;
        }
        lesson_ = std::move(*opened);
        lesson_machine_ = false;
    }
    if (!lesson_) return;
    const bool moves = order.kind == LessonOrder::Kind::move || order.kind == LessonOrder::Kind::start;
    if (moves) {
        auto picture = lesson_->picture();
        picture.busy = true;
        Q_EMIT lesson_changed(picture);
    }
    switch (order.kind) {
    case LessonOrder::Kind::open: break;
    case LessonOrder::Kind::start: start(); break;
    case LessonOrder::Kind::advance: lesson_->advance(); break;
    case LessonOrder::Kind::answer: lesson_->answer(order.text); break;
    case LessonOrder::Kind::move:
        if (!lesson_machine_) start();
        if (lesson_machine_) lesson_move();
        break;
    case LessonOrder::Kind::look: {
        if (state_ == RunState::running) pause(); // a running machine has no moment to look at
        const auto names = lesson_names();
        lesson_->look(latest_, names.get());
        break;
    }
    case LessonOrder::Kind::hint: lesson_->hint(); break;
    }
    Q_EMIT lesson_changed(lesson_->picture());
}

std::unique_ptr<lessons::ProgramNames> MachineWorker::lesson_names() const
{
    if (!machine_ || !lesson_machine_) return nullptr;
    return std::make_unique<GuestNames>(*machine_->session, lesson_->program(), lesson_->program_name(), latest_);
}

bool MachineWorker::build_lesson()
{
    auto built = lesson_->build(options_.programs.parent_path(), options_.kernel);
    if (built && *built) return true;
    change_state(RunState::failed, built ? tr("your program does not compile; the Lesson view shows why.") : text(built.error().sentence) + QLatin1Char('.'));
    Q_EMIT lesson_changed(lesson_->picture());
    return false;
}

void MachineWorker::lesson_stopped(const PhaseHit& hit)
{
    if (!lesson_ || !lesson_machine_) return;
    lessons::MachineStop stop;
    stop.reason = lessons::MachineStop::Reason::phase;
    stop.phase = seen_of(hit);
    stop.snapshot = latest_;
    const auto names = lesson_names();
    lesson_->machine_stopped(stop, names.get());
    Q_EMIT lesson_changed(lesson_->picture());
}

void MachineWorker::lesson_ended()
{
    if (!lesson_ || !lesson_machine_) return;
    // After its end the guest's memory is still there, as it was left.
    picture(false);
    lessons::MachineStop stop;
    stop.reason = lessons::MachineStop::Reason::ended;
    stop.snapshot = latest_;
    const auto names = lesson_names();
    lesson_->machine_stopped(stop, names.get());
    Q_EMIT lesson_changed(lesson_->picture());
}

void MachineWorker::lesson_move()
{
    busy_ = true;
    auto quiet_since = Clock::now();
    while (const auto movement = lesson_->movement()) {
        PhaseFilter filter;
        filter.phases.reset();
        for (const auto phase : movement->phases) filter.phases.set(static_cast<std::size_t>(phase));
        if (state_ != RunState::running) change_state(RunState::running, tr("the lesson %1. F6 stops it where it is.").arg(text(movement->in_words)));
        if (movement->phases.empty()) { // until the program has ended
            filter.phases.set(static_cast<std::size_t>(abi::Phase::space_ended));
        }
        auto hit = machine_->phases.next(filter, deadline_in(slice), &cancellation_);
        drain_console();
        if (hit) {
            quiet_since = Clock::now();
            picture(true);
            lessons::MachineStop stop;
            stop.reason = lessons::MachineStop::Reason::phase;
            stop.phase = seen_of(*hit);
            stop.snapshot = latest_;
            const auto names = lesson_names();
            const auto outcome = lesson_->machine_stopped(stop, names.get());
            if (outcome.verdict == lessons::Verdict::go_on) continue;
            const auto report = report_of(*hit);
            change_state(RunState::stopped);
            Q_EMIT stopped(report);
            break;
        }
        if (hit.error().code == ErrorCode::timed_out && Clock::now() - quiet_since < silence_limit) {
            picture(true);
            continue;
        }
        if (hit.error().code == ErrorCode::ended || machine_->session->state() == GuestState::ended) {
            ended();
            break;
        }
        came_to_stop(machine_->session->last_stop().value_or(Stop {}));
        if (hit.error().code == ErrorCode::timed_out)
            Q_EMIT notice(tr("For a minute no phase came that the lesson waits for, so the machine was paused. Press Run in the Lesson view to go on."));
        else if (hit.error().code != ErrorCode::cancelled)
            Q_EMIT notice(text(hit.error().sentence));
        break;
    }
    busy_ = false;
    cancellation_.reset();
}

} // namespace orrery::inspector
