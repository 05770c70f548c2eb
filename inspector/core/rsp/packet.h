// Framing of GDB remote serial protocol packets: checksum, escapes and run-length encoding, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::rsp {

// "$payload#checksum" with '$', '#', '}' and '*' escaped. Source: GDB manual, "Overview" of the remote protocol.
std::string frame(std::string_view payload);

struct Token {
    enum class Kind {
        none, // more bytes are needed
        packet, // text = payload, unescaped and expanded
        acknowledgement, // '+'
        request_for_resend, // '-'
    };
    Kind kind = Kind::none;
    std::string text;
};

// Turns a byte stream into tokens. Never holds more than its limits; after an error it must be thrown away, since
// nobody knows where the next packet begins.
class PacketDecoder {
public:
    // QEMU answers at most 4 KiB, gdbserver 128 KiB; a longer "packet" is a stub that lost its way.
    static constexpr std::size_t maximum_payload = 1u << 20;
    static constexpr std::size_t maximum_noise = 4096; // bytes outside any packet

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    Result<Token> next(); // errors: bad checksum, oversize, bad escape, bad run length, noise
    std::size_t buffered() const { return buffer_.size() - position_; }

private:
    Result<Token> take_packet(std::size_t end);

    std::string buffer_;
    std::size_t position_ = 0; // first byte not consumed
    std::size_t searched_ = 0; // no '#' before this one
    std::size_t noise_ = 0;
};

} // namespace orrery::inspector::rsp
