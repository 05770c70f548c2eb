// A debug stub that says anything: parsers and a whole client must answer with a value or an error, never hang or
// crash.
#include <cstdint>
#include <cstdlib>
#include <sys/socket.h>

#include "inspector/core/rsp/client.h"
#include "inspector/core/rsp/target_description.h"
#include "inspector/core/text.h"

using namespace orrery::inspector;
using namespace std::literals;

namespace {
void require(bool condition)
{
    if (!condition) std::abort();
}

template <typename T>
void check(const Result<T>& result)
{
    if (!result) require(!result.error().sentence.empty() && result.error().sentence.size() < 2000);
}

void fuzz_decoder(std::string_view data)
{
    // What is framed comes back, however it is cut.
    rsp::PacketDecoder own;
    const auto framed = rsp::frame(data);
    own.feed(framed.substr(0, framed.size() / 2));
    require(own.next()->kind == rsp::Token::Kind::none);
    own.feed(framed.substr(framed.size() / 2));
    const auto token = own.next();
    require(token && token->kind == rsp::Token::Kind::packet && token->text == data);

    rsp::PacketDecoder decoder;
    decoder.feed(data);
    for (std::size_t taken = 0;; ++taken) {
        require(taken <= data.size() + 1);
        const auto next = decoder.next();
        check(next);
        if (!next || next->kind == rsp::Token::Kind::none) break;
    }
}

void fuzz_replies(std::string_view data)
{
    const auto stop = rsp::parse_stop_reply(data);
    check(stop);
    if (stop) require(rsp::looks_like_stop_reply(data));
    check(rsp::parse_thread_id(data));
}

void fuzz_description(std::string_view data)
{
    // A zero byte separates files; each include gets the next of them.
    const auto files = split(data, '\0');
    std::size_t next = 0;
    const auto layout = rsp::read_target_description([&](const std::string&) -> Result<std::string> {
        if (next == files.size()) return failure("no more files");
        return std::string(files[next++]);
    });
    check(layout);
    if (layout) require(layout->total_size() <= layout->registers().size() * 1024);
}

// The stub has said all that it will ever say before the first question, and has hung up.
void fuzz_client(std::string_view data)
{
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Descriptor stub { ends[0] };
    auto connection = rsp::Connection::adopt(Descriptor { ends[1] }, "the fuzzer");
    // A line of the input is a packet, with the frame made right, so that the fuzzer gets past the checksums.
    std::string said;
    for (const auto line : split(data, '\n'))
        said += rsp::frame(line);
    (void)!::send(stub.get(), said.data(), said.size(), MSG_DONTWAIT);
    ::shutdown(stub.get(), SHUT_WR);

    auto client = rsp::Client::attach(std::move(connection));
    check(client);
    if (!client) return;
    auto& c = **client;
    check(c.threads());
    check(c.read_register_file({ 1, 1 }));
    check(c.read_register({ 1, 1 }, "rip"));
    check(c.write_register({ 1, 1 }, "rip", 1));
    std::byte bytes[6000];
    check(c.read_memory({ 1, 1 }, 0xff0, bytes));
    check(c.read_physical(0x1000, bytes));
    check(c.insert({ rsp::PointKind::hardware_breakpoint, 0x1000, 1 }));
    check(c.step({ 1, 1 }));
    check(c.resume_all());
    check(c.wait_for_stop(deadline_in(std::chrono::seconds { 5 })));
    check(c.take_unasked());
    check(c.detach());
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    if (size == 0) return 0;
    const std::string_view data(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    switch (bytes[0] % 4) {
    case 0: fuzz_decoder(data); break;
    case 1: fuzz_replies(data); break;
    case 2: fuzz_description(data); break;
    case 3: fuzz_client(data); break;
    }
    return 0;
}

// Starting points: a talk that gets through the whole handshake, and a description with an include.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maximum);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t maximum, unsigned seed)
{
    static constexpr std::string_view examples[] = {
        "\3PacketSize=1000;qXfer:features:read+;multiprocess+\nvCont;c;C;s;S\nENABLE=1,NOIRQ=2,NOTIMER=4\nOK\n"
        "l<target><feature name='a'><reg name='rip' bitsize='64'/><reg name='cr3' bitsize='32'/></feature></target>\n"
        "T05thread:p01.01;\nmp01.01,p01.02\nl\nOK\n0011223344556677xxxxxxxx\n0011223344556677\nOK\nOK\n00\n"
        "E14\nOK\nOK\nE01\nOK\nOK\nT05thread:p01.01;watch:10;\nT02thread:p01.01;\nOK"sv,
        "\2<target><xi:include href='core.xml'/></target>\0"
        "<feature><reg name='rax' bitsize='64' regnum='3'/></feature>"sv,
        "\1T05thread:p01.02;watch:ffff8000;replaylog:begin;"sv,
    };
    if (seed % 8 == 0) {
        const auto example = examples[seed / 8 % std::size(examples)];
        size = example.copy(reinterpret_cast<char*>(data), maximum);
    }
    return LLVMFuzzerMutate(data, size, maximum);
}
