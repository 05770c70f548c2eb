// Running, stopping and leaving: the state machine that keeps bytes away from a running guest.
#include <sys/socket.h>

#include "inspector/core/rsp/client.h"
#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/rsp/reply.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

Result<void> Client::note_stop(const StopReply& stop)
{
    state_ = stop.kind == StopReply::Kind::stopped ? RunState::stopped : RunState::ended;
    last_stop_ = stop;
    ++stop_count_;
    // QEMU turns to the vCPU that stopped, whatever was chosen before.
    selected_.reset();
    return {};
}

Result<void> Client::resume(const std::string& packet)
{
    TRY(require_stopped("continuing"));
    connection_.queue(packet);
    TRY(connection_.flush(reply_deadline()));
    state_ = RunState::running;
    selected_.reset();
    ++stop_count_;
    return {};
}

Result<void> Client::resume_all() { return resume("vCont;c"); }
Result<void> Client::resume_only(ThreadId thread) { return resume("vCont;c:" + thread_text(thread)); }
Result<void> Client::begin_step(ThreadId thread) { return resume("vCont;s:" + thread_text(thread)); }
Result<void> Client::begin_step_others_run(ThreadId thread) { return resume("vCont;s:" + thread_text(thread) + ";c"); }

Result<void> Client::begin_reverse_step()
{
    if (!capabilities_.reverse_step)
        return failure(ErrorCode::unsupported,
            "this guest can't step backwards (QEMU would abort): only a replay of a recorded run can");
    return resume("bs");
}

Result<void> Client::begin_reverse_continue()
{
    if (!capabilities_.reverse_continue)
        return failure(ErrorCode::unsupported,
            "this guest can't run backwards (QEMU would abort): only a replay of a recorded run can");
    return resume("bc");
}

Result<StopReply> Client::wait_for_stop(Deadline deadline, const Cancellation* cancellation)
{
    if (state() != RunState::running) {
        if (auto stopped = require_stopped("waiting for a stop"); !stopped) return std::unexpected(stopped.error());
        return failure(ErrorCode::invalid_argument, "waiting for a stop makes no sense: the guest stands already");
    }
    while (true) {
        const auto payload = TRY(connection_.receive(deadline, cancellation));
        if (looks_like_stop_reply(payload)) {
            // At once, or it would swallow the next interrupt; and before any resume, or it would stop the guest.
            TRY(connection_.acknowledge_now(reply_deadline()));
            auto stop = parse_stop_reply(payload);
            if (!stop) return connection_.lose(stop.error().sentence);
            TRY(note_stop(*stop));
            return stop;
        }
        if (is_error_reply(payload)) {
            // A resume that was refused: QEMU's replay says so at the beginning of its log.
            TRY(connection_.acknowledge_now(reply_deadline()));
            StopReply stop;
            stop.reason = "refused:" + printable(payload, 20);
            TRY(note_stop(stop));
            return stop;
        }
        // 'O' is console text of other stubs. Acknowledging would stop a QEMU that runs.
        if (payload.starts_with('O') && payload != "OK") continue;
        return connection_.lose("the debug stub at " + connection_.address() + " sent \"" + printable(payload, 40)
            + "\" while the guest runs, which answers nothing; reconnect, or restart the guest");
    }
}

Result<void> Client::take_unasked()
{
    while (state() == RunState::stopped) {
        const auto payload = connection_.receive(Clock::now());
        if (!payload && payload.error().code == ErrorCode::timed_out) return {};
        if (!payload) return std::unexpected(payload.error());
        if (!looks_like_stop_reply(*payload))
            return connection_.lose("the debug stub at " + connection_.address() + " sent \"" + printable(*payload, 40)
                + "\", which nobody asked for; reconnect, or restart the guest");
        const auto stop = TRY(parse_stop_reply(*payload));
        TRY(note_stop(stop));
        if (state_ == RunState::stopped) TRY(connection_.acknowledge_now(reply_deadline()));
    }
    return {};
}

Result<void> Client::interrupt()
{
    if (state() != RunState::running) return require_stopped("interrupting");
    return connection_.send_interrupt(reply_deadline());
}

Result<StopReply> Client::step(ThreadId thread, std::chrono::milliseconds limit)
{
    // QEMU steps off a breakpoint as it is; other stubs meet it again unless it is taken out meanwhile.
    std::optional<Point> taken_out;
    if (!capabilities_.qemu && !points_.empty()) {
        const auto here = TRY(read_register(thread, "rip"));
        for (const auto& point : points_)
            if (point.kind <= PointKind::hardware_breakpoint && point.address == here) taken_out = point;
        if (taken_out) TRY(remove(*taken_out));
    }
    TRY(begin_step(thread));
    auto stop = wait_for_stop(deadline_in(limit));
    if (stop && taken_out && state_ == RunState::stopped) TRY(insert(*taken_out));
    if (stop || stop.error().code != ErrorCode::timed_out) return stop;
    TRY(interrupt());
    stop = wait_for_stop(reply_deadline());
    if (!stop && stop.error().code == ErrorCode::timed_out)
        return connection_.lose(
            "the guest at " + connection_.address() + " neither ends a step nor can be interrupted; restart it");
    return stop;
}

void Client::note_resumed_elsewhere()
{
    if (state_ != RunState::stopped) return;
    state_ = RunState::running;
    selected_.reset();
    ++stop_count_;
}

Result<void> Client::detach()
{
    if (state() == RunState::running) {
        TRY(interrupt());
        auto stop = wait_for_stop(reply_deadline());
        if (!stop) return std::unexpected(stop.error());
    }
    if (state() != RunState::stopped) return {};
    const auto process = last_stop_ && last_stop_->thread ? last_stop_->thread->process : 1;
    connection_.queue(capabilities_.multiprocess ? "D;" + plain_hex(static_cast<std::uint64_t>(process)) : "D");
    TRY(connection_.flush(reply_deadline()));
    // Never acknowledged: the guest runs by now.
    const auto answer = TRY(connection_.receive(reply_deadline()));
    const auto done = expect_ok("D", answer, "detaching");
    points_.clear();
    connection_.lose("the debugger has detached");
    ::shutdown(connection_.descriptor(), SHUT_RDWR);
    return done;
}

} // namespace orrery::inspector::rsp
