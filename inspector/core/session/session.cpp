// The state of a session and what is read and written through it.
#include "inspector/core/session/session.h"

#include <algorithm>
#include <poll.h>

#include "inspector/core/ram/virtual_memory.h"
#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/session/keeper.h"
#include "inspector/core/text.h"
#include "inspector/core/wait.h"

namespace orrery::inspector {

using namespace std::chrono_literals;

namespace {
// A stop that QEMU's monitor has told of reaches the stub's client in microseconds.
constexpr auto stop_reply_grace = 5s;
} // namespace

std::vector<int> Session::event_descriptors() const
{
    std::vector<int> descriptors;
    if (closed_) return descriptors;
    if (qmp_ && !qmp_->lost()) descriptors.push_back(qmp_->descriptor());
    if (rsp_ && rsp_->state() != rsp::RunState::lost) descriptors.push_back(rsp_->connection().descriptor());
    if (keeper_) descriptors.push_back(keeper_->descriptor());
    return descriptors;
}

void Session::note_end()
{
    if (state_ == GuestState::ended) return;
    state_ = GuestState::ended;
    ++generation_;
    last_stop_ = Stop {};
    last_stop_->reason = Stop::Reason::ended;
    reported_.clear();
}

void Session::note_running()
{
    state_ = GuestState::running;
    ++generation_;
    last_stop_.reset();
}

GuestState Session::state()
{
    // Whatever fails here has ended the guest or our way to it, and the next request says which.
    if (state_ != GuestState::ended && !take_events()) note_end();
    return state_;
}

Result<void> Session::take_events()
{
    if (state_ == GuestState::ended) return {};
    std::optional<bool> said_running; // by the last event
    if (qmp_) {
        if (auto pumped = qmp_->pump(); !pumped) {
            note_end();
            return {};
        }
        while (const auto event = qmp_->take_event()) {
            if (event->name == "STOP" || event->name == "RESUME") said_running = event->name == "RESUME";
            if (event->name == "STOP" && !rsp_ && state_ == GuestState::running) note_stop_without_stub();
            if (event->name == "RESUME" && !rsp_ && state_ == GuestState::stopped) note_running();
        }
    }
    if (rsp_ && rsp_->state() == rsp::RunState::running) {
        const auto reply = rsp_->wait_for_stop(Clock::now());
        if (reply)
            TRY(note_stop(*reply, false));
        else if (reply.error().code != ErrorCode::timed_out)
            return std::unexpected(reply.error());
    }
    if (rsp_ && said_running && *said_running != (rsp_->state() == rsp::RunState::running)) TRY(agree_with_monitor());
    // A stub tells of its end also while the guest stands; without a monitor nothing else does.
    if (rsp_ && rsp_->state() == rsp::RunState::stopped) TRY(rsp_->take_unasked());
    if (rsp_ && rsp_->state() == rsp::RunState::ended) note_end();
    return {};
}

Result<void> Session::agree_with_monitor()
{
    // Events lag behind what the stub told us (a stop and our next resume may both be newer), so the last event proves
    // nothing; an answer does, since it comes after all events before it.
    const auto status = qmp_->status();
    if (!status) {
        if (status.error().code != ErrorCode::connection_lost) return std::unexpected(status.error());
        note_end();
        return {};
    }
    const bool stub_runs = rsp_->state() == rsp::RunState::running;
    if (status->running == stub_runs) return {};
    if (status->running) {
        rsp_->note_resumed_elsewhere(); // somebody's QMP cont: the stub tells nothing of it
        note_running();
        return {};
    }
    const auto reply = rsp_->wait_for_stop(deadline_in(stop_reply_grace));
    if (!reply) return std::unexpected(reply.error());
    TRY(note_stop(*reply, false));
    return {};
}

Stop Session::note_stop_without_stub()
{
    state_ = GuestState::stopped;
    ++generation_;
    last_stop_ = Stop {};
    return *last_stop_;
}

Result<Stop> Session::note_stop(const rsp::StopReply& reply, bool stepped)
{
    if (reply.kind != rsp::StopReply::Kind::stopped) {
        note_end();
        return *last_stop_;
    }
    state_ = GuestState::stopped;
    ++generation_;
    Stop stop;
    last_stop_ = stop; // should the questions below fail, the state is right all the same
    if (threads_.empty()) threads_ = TRY(rsp_->threads());
    const auto thread = reply.thread.value_or(threads_.front());
    const auto found = std::ranges::find(threads_, thread);
    if (found == threads_.end())
        return failure(ErrorCode::protocol, "the debug stub says that a vCPU stopped that it did not list");
    stop.cpu = static_cast<unsigned>(found - threads_.begin());
    static constexpr std::string_view names[] = { "rip", "cr3" };
    const bool has_cr3 = rsp_->register_layout().find("cr3") != nullptr; // a program under gdbserver has none
    const auto values = TRY(rsp_->read_several(thread, std::span(names).first(has_cr3 ? 2 : 1)));
    stop.rip = values[0];
    if (has_cr3) stop.cr3 = values[1];
    constexpr int trap = 5;
    if (reply.watch) {
        stop.reason = Stop::Reason::watchpoint;
        stop.watch = reply.watch;
        stop.watch_address = reply.watch_address;
    } else if (stepped) {
        stop.reason = Stop::Reason::step;
    } else if (reply.signal == trap) {
        stop.reason = Stop::Reason::breakpoint;
    }
    // A plain pause may catch a vCPU at a breakpoint that it has not met yet: that hit is still to be told.
    if (stop.reason == Stop::Reason::breakpoint || stop.reason == Stop::Reason::step) reported_[thread] = stop.rip;
    last_stop_ = stop;
    return stop;
}

Result<void> Session::require_stopped(std::string_view what)
{
    switch (state()) {
    case GuestState::stopped: return {};
    case GuestState::running:
        return failure(ErrorCode::busy, std::string(what) + " needs a stopped guest, and it runs; pause it first");
    case GuestState::ended: break;
    }
    return failure(ErrorCode::ended, std::string(what) + " is not possible: the guest has ended");
}

Result<rsp::ThreadId> Session::thread_of(unsigned cpu)
{
    auto* client = TRY(control());
    if (threads_.empty()) threads_ = TRY(client->threads());
    if (cpu >= threads_.size())
        return failure(ErrorCode::invalid_argument,
            "there is no CPU " + std::to_string(cpu) + "; the guest has " + std::to_string(threads_.size()));
    return threads_[cpu];
}

Result<unsigned> Session::cpu_count()
{
    if (threads_.empty() && qmp_) {
        const auto cpus = TRY(qmp_->execute("query-cpus-fast"));
        if (cpus.is_array()) return static_cast<unsigned>(cpus.size());
    }
    if (threads_.empty()) TRY(thread_of(0));
    return static_cast<unsigned>(threads_.size());
}

Result<RegisterFile> Session::registers(unsigned cpu)
{
    TRY(require_stopped("reading registers"));
    return rsp::to_register_file(TRY(all_registers(cpu)));
}

Result<rsp::RegisterSet> Session::all_registers(unsigned cpu)
{
    TRY(require_stopped("reading registers"));
    const auto thread = TRY(thread_of(cpu));
    return rsp_->read_registers(thread);
}

Result<void> Session::write_register(unsigned cpu, std::string_view name, std::uint64_t value)
{
    TRY(require_stopped("writing a register"));
    const auto thread = TRY(thread_of(cpu));
    ++generation_;
    return rsp_->write_register(thread, name, value);
}

Result<std::uint64_t> Session::page_table_root(unsigned cpu)
{
    if (state() == GuestState::stopped && (rsp_ || !qmp_)) {
        const auto thread = TRY(thread_of(cpu));
        return rsp_->read_register(thread, "cr3");
    }
    if (state() == GuestState::ended || !qmp_) TRY(require_stopped("reading cr3"));
    const auto answer =
        TRY(qmp_->execute("human-monitor-command", { { "command-line", "info registers" }, { "cpu-index", cpu } }));
    const auto text = answer.is_string() ? answer.get<std::string>() : std::string();
    const auto at = text.find("CR3=");
    const auto digits = at == std::string::npos ? std::string() : text.substr(at + 4, 16);
    const auto value = rsp::parse_hex(digits.substr(0, digits.find(' ')));
    if (!value) return failure(ErrorCode::protocol, "QEMU's monitor told no CR3 of CPU " + std::to_string(cpu));
    return *value;
}

Result<void> Session::read_virtual(std::uint64_t cr3, std::uint64_t address, std::span<std::byte> into) const
{
    return ram::AddressSpace(*memory_, cr3).read_bytes(address, into);
}

Result<void> Session::write_virtual(std::uint64_t cr3, std::uint64_t address, std::span<const std::byte> from)
{
    TRY(require_stopped("writing memory"));
    auto* client = TRY(control());
    // All is translated first: either everything is written or nothing.
    const ram::AddressTranslator translator(*memory_, cr3);
    std::vector<std::pair<std::uint64_t, std::span<const std::byte>>> parts;
    for (std::size_t done = 0; done < from.size();) {
        const auto here = address + done;
        const auto count = std::min<std::size_t>(from.size() - done, ram::page_size - here % ram::page_size);
        parts.emplace_back(TRY(translator.translate(here)), from.subspan(done, count));
        done += count;
    }
    ++generation_;
    for (const auto& [physical, bytes] : parts)
        TRY(client->write_physical(physical, bytes));
    return {};
}

Result<void> Session::type(std::string_view text)
{
    if (!keeper_) return failure(ErrorCode::unsupported, "only a guest that this session started can be typed to");
    if (state() == GuestState::ended)
        return failure(ErrorCode::ended, "the guest has ended, nobody reads its serial line");
    if (state_ == GuestState::stopped)
        return failure(ErrorCode::busy, "a stopped guest reads nothing; let it run before you type");
    return type_into(console_socket_, text, deadline_in(5s));
}

} // namespace orrery::inspector
