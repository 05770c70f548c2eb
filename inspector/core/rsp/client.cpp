// Requests of the client: the exchange itself, registers, breakpoints and settings.
#include "inspector/core/rsp/client.h"

#include <algorithm>

#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/rsp/reply.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
// Stop replies that nobody asked for, ahead of one answer: QEMU sends one for each QMP stop.
constexpr unsigned maximum_stray_stops = 16;
} // namespace

RunState Client::state() const { return connection_.lost() ? RunState::lost : state_; }

std::string Client::thread_text(ThreadId thread) const
{
    const auto number = [](std::int64_t id) { return id < 0 ? "-1" : plain_hex(static_cast<std::uint64_t>(id)); };
    return (capabilities_.multiprocess ? "p" + number(thread.process) + "." : std::string()) + number(thread.thread);
}

Result<void> Client::require_stopped(std::string_view what) const
{
    switch (state()) {
    case RunState::stopped: return {};
    case RunState::running:
        return failure(ErrorCode::busy,
            std::string(what)
                + " needs a stopped guest, and it runs (one byte to its debug stub would stop it); pause it first");
    case RunState::ended: return failure(ErrorCode::ended, std::string(what) + " is not possible: the guest has ended");
    case RunState::lost: break;
    }
    return failure(ErrorCode::connection_lost,
        std::string(what) + " is not possible: the connection to the debug stub at " + connection_.address()
            + " is gone; reconnect, or restart the guest");
}

Result<std::string> Client::reply(Deadline deadline)
{
    for (unsigned strays = 0; strays <= maximum_stray_stops; ++strays) {
        auto answer = connection_.receive(deadline);
        if (!answer) return answer;
        if (!looks_like_stop_reply(*answer)) {
            connection_.acknowledge_later();
            return answer;
        }
        // Unasked: the guest stood already (QMP stop, or our attach). Left unacknowledged it would swallow an
        // interrupt.
        TRY(connection_.acknowledge_now(deadline));
        TRY(note_stop(TRY(parse_stop_reply(*answer))));
        if (state_ == RunState::ended) return failure(ErrorCode::ended, "the guest has ended");
    }
    return connection_.lose("the debug stub at " + connection_.address() + " sends stop replies without end");
}

Result<std::string> Client::request(std::string_view payload)
{
    const auto deadline = reply_deadline();
    connection_.queue(payload);
    TRY(connection_.flush(deadline));
    auto answer = reply(deadline);
    // A late answer would be taken for that of the next request.
    if (!answer && answer.error().code == ErrorCode::timed_out)
        return connection_.lose("the debug stub at " + connection_.address() + " did not answer \""
            + printable(payload, 40) + "\" within " + std::to_string(options_.reply_timeout.count())
            + " ms; it hangs or the machine is overloaded: reconnect, or restart the guest");
    return answer;
}

Result<void> Client::expect_ok(std::string_view, const std::string& reply, std::string_view what)
{
    if (reply == "OK") return {};
    return reply_error(what, reply);
}

Result<void> Client::select(ThreadId thread)
{
    if (selected_ == thread) return {};
    const auto packet = "Hg" + thread_text(thread);
    const auto answer = TRY(request(packet));
    if (answer != "OK") return reply_error("choosing vCPU " + std::to_string(thread.thread - 1), answer);
    selected_ = thread;
    return {};
}

Result<RegisterSet> Client::read_registers(ThreadId thread)
{
    TRY(require_stopped("reading registers"));
    TRY(select(thread));
    const auto answer = TRY(request("g"));
    if (answer.empty() || is_error_reply(answer)) return reply_error("reading registers", answer);
    if (answer.size() % 2 != 0 || answer.size() / 2 > layout_->total_size())
        return failure(ErrorCode::protocol,
            "the debug stub sent " + std::to_string(answer.size()) + " digits of registers, but describes registers of "
                + std::to_string(layout_->total_size()) + " bytes; its description can't be trusted");
    // A shorter reply has the first registers only; "xx" is a byte that the stub does not have.
    std::vector<std::byte> bytes(layout_->total_size());
    std::vector<bool> known(layout_->total_size(), false);
    for (std::size_t i = 0; i < answer.size() / 2; ++i) {
        const std::string_view pair(answer.data() + 2 * i, 2);
        if (pair == "xx") continue;
        if (!hex_to_bytes(pair, std::span(bytes).subspan(i, 1)))
            return failure(ErrorCode::protocol, "the debug stub sent registers that are no hexadecimal digits");
        known[i] = true;
    }
    return RegisterSet(layout_, std::move(bytes), std::move(known));
}

Result<RegisterFile> Client::read_register_file(ThreadId thread)
{
    return to_register_file(TRY(read_registers(thread)));
}

Result<std::uint64_t> Client::read_register(ThreadId thread, std::string_view name)
{
    const auto what = "reading register " + std::string(name);
    TRY(require_stopped(what));
    const auto* description = layout_->find(name);
    if (!description || description->size() > 8)
        return failure(ErrorCode::invalid_argument,
            what + " is not possible: the debug stub describes no register of this name with at most 64 bits");
    if (capabilities_.single_register) {
        TRY(select(thread));
        const auto answer = TRY(request("p" + plain_hex(description->number)));
        std::byte bytes[8] {};
        if (hex_to_bytes(answer, std::span(bytes).first(description->size()))) {
            std::uint64_t value = 0;
            for (std::size_t i = 0; i < 8; ++i)
                value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
            return value;
        }
        if (!answer.empty()) return reply_error(what, answer);
        capabilities_.single_register = false; // gdbserver has no p
    }
    const auto value = TRY(read_registers(thread)).value(name);
    if (!value)
        return failure(ErrorCode::unsupported, what + " is not possible: the debug stub does not have its value");
    return *value;
}

