#include "inspector/core/rsp/packet.h"

#include "inspector/core/rsp/hexadecimal.h"
#include "inspector/core/text.h"

namespace orrery::inspector::rsp {

namespace {
unsigned checksum(std::string_view bytes)
{
    unsigned sum = 0;
    for (const char c : bytes)
        sum += static_cast<unsigned char>(c);
    return sum & 0xff;
}

// '}' and a byte xor 0x20 is an escape; a byte, '*' and n is the byte and n - 29 more of it.
Result<std::string> decode(std::string_view raw)
{
    std::string text;
    text.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '}') {
            if (++i == raw.size())
                return failure(ErrorCode::connection_lost, "the stub sent a packet that ends within an escape");
            text += static_cast<char>(raw[i] ^ 0x20);
        } else if (raw[i] == '*') {
            const unsigned count = i + 1 < raw.size() ? static_cast<unsigned char>(raw[i + 1]) : 0;
            if (text.empty() || count < 32 || count > 126)
                return failure(ErrorCode::connection_lost, "the stub sent a packet with a malformed repeat count");
            if (text.size() + count - 29 > PacketDecoder::maximum_payload)
                return failure(ErrorCode::connection_lost, "the stub sent a packet that expands without end");
            text.append(count - 29, text.back());
            ++i;
        } else {
            text += raw[i];
        }
    }
    return text;
}
} // namespace

std::string frame(std::string_view payload)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text = "$";
    for (const char c : payload) {
        if (c == '$' || c == '#' || c == '}' || c == '*') {
            text += '}';
            text += static_cast<char>(c ^ 0x20);
        } else {
            text += c;
        }
    }
    const auto sum = checksum(std::string_view(text).substr(1));
    text += '#';
    text += digits[sum >> 4];
    text += digits[sum & 15];
    return text;
}

Result<Token> PacketDecoder::next()
{
    while (position_ < buffer_.size() && buffer_[position_] != '$') {
        const char c = buffer_[position_++];
        if (c == '+' || c == '-') {
            if (++noise_ > maximum_noise)
                return failure(
                    ErrorCode::connection_lost, "the stub sends acknowledgements without end instead of a reply");
            return Token { c == '+' ? Token::Kind::acknowledgement : Token::Kind::request_for_resend, {} };
        }
        if (++noise_ > maximum_noise)
            return failure(ErrorCode::connection_lost,
                "what answers there is no debug stub: " + std::to_string(maximum_noise)
                    + " bytes came and no packet among them");
    }
    if (position_ == buffer_.size()) {
        buffer_.clear();
        position_ = searched_ = 0;
        return Token {};
    }
    const auto end = buffer_.find('#', std::max(position_ + 1, searched_));
    if (end == std::string::npos || end + 2 >= buffer_.size()) {
        searched_ = end == std::string::npos ? buffer_.size() : end;
        if (buffer_.size() - position_ > maximum_payload + 4)
            return failure(ErrorCode::connection_lost,
                "the stub sent a packet of more than " + std::to_string(maximum_payload)
                    + " bytes, which no reply needs");
        return Token {};
    }
    return take_packet(end);
}

Result<Token> PacketDecoder::take_packet(std::size_t end)
{
    const auto raw = std::string_view(buffer_).substr(position_ + 1, end - position_ - 1);
    const int high = hex_digit(buffer_[end + 1]), low = hex_digit(buffer_[end + 2]);
    if (high < 0 || low < 0 || static_cast<unsigned>(high << 4 | low) != checksum(raw))
        return failure(
            ErrorCode::connection_lost, "the stub sent a packet with a wrong checksum: \"" + printable(raw, 40) + "\"");
    if (raw.size() > maximum_payload)
        return failure(ErrorCode::connection_lost,
            "the stub sent a packet of more than " + std::to_string(maximum_payload) + " bytes, which no reply needs");
    auto payload = decode(raw);
    if (!payload) return std::unexpected(payload.error());
    position_ = searched_ = end + 3;
    noise_ = 0;
    // What is consumed goes only now and then, so that a burst of pipelined replies is not copied each time.
    if (position_ > 1u << 16) {
        buffer_.erase(0, position_);
        position_ = searched_ = 0;
    }
    return Token { Token::Kind::packet, std::move(*payload) };
}

} // namespace orrery::inspector::rsp
