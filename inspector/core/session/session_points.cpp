// Control over the guest: the stub's client, and the set of armed breakpoints and watchpoints.
#include <algorithm>

#include "inspector/core/session/session.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

using namespace std::chrono_literals;

Result<rsp::Client*> Session::control()
{
    if (state() == GuestState::ended) return failure(ErrorCode::ended, "the guest has ended");
    if (rsp_) return rsp_.get();
    if (!control_is_ours_)
        return failure(ErrorCode::unsupported,
            "the debug stub at " + debug_address_ + " was given to another debugger when the guest was started");
    const bool was_running = state_ == GuestState::running;
    rsp_ = TRY(rsp::Client::attach(debug_address_));
    auto undo = [&](Error error) {
        rsp_.reset();
        return std::unexpected(std::move(error));
    };
    auto threads = rsp_->threads();
    if (!threads) return undo(threads.error());
    threads_ = std::move(*threads);
    // The attach has stopped the guest. A picture that was taken of the running one is stale for that moment only.
    if (was_running) {
        if (auto resumed = rsp_->resume_all(); !resumed) return undo(resumed.error());
    } else {
        TRY(note_stop(*rsp_->last_stop(), false));
        reported_.clear(); // it stood here before anyone asked why
        last_stop_->reason = Stop::Reason::paused;
    }
    return rsp_.get();
}

Result<void> Session::release_control()
{
    if (!rsp_) return {};
    if (!keeper_)
        return failure(ErrorCode::unsupported, "an attached session has nothing but its stub; close it instead");
    const bool was_stopped = state() == GuestState::stopped;
    if (state_ == GuestState::ended) return {};
    points_.clear();
    reported_.clear();
    const auto left = rsp_->detach(); // resumes
    rsp_.reset();
    if (!left) return left;
    note_running();
    if (was_stopped) {
        TRY(qmp_->stop());
        note_stop_without_stub();
    }
    return {};
}

Result<void> Session::set_in_stub(const std::set<rsp::Point>& wanted)
{
    const auto present = rsp_->inserted();
    for (const auto& point : present)
        if (!wanted.contains(point)) TRY(rsp_->remove(point));
    for (const auto& point : wanted)
        if (!present.contains(point)) TRY(rsp_->insert(point));
    return {};
}

Result<void> Session::set_points(std::set<rsp::Point> points)
{
    for (const auto& point : points)
        if (point.length == 0 || (point.kind >= rsp::PointKind::write_watch && point.length > (1u << 20)))
            return failure(ErrorCode::invalid_argument,
                "a watchpoint covers 1 byte to 1 MiB, and not " + std::to_string(point.length) + " bytes (at "
                    + hex(point.address) + ")");
    if (points.empty() && !rsp_) {
        points_.clear();
        return {};
    }
    TRY(control());
    const bool was_running = state() == GuestState::running;
    std::optional<Stop> stop;
    if (was_running) stop = TRY(stop_now());
    if (state_ == GuestState::ended) return failure(ErrorCode::ended, "the guest has ended");
    const auto done = set_in_stub(points);
    // What the stub took is the set, also if it refused a part.
    points_ = done ? std::move(points) : rsp_->inserted();
    // A breakpoint that was quicker than our pause is a stop like any other: then it stays stopped.
    if (was_running && stop->reason == Stop::Reason::paused) TRY(run());
    return done;
}

bool Session::is_armed(const Stop& stop) const
{
    return std::ranges::any_of(points_, [&](const rsp::Point& point) {
        if (point.kind <= rsp::PointKind::hardware_breakpoint)
            return stop.reason == Stop::Reason::breakpoint && point.address == stop.rip;
        return stop.reason == Stop::Reason::watchpoint && stop.watch_address - point.address < point.length;
    });
}

Result<void> Session::set_step_into_interrupts(bool on)
{
    auto* client = TRY(control());
    const bool was_running = state() == GuestState::running;
    std::optional<Stop> stop;
    if (was_running) stop = TRY(stop_now());
    const auto done = client->set_step_flags(on ? 1 : client->capabilities().step_bits);
    if (was_running && stop->reason == Stop::Reason::paused) TRY(run());
    return done;
}

} // namespace orrery::inspector
