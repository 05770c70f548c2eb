// Framing: what goes out, and every way in which what comes in can be wrong.
#include <gtest/gtest.h>

#include "inspector/core/rsp/packet.h"

namespace orrery::inspector::rsp {

namespace {
Result<Token> decode(std::string_view bytes)
{
    PacketDecoder decoder;
    decoder.feed(bytes);
    return decoder.next();
}

std::string text_of(std::string_view bytes)
{
    const auto token = decode(bytes);
    if (!token) return "error: " + token.error().sentence;
    return token->kind == Token::Kind::packet ? token->text : "no packet";
}
} // namespace

TEST(Packet, frames_with_checksum)
{
    // From the GDB manual: the checksum is the sum of all bytes between, modulo 256.
    EXPECT_EQ(frame("OK"), "$OK#9a");
    EXPECT_EQ(frame(""), "$#00");
}

TEST(Packet, escapes_what_frames_are_made_of)
{
    EXPECT_EQ(frame("}"), "$}]#da");
    for (int byte = 0; byte < 256; ++byte) {
        const std::string payload(3, static_cast<char>(byte));
        const auto framed = frame(payload);
        EXPECT_EQ(framed.find_first_of("$#*", 1), framed.size() - 3) << byte;
        EXPECT_EQ(text_of(framed), payload) << byte;
    }
}

TEST(Packet, expands_runs)
{
    EXPECT_EQ(text_of("$0* #7a"), "0000"); // ' ' = 32: three more
    EXPECT_EQ(text_of("$0*!#7b"), "00000");
    EXPECT_EQ(text_of("$xx*\"0#6c"), "xxxxxxx0");
}

TEST(Packet, takes_bytes_one_by_one)
{
    PacketDecoder decoder;
    const std::string stream = "+$m1,2#fc-$OK#9a";
    std::string seen;
    for (const char c : stream) {
        decoder.feed({ &c, 1 });
        while (true) {
            const auto token = decoder.next();
            ASSERT_TRUE(token);
            if (token->kind == Token::Kind::none) break;
            seen += token->kind == Token::Kind::packet        ? "(" + token->text + ")"
                : token->kind == Token::Kind::acknowledgement ? "+"
                                                              : "-";
        }
    }
    EXPECT_EQ(seen, "+(m1,2)-(OK)");
}

TEST(Packet, a_packet_is_never_half_a_packet)
{
    EXPECT_EQ(text_of("$OK"), "no packet");
    EXPECT_EQ(text_of("$OK#"), "no packet");
    EXPECT_EQ(text_of("$OK#9"), "no packet");
}

TEST(Packet, refuses_a_wrong_checksum)
{
    for (const auto* wrong : { "$OK#9b", "$OK#zz", "$OK#9 ", "$#01" }) {
        const auto token = decode(wrong);
        ASSERT_FALSE(token) << wrong;
        EXPECT_NE(token.error().sentence.find("wrong checksum"), std::string::npos) << token.error().sentence;
        EXPECT_EQ(token.error().code, ErrorCode::connection_lost);
    }
}

TEST(Packet, refuses_malformed_escapes_and_runs)
{
    EXPECT_NE(text_of("$}#7d").find("ends within an escape"), std::string::npos);
    EXPECT_NE(text_of("$* #4a").find("malformed repeat"), std::string::npos) << text_of("$* #4a"); // nothing to repeat
    EXPECT_NE(text_of("$0*#5a").find("malformed repeat"), std::string::npos); // no count
    EXPECT_NE(text_of("$0*\x1f#79").find("malformed repeat"), std::string::npos); // count below 3
}

TEST(Packet, refuses_a_packet_without_end)
{
    PacketDecoder decoder;
    decoder.feed("$");
    const std::string block(65536, 'a');
    Result<Token> token = Token {};
    std::size_t fed = 0;
    while (token && fed < 4 * PacketDecoder::maximum_payload) {
        decoder.feed(block);
        fed += block.size();
        token = decoder.next();
    }
    ASSERT_FALSE(token);
    EXPECT_NE(token.error().sentence.find("which no reply needs"), std::string::npos);
    EXPECT_LE(fed, PacketDecoder::maximum_payload + 2 * block.size());
}

TEST(Packet, refuses_a_bomb_of_runs)
{
    std::string payload = "0";
    unsigned sum = '0';
    for (std::size_t i = 0; i < PacketDecoder::maximum_payload / 4; ++i) {
        payload += "*~";
        sum += '*' + '~';
    }
    char tail[4];
    std::snprintf(tail, sizeof tail, "#%02x", sum & 0xff);
    EXPECT_NE(text_of("$" + payload + tail).find("expands without end"), std::string::npos);
}

TEST(Packet, refuses_noise_without_end)
{
    EXPECT_NE(text_of(std::string(2 * PacketDecoder::maximum_noise, 'x')).find("no debug stub"), std::string::npos);
    PacketDecoder decoder;
    decoder.feed(std::string(2 * PacketDecoder::maximum_noise, '+'));
    Result<Token> token = Token {};
    for (std::size_t i = 0; token && i < 3 * PacketDecoder::maximum_noise; ++i)
        token = decoder.next();
    ASSERT_FALSE(token);
    EXPECT_NE(token.error().sentence.find("acknowledgements without end"), std::string::npos);
}

} // namespace orrery::inspector::rsp