Result<std::vector<std::uint64_t>> Client::read_several(ThreadId thread, std::span<const std::string_view> names)
{
    TRY(require_stopped("reading registers"));
    std::vector<std::uint64_t> values;
    std::vector<const RegisterDescription*> descriptions;
    for (const auto name : names) {
        const auto* description = layout_->find(name);
        if (description && description->size() <= 8) descriptions.push_back(description);
    }
    if (!may_pipeline() || !capabilities_.single_register || descriptions.size() != names.size()) {
        for (const auto name : names)
            values.push_back(TRY(read_register(thread, name)));
        return values;
    }
    const bool choose = selected_ != thread;
    if (choose) connection_.queue("Hg" + thread_text(thread));
    for (const auto* description : descriptions)
        connection_.queue("p" + plain_hex(description->number));
    const auto deadline = reply_deadline();
    TRY(connection_.flush(deadline));
    // All answers are taken in before any is judged, or the next request would get one of them.
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < descriptions.size() + (choose ? 1 : 0); ++i) {
        auto answer = reply(deadline);
        if (!answer && answer.error().code == ErrorCode::timed_out)
            return connection_.lose("the debug stub at " + connection_.address()
                + " stopped answering while registers were read; reconnect, or restart the guest");
        answers.push_back(TRY(std::move(answer)));
    }
    if (choose) {
        if (answers.front() != "OK")
            return reply_error("choosing vCPU " + std::to_string(thread.thread - 1), answers.front());
        selected_ = thread;
        answers.erase(answers.begin());
    }
    for (std::size_t i = 0; i < descriptions.size(); ++i) {
        if (answers[i].empty()) { // no p in this stub: one by one, the other way
            for (const auto name : names.subspan(i))
                values.push_back(TRY(read_register(thread, name)));
            return values;
        }
        std::byte bytes[8] {};
        if (!hex_to_bytes(answers[i], std::span(bytes).first(descriptions[i]->size())))
            return reply_error("reading register " + descriptions[i]->name, answers[i]);
        std::uint64_t value = 0;
        for (std::size_t byte = 0; byte < 8; ++byte)
            value |= std::to_integer<std::uint64_t>(bytes[byte]) << (8 * byte);
        values.push_back(value);
    }
    return values;
}

Result<void> Client::write_register(ThreadId thread, std::string_view name, std::uint64_t value)
{
    const auto what = "writing register " + std::string(name);
    TRY(require_stopped(what));
    const auto* description = layout_->find(name);
    if (!description || description->size() > 8)
        return failure(ErrorCode::invalid_argument,
            what + " is not possible: the debug stub describes no register of this name with at most 64 bits");
    std::byte bytes[8];
    for (std::size_t i = 0; i < 8; ++i)
        bytes[i] = static_cast<std::byte>(value >> (8 * i));
    const auto little_endian = std::span<const std::byte>(bytes).first(description->size());

    // Whoever keeps what was read at this stop must read again.
    ++stop_count_;
    if (capabilities_.single_register) {
        TRY(select(thread));
        const auto packet = "P" + plain_hex(description->number) + "=" + bytes_to_hex(little_endian);
        const auto answer = TRY(request(packet));
        if (!answer.empty()) return expect_ok(packet, answer, what);
        capabilities_.single_register = false;
    }
    const auto registers = TRY(read_registers(thread));
    std::vector<std::byte> all(registers.all_bytes().begin(), registers.all_bytes().end());
    std::ranges::copy(little_endian, all.begin() + static_cast<std::ptrdiff_t>(description->offset));
    const auto packet = "G" + bytes_to_hex(all);
    return expect_ok(packet, TRY(request(packet)), what);
}

Result<void> Client::insert(const Point& point)
{
    if (points_.contains(point)) return {};
    const auto what = "setting a breakpoint at " + hex(point.address);
    TRY(require_stopped(what));
    const auto packet = "Z" + std::to_string(static_cast<int>(point.kind)) + "," + plain_hex(point.address) + ","
        + plain_hex(point.length);
    TRY(expect_ok(packet, TRY(request(packet)), what));
    points_.insert(point);
    return {};
}

Result<void> Client::remove(const Point& point)
{
    if (!points_.contains(point)) return {};
    const auto what = "removing a breakpoint at " + hex(point.address);
    TRY(require_stopped(what));
    const auto packet = "z" + std::to_string(static_cast<int>(point.kind)) + "," + plain_hex(point.address) + ","
        + plain_hex(point.length);
    points_.erase(point);
    return expect_ok(packet, TRY(request(packet)), what);
}

Result<unsigned> Client::step_flags()
{
    TRY(require_stopped("reading the single-step flags"));
    if (!capabilities_.qemu) return reply_error("reading the single-step flags", "");
    const auto answer = TRY(request("qqemu.sstep"));
    const auto value = parse_hex(std::string_view(answer).substr(answer.starts_with("0x") ? 2 : 0));
    if (!value) return reply_error("reading the single-step flags", answer);
    return static_cast<unsigned>(*value);
}

Result<void> Client::set_step_flags(unsigned flags)
{
    TRY(require_stopped("setting the single-step flags"));
    if (!capabilities_.qemu) return reply_error("setting the single-step flags", "");
    if ((flags & 1) == 0 || (flags & ~capabilities_.step_bits) != 0)
        return failure(ErrorCode::invalid_argument,
            "single-step flags " + hex(flags) + " are not among QEMU's " + hex(capabilities_.step_bits)
                + " with 0x1 set");
    const auto packet = "Qqemu.sstep=" + plain_hex(flags);
    return expect_ok(packet, TRY(request(packet)), "setting the single-step flags");
}

} // namespace orrery::inspector::rsp
