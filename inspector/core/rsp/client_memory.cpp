// Memory over the protocol: cut into what one packet may carry, and pipelined.
#include <algorithm>

#include "inspector/core/rsp/client.h"
#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/rsp/reply.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
constexpr std::uint64_t page_size = 4096;
// Requests under way at once. More gain nothing, and the replies must fit the sockets' buffers, or both sides
// would wait for the other to read.
constexpr std::size_t pipeline_depth = 16;
} // namespace

struct Client::Chunk {
    std::uint64_t address;
    std::size_t offset, size;
};

std::vector<Client::Chunk> Client::chunks_of(std::uint64_t address, std::size_t size, std::size_t limit) const
{
    // One unmapped page would fail a request that touches it and its neighbours.
    std::vector<Chunk> chunks;
    for (std::size_t offset = 0; offset < size;) {
        const auto here = address + offset;
        const auto in_page = static_cast<std::size_t>(page_size - here % page_size);
        const auto count = std::min({ size - offset, in_page, limit });
        chunks.push_back({ here, offset, count });
        offset += count;
    }
    return chunks;
}

Result<void> Client::set_physical_mode(bool on)
{
    const auto answer = TRY(reply(reply_deadline()));
    return expect_ok({}, answer, on ? "choosing physical memory" : "choosing virtual memory");
}

Result<void> Client::read_chunks(std::uint64_t address, std::span<std::byte> into, bool physical)
{
    // QEMU: exactly half its packet size (2048) is the longest read; others count the frame as well.
    const auto limit = capabilities_.qemu ? capabilities_.packet_size / 2 : (capabilities_.packet_size - 8) / 2;
    const auto chunks = chunks_of(address, into.size(), limit);
    // A stub that waits for acknowledgements may drop bytes that come instead of one.
    const auto depth = may_pipeline() ? pipeline_depth : 1;
    std::optional<Error> first_error;

    if (physical) connection_.queue("Qqemu.PhyMemMode:1");
    bool mode_pending = physical;
    std::size_t asked = 0, answered = 0;
    while (answered < chunks.size() && !(first_error && asked == answered)) {
        while (!first_error && asked < chunks.size() && asked - answered < depth) {
            connection_.queue("m" + plain_hex(chunks[asked].address) + "," + plain_hex(chunks[asked].size));
            ++asked;
        }
        TRY(connection_.flush(reply_deadline()));
        if (std::exchange(mode_pending, false)) TRY(set_physical_mode(true));
        auto answer = reply(reply_deadline());
        if (!answer) {
            if (answer.error().code == ErrorCode::timed_out)
                return connection_.lose("the debug stub at " + connection_.address()
                    + " stopped answering while memory was read; reconnect, or restart the guest");
            return std::unexpected(answer.error());
        }
        const auto& chunk = chunks[answered++];
        if (first_error || hex_to_bytes(*answer, into.subspan(chunk.offset, chunk.size))) continue;
        if (is_error_reply(*answer))
            first_error = Error { "no memory is mapped at " + hex(chunk.address) + " (the debug stub answers "
                    + printable(*answer, 20) + ")",
                ErrorCode::unmapped };
        else
            first_error =
                reply_error("reading " + std::to_string(chunk.size) + " bytes at " + hex(chunk.address), *answer)
                    .error();
    }
    if (physical) {
        connection_.queue("Qqemu.PhyMemMode:0");
        TRY(connection_.flush(reply_deadline()));
        TRY(set_physical_mode(false));
    }
    if (first_error) return std::unexpected(*first_error);
    return {};
}

Result<void> Client::write_chunks(std::uint64_t address, std::span<const std::byte> from, bool physical)
{
    ++stop_count_;
    if (physical) {
        connection_.queue("Qqemu.PhyMemMode:1");
        TRY(connection_.flush(reply_deadline()));
        TRY(set_physical_mode(true));
    }
    std::optional<Error> first_error;
    // "Maddress,length:" takes up to 22 bytes of the packet, which QEMU's line buffer holds as a whole.
    for (const auto& chunk : chunks_of(address, from.size(), (capabilities_.packet_size - 32) / 2)) {
        const auto answer = TRY(request("M" + plain_hex(chunk.address) + "," + plain_hex(chunk.size) + ":"
            + bytes_to_hex(from.subspan(chunk.offset, chunk.size))));
        if (answer == "OK") continue;
        first_error = is_error_reply(answer) ? Error { "no memory is mapped at " + hex(chunk.address)
                + " (the debug stub answers " + printable(answer, 20) + ")",
            ErrorCode::unmapped }
                                             : reply_error("writing memory at " + hex(chunk.address), answer).error();
        break;
    }
    if (physical) {
        connection_.queue("Qqemu.PhyMemMode:0");
        TRY(connection_.flush(reply_deadline()));
        TRY(set_physical_mode(false));
    }
    if (first_error) return std::unexpected(*first_error);
    return {};
}

Result<void> Client::read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into)
{
    TRY(require_stopped("reading memory over the debug protocol"));
    TRY(select(thread));
    return read_chunks(address, into, false);
}

Result<void> Client::write_memory(ThreadId thread, std::uint64_t address, std::span<const std::byte> from)
{
    TRY(require_stopped("writing memory"));
    TRY(select(thread));
    return write_chunks(address, from, false);
}

Result<void> Client::read_physical(std::uint64_t address, std::span<std::byte> into)
{
    TRY(require_stopped("reading memory over the debug protocol"));
    if (!capabilities_.qemu) return reply_error("reading physical memory", "");
    return read_chunks(address, into, true);
}

Result<void> Client::write_physical(std::uint64_t address, std::span<const std::byte> from)
{
    TRY(require_stopped("writing memory"));
    if (!capabilities_.qemu) return reply_error("writing physical memory", "");
    return write_chunks(address, from, true);
}

} // namespace orrery::inspector::rsp
