// How the client comes to know its stub: capabilities, register layout, threads, and a clean start.
#include <algorithm>

#include "inspector/core/rsp/client.h"
#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/rsp/reply.h"
#include "inspector/core/rsp/target_description.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
constexpr std::size_t maximum_annex = 1u << 20;
constexpr std::size_t maximum_threads = 4096;
} // namespace

Client::Client(Connection connection, AttachOptions options)
    : connection_(std::move(connection))
    , options_(options)
{
}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::attach(const std::string& address, AttachOptions options)
{
    return attach(TRY(Connection::open(address, deadline_in(options.connect_timeout))), options);
}

Result<std::unique_ptr<Client>> Client::attach(Connection connection, AttachOptions options)
{
    std::unique_ptr<Client> client(new Client(std::move(connection), options));
    TRY(client->shake_hands());
    return client;
}

Result<void> Client::shake_hands()
{
    // QEMU has stopped the guest before it reads a byte of ours, so sending at once does no harm. If the guest ran,
    // QEMU 7.2 sends a stop reply that nobody asked for ahead of this answer; reply() takes it in.
    connection_.queue("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386");
    const auto deadline = deadline_in(options_.connect_timeout);
    TRY(connection_.flush(deadline));
    const auto supported = reply(deadline);
    if (!supported) {
        if (supported.error().code != ErrorCode::timed_out) return std::unexpected(supported.error());
        return failure(ErrorCode::cannot_connect,
            "the debug stub at " + connection_.address()
                + " accepts the connection but does not answer: it serves one debugger at a time, and most likely "
                  "another one is attached; end that one, or give it its own QEMU");
    }
    for (const auto feature : split(*supported, ';')) {
        if (feature.starts_with("PacketSize=")) {
            const auto size = parse_hex(feature.substr(11));
            if (!size || *size < 64)
                return connection_.lose("the stub at " + connection_.address()
                    + " announces an impossible packet size \"" + printable(feature, 40) + "\"");
            capabilities_.packet_size = std::min<std::uint64_t>(*size, PacketDecoder::maximum_payload);
        }
        if (feature == "qXfer:features:read+") capabilities_.target_description = true;
        if (feature == "multiprocess+") capabilities_.multiprocess = true;
        if (feature == "QStartNoAckMode+") capabilities_.no_acknowledgements = true;
        if (feature == "ReverseStep+") capabilities_.reverse_step = true;
        if (feature == "ReverseContinue+") capabilities_.reverse_continue = true;
    }
    TRY(negotiate());
    TRY(read_layout());

    // This also removes breakpoints in QEMU: those of a debugger that died without a word would stop the guest later,
    // with nobody there.
    connection_.queue("?");
    TRY(connection_.flush(reply_deadline()));
    const auto answer = TRY(connection_.receive(reply_deadline()));
    TRY(connection_.acknowledge_now(reply_deadline()));
    return note_stop(TRY(parse_stop_reply(answer)));
}

Result<void> Client::negotiate()
{
    if (capabilities_.no_acknowledgements && TRY(request("QStartNoAckMode")) == "OK")
        TRY(connection_.stop_acknowledging(reply_deadline()));
    const auto actions = TRY(request("vCont?"));
    if (actions.starts_with("vCont"))
        for (const auto action : split(actions, ';')) {
            if (action == "c") capabilities_.resume_continue = true;
            if (action == "s") capabilities_.resume_step = true;
        }
    if (!capabilities_.resume_continue || !capabilities_.resume_step)
        return failure(ErrorCode::unsupported,
            "the debug stub at " + connection_.address()
                + " can't continue and step single threads (it answers vCont? with \"" + printable(actions, 60)
                + "\"); use QEMU 7.2 or newer");

    // "ENABLE=1,NOIRQ=2,NOTIMER=4"
    const auto bits = TRY(request("qqemu.sstepbits"));
    capabilities_.qemu = bits.starts_with("ENABLE=");
    if (capabilities_.qemu)
        for (const auto part : split(bits, ','))
            capabilities_.step_bits |= static_cast<unsigned>(parse_hex(part.substr(part.find('=') + 1)).value_or(0));
    return {};
}

Result<void> Client::read_layout()
{
    // gdbserver 13 crashes over a description that is asked for before any thread has been chosen.
    TRY(request(capabilities_.multiprocess ? "Hgp0.0" : "Hg0"));
    if (!capabilities_.target_description)
        return failure(ErrorCode::unsupported,
            "the debug stub at " + connection_.address()
                + " does not describe its registers (qXfer:features:read); use QEMU 7.2 or newer");
    layout_ = std::make_shared<const RegisterLayout>(
        TRY(read_target_description([this](const std::string& annex) { return read_annex(annex); })));
    return {};
}

Result<std::string> Client::read_annex(const std::string& annex)
{
    // The name comes from the stub's own file, and goes into a packet of ours.
    const bool clean = !annex.empty() && annex.size() <= 200
        && std::ranges::all_of(annex, [](char c) { return c > 0x20 && c < 0x7f && c != ':' && c != ',' && c != ';'; });
    if (!clean)
        return failure(ErrorCode::protocol,
            "the stub's register description includes a file of impossible name \"" + printable(annex, 60) + "\"");
    std::string text;
    while (true) {
        const auto part = TRY(request("qXfer:features:read:" + annex + ":" + plain_hex(text.size()) + ","
            + plain_hex(capabilities_.packet_size - 5)));
        if (part.empty() || (part[0] != 'm' && part[0] != 'l'))
            return failure(ErrorCode::protocol,
                "the stub does not hand out its register description " + printable(annex, 60) + " (it answers \""
                    + printable(part, 40) + "\")");
        if (text.size() + part.size() > maximum_annex || (part.size() == 1 && part[0] == 'm'))
            return failure(
                ErrorCode::protocol, "the stub's register description " + printable(annex, 60) + " never ends");
        text.append(part, 1);
        if (part[0] == 'l') return text;
    }
}

Result<std::vector<ThreadId>> Client::threads()
{
    TRY(require_stopped("the list of vCPUs"));
    std::vector<ThreadId> result;
    for (auto part = TRY(request("qfThreadInfo"));; part = TRY(request("qsThreadInfo"))) {
        if (part == "l") break;
        if (!part.starts_with('m'))
            return failure(
                ErrorCode::protocol, "the stub's list of threads is malformed: \"" + printable(part, 60) + "\"");
        for (const auto id : split(std::string_view(part).substr(1), ',')) {
            const auto thread = TRY(parse_thread_id(id));
            if (thread.thread <= 0 || thread.process <= 0)
                return failure(
                    ErrorCode::protocol, "the stub lists a thread \"" + printable(id, 40) + "\", which is none");
            result.push_back(thread);
        }
        if (result.size() > maximum_threads) return failure(ErrorCode::protocol, "the stub lists threads without end");
    }
    std::ranges::sort(result);
    result.erase(std::ranges::unique(result).begin(), result.end());
    if (result.empty()) return failure(ErrorCode::protocol, "the stub lists no vCPU at all");
    return result;
}

Result<std::string> Client::thread_description(ThreadId thread)
{
    TRY(require_stopped("a vCPU's description"));
    const auto answer = TRY(request("qThreadExtraInfo," + thread_text(thread)));
    if (answer.empty() || is_error_reply(answer)) return std::string();
    std::vector<std::byte> bytes(answer.size() / 2);
    if (!hex_to_bytes(answer, bytes))
        return failure(ErrorCode::protocol, "the stub's thread description is no hexadecimal text");
    return printable({ reinterpret_cast<const char*>(bytes.data()), bytes.size() });
}

} // namespace orrery::inspector::rsp
