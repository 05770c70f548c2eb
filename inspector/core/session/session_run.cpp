// Running and stopping: pause, continue, step, and run until something that matters.
#include <algorithm>

#include "inspector/core/session/keeper.h"
#include "inspector/core/session/session.h"
#include "inspector/core/text.h"
#include "inspector/core/wait.h"
#include <poll.h>

namespace orrery::inspector {

using namespace std::chrono_literals;

namespace {
constexpr auto stop_reply_grace = 5s;
constexpr auto step_off_limit = 500ms; // a step takes under a millisecond
constexpr unsigned step_off_attempts = 10;
constexpr auto user_step_limit = 1000ms;
} // namespace

Result<void> Session::run()
{
    switch (state()) {
    case GuestState::running: return {};
    case GuestState::ended: return failure(ErrorCode::ended, "the guest has ended; start it anew");
    case GuestState::stopped: break;
    }
    if (rsp_) {
        TRY(set_in_stub(points_));
        if (TRY(step_off_reported())) return {}; // it met something on the way, and stands there
        TRY(rsp_->resume_all());
    } else {
        TRY(qmp_->resume());
    }
    note_running();
    return {};
}

Result<Stop> Session::pause()
{
    if (state() == GuestState::ended) return failure(ErrorCode::ended, "the guest has ended");
    return stop_now();
}

Result<Stop> Session::stop_now()
{
    if (state_ == GuestState::stopped) return last_stop_.value_or(Stop {});
    // QMP's stop can't be lost, while a stub's interrupt can; the stub tells of it in either case.
    if (qmp_) {
        const auto stopped = qmp_->stop();
        if (!stopped && stopped.error().code == ErrorCode::connection_lost) {
            note_end();
            return *last_stop_;
        }
        if (!stopped) return std::unexpected(stopped.error());
    }
    if (!rsp_) return note_stop_without_stub();
    if (!qmp_) TRY(rsp_->interrupt());
    return note_stop(TRY(rsp_->wait_for_stop(deadline_in(stop_reply_grace))), false);
}

Result<Stop> Session::wait_for_stop(Deadline deadline, const Cancellation* cancellation)
{
    while (true) {
        if (state() != GuestState::running) return last_stop_.value_or(Stop {});
        const auto ready = TRY(wait_for(event_descriptors(), POLLIN, deadline, cancellation, &pause_request_));
        if (ready == WaitResult::deadline) return failure(ErrorCode::timed_out, "the guest still runs");
        if (ready == WaitResult::ready) continue;
        if (!pause_request_.cancelled()) return failure(ErrorCode::cancelled, "the wait was ended by request");
        pause_request_.reset();
        auto stop = TRY(stop_now());
        if (stop.reason == Stop::Reason::paused) last_stop_->reason = stop.reason = Stop::Reason::cancelled;
        return stop;
    }
}

Result<Stop> Session::step_thread(rsp::ThreadId thread, std::uint64_t before, std::chrono::milliseconds limit)
{
    reported_.erase(thread);
    const auto reply = TRY(rsp_->step(thread, limit));
    constexpr int trap = 5;
    auto stop = TRY(note_stop(reply, reply.signal == trap));
    // A halted vCPU never ends its step; after the limit it was interrupted, behind the hlt.
    if (stop.reason == Stop::Reason::paused && stop.rip != before) {
        stop.reason = Stop::Reason::step;
        last_stop_ = stop;
        reported_[thread] = stop.rip;
    }
    return stop;
}

Result<Stop> Session::step(unsigned cpu)
{
    TRY(require_stopped("stepping"));
    const auto thread = TRY(thread_of(cpu));
    return step_thread(thread, TRY(rsp_->read_register(thread, "rip")), user_step_limit);
}

Result<std::optional<Stop>> Session::step_off_reported()
{
    // QEMU would stop at once where a vCPU stands on a breakpoint, without a single instruction done.
    const auto reported = std::exchange(reported_, {});
    for (const auto& [thread, address] : reported) {
        const bool on_point = std::ranges::any_of(rsp_->inserted(), [&](const rsp::Point& point) {
            return point.kind <= rsp::PointKind::hardware_breakpoint && point.address == address;
        });
        if (!on_point || TRY(rsp_->read_register(thread, "rip")) != address) continue;
        for (unsigned attempt = 1;; ++attempt) {
            const auto stop = TRY(step_thread(thread, address, step_off_limit));
            reported_.erase(thread);
            if (stop.reason == Stop::Reason::step) break;
            if (stop.reason != Stop::Reason::paused) return stop; // a watchpoint, or the end
            if (attempt == step_off_attempts)
                return failure(ErrorCode::timed_out,
                    "CPU " + std::to_string(stop.cpu) + " does not get past the breakpoint at " + hex(address)
                        + "; remove it");
        }
    }
    return std::nullopt;
}

Result<bool> Session::satisfies(const RunUntil& goal, const Stop& stop)
{
    const bool address_fits = stop.reason == Stop::Reason::breakpoint && goal.addresses.contains(stop.rip);
    const bool watch_fits = stop.reason == Stop::Reason::watchpoint
        && std::ranges::any_of(
            goal.watches, [&](const rsp::Point& point) { return stop.watch_address - point.address < point.length; });
    if (!address_fits && !watch_fits) return false;
    // Breakpoints are virtual: they hit in every address space. Low bits of cr3 are flags.
    if (goal.cr3 && ((*goal.cr3 ^ stop.cr3) & 0x000f'ffff'ffff'f000) != 0) return false;
    return goal.predicate ? goal.predicate(stop) : Result<bool>(true);
}

Result<Stop> Session::run_until(const RunUntil& goal)
{
    TRY(control());
    if (state() == GuestState::running) {
        const auto stop = TRY(stop_now());
        if (stop.reason != Stop::Reason::paused) return stop; // an armed point was quicker
    }
    TRY(require_stopped("running to a place"));
    auto wanted = points_;
    for (const auto address : goal.addresses)
        wanted.insert({ rsp_->breakpoint_kind(), address, 1 });
    wanted.insert(goal.watches.begin(), goal.watches.end());

    // They stay in the stub until the guest runs for another reason, since the next goal is often the same.
    TRY(set_in_stub(wanted));
    return run_to_goal(goal);
}

Result<Stop> Session::run_to_goal(const RunUntil& goal)
{
    while (true) {
        std::optional<Stop> stop = TRY(step_off_reported());
        if (!stop) {
            TRY(rsp_->resume_all());
            note_running();
            // Each round takes QMP's events too, or they would pile up in QEMU.
            auto ready = WaitResult::ready;
            while (state() == GuestState::running && ready == WaitResult::ready) {
                if (goal.cancellation && goal.cancellation->cancelled())
                    ready = WaitResult::cancelled;
                else
                    ready =
                        TRY(wait_for(event_descriptors(), POLLIN, goal.deadline, goal.cancellation, &pause_request_));
            }
            if (state_ == GuestState::running) {
                stop = TRY(stop_now());
                if (stop->reason == Stop::Reason::paused) {
                    pause_request_.reset();
                    stop->reason = ready == WaitResult::deadline ? Stop::Reason::deadline : Stop::Reason::cancelled;
                    last_stop_ = stop;
                    return *stop;
                }
            }
            stop = last_stop_.value_or(Stop {});
        }
        if (stop->reason == Stop::Reason::ended || stop->reason == Stop::Reason::paused) return *stop;
        if (TRY(satisfies(goal, *stop)) || is_armed(*stop)) return *stop;
        // A place that is hit all the time never lets the wait above see the clock or the button.
        const bool cancelled = pause_request_.cancelled() || (goal.cancellation && goal.cancellation->cancelled());
        if (cancelled || Clock::now() >= goal.deadline) {
            pause_request_.reset();
            stop->reason = cancelled ? Stop::Reason::cancelled : Stop::Reason::deadline;
            last_stop_ = stop;
            return *stop;
        }
    }
}

} // namespace orrery::inspector
