// Stop replies: those that QEMU and gdbserver send, and those that nobody should.
#include <gtest/gtest.h>

#include "inspector/core/rsp/stop_reply.h"

namespace orrery::inspector::rsp {

TEST(StopReply, qemu_names_the_vcpu_and_ends_with_a_semicolon)
{
    for (const auto* text : { "T05thread:p01.02;", "T05thread:p01.02", "T05thread:p1.2;" }) {
        const auto stop = parse_stop_reply(text);
        ASSERT_TRUE(stop) << text;
        EXPECT_EQ(stop->kind, StopReply::Kind::stopped);
        EXPECT_EQ(stop->signal, 5);
        EXPECT_EQ(stop->thread, (ThreadId { 1, 2 }));
        EXPECT_FALSE(stop->watch);
    }
    EXPECT_EQ(parse_stop_reply("T02thread:01;")->thread, (ThreadId { 1, 1 }));
    EXPECT_EQ(parse_stop_reply("T02thread:01;")->signal, 2);
}

TEST(StopReply, watchpoints)
{
    const auto stop = parse_stop_reply("T05thread:p01.01;rwatch:ffffffff80000010;");
    ASSERT_TRUE(stop);
    EXPECT_EQ(stop->watch, WatchKind::read);
    EXPECT_EQ(stop->watch_address, 0xffff'ffff'8000'0010);
    EXPECT_EQ(parse_stop_reply("T05watch:10;")->watch, WatchKind::write);
    EXPECT_EQ(parse_stop_reply("T05awatch:10;")->watch, WatchKind::access);
}

TEST(StopReply, others)
{
    EXPECT_EQ(parse_stop_reply("S05")->signal, 5);
    EXPECT_EQ(parse_stop_reply("W21")->kind, StopReply::Kind::exited);
    EXPECT_EQ(parse_stop_reply("W21")->exit_status, 0x21);
    EXPECT_EQ(parse_stop_reply("W00;process:1f")->kind, StopReply::Kind::exited);
    EXPECT_EQ(parse_stop_reply("X09")->kind, StopReply::Kind::terminated);
    // gdbserver: expedited registers, a core number and a reason
    const auto stop = parse_stop_reply("T0506:60e0ffffff7f0000;07:0000000000000000;thread:p3e8.3e8;core:1;swbreak:;");
    ASSERT_TRUE(stop);
    EXPECT_EQ(stop->thread, (ThreadId { 1000, 1000 }));
    EXPECT_EQ(stop->reason, "swbreak");
    EXPECT_EQ(parse_stop_reply("T05thread:p01.01;replaylog:begin;")->reason, "replaylog:begin");
}

TEST(StopReply, refuses_what_is_malformed)
{
    for (const auto* text : { "", "T", "T5", "Tzz", "OK", "E14", "T05thread:;", "T05thread:p.;", "T05thread:p0.0;",
             "T05thread:p1.-1;", "T05thread:zz;", "T05thread:p1.2.3;", "T05thread:ffffffffffffffffff;", "T05watch:;",
             "T05watch:xyz;", "T05watch", "S05x", "T05thread:-2;" }) {
        const auto stop = parse_stop_reply(text);
        ASSERT_FALSE(stop) << text;
        EXPECT_EQ(stop.error().code, ErrorCode::protocol);
        EXPECT_FALSE(stop.error().sentence.empty());
    }
}

TEST(StopReply, no_data_reply_looks_like_one)
{
    for (const auto* text : { "OK", "", "E14", "0011", "m1,2", "l", "PacketSize=1000", "vCont;c", "TracepointSource+" })
        EXPECT_FALSE(looks_like_stop_reply(text)) << text;
}

TEST(StopReply, thread_ids)
{
    EXPECT_EQ(*parse_thread_id("p1.-1"), (ThreadId { 1, -1 }));
    EXPECT_EQ(*parse_thread_id("1.2"), (ThreadId { 1, 2 }));
    EXPECT_EQ(*parse_thread_id("a"), (ThreadId { 1, 10 }));
}

} // namespace orrery::inspector::rsp
