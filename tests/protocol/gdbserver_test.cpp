// The same client at another stub: gdbserver, with its own packets, registers and thread numbers.
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>

#include "inspector/core/session/console.h"
#include "inspector/core/session/keeper.h"
#include "inspector/core/session/qemu_command.h"
#include "tests/protocol/qemu_fixture.h"

namespace orrery::inspector::test {

namespace {
constexpr std::uint64_t start_address = 0x401000, tick_address = 0x401040; // debuggee.S

struct GdbServer : testing::Test {
    std::unique_ptr<Keeper> keeper;
    std::string address;

    void SetUp() override
    {
        const auto program = find_program("gdbserver");
        if (!program) GTEST_SKIP() << "gdbserver is not installed";
        Descriptor said { ::memfd_create("said", MFD_CLOEXEC) };
        auto started = Keeper::start({ .arguments = { program->string(), "--once", "127.0.0.1:0", PROTOCOL_DEBUGGEE },
            .standard_error = said.get() });
        ASSERT_OK(started);
        keeper = std::move(*started);
        const Console words(std::move(said));
        static const std::string mark = "Listening on port ";
        const auto deadline = patience();
        std::string text;
        while (text.find('\n', text.find(mark) == std::string::npos ? text.size() : text.find(mark))
            == std::string::npos) {
            ASSERT_LT(Clock::now(), deadline) << text;
            ASSERT_FALSE(keeper->wait(deadline_in(1ms))) << text;
            text = words.text();
        }
        address = "127.0.0.1:" + std::to_string(std::stoi(text.substr(text.find(mark) + mark.size())));
    }
};
} // namespace

TEST_F(GdbServer, speaks_to_the_same_client)
{
    auto attached = rsp::Client::attach(address, { .connect_timeout = 60s, .reply_timeout = 60s });
    ASSERT_OK(attached);
    auto& client = **attached;
    EXPECT_FALSE(client.capabilities().qemu);
    EXPECT_TRUE(client.capabilities().no_acknowledgements);
    EXPECT_FALSE(client.connection().acknowledging());
    EXPECT_GT(client.capabilities().packet_size, 0x1000u);
    EXPECT_EQ(client.register_layout().architecture(), "i386:x86-64");
    const auto threads = client.threads();
    ASSERT_OK(threads);
    ASSERT_EQ(threads->size(), 1u);
    const auto thread = threads->front();
    auto registers = client.read_register_file(thread);
    ASSERT_OK(registers);
    EXPECT_EQ(registers->rip(), start_address);
    EXPECT_EQ(registers->cr3, 0u);

    std::byte bytes[4096 * 2];
    ASSERT_OK(client.read_memory(thread, start_address, std::span(bytes).first(0x42)));
    EXPECT_EQ(bytes[0], std::byte { 0x90 });
    EXPECT_EQ(bytes[0x41], std::byte { 0xc3 });
    EXPECT_EQ(client.read_memory(thread, 0x10, std::span(bytes).first(8)).error().code, ErrorCode::unmapped);

    ASSERT_OK(client.insert({ rsp::PointKind::software_breakpoint, tick_address, 1 }));
    for (std::uint64_t round = 1; round <= 3; ++round) {
        ASSERT_OK(client.resume_all());
        const auto stop = client.wait_for_stop(patience());
        ASSERT_OK(stop);
        EXPECT_EQ(stop->signal, 5);
        EXPECT_EQ(stop->thread, thread);
        EXPECT_EQ(*client.read_register(thread, "rip"), tick_address);
        EXPECT_EQ(*client.read_register(thread, "rbx"), round);
        ASSERT_OK(client.step(thread, 60s)); // off the breakpoint
        EXPECT_EQ(*client.read_register(thread, "rip"), tick_address + 1);
    }
    ASSERT_OK(client.write_register(thread, "rbx", 1000));
    EXPECT_EQ(*client.read_register(thread, "rbx"), 1000u);
    ASSERT_OK(client.remove({ rsp::PointKind::software_breakpoint, tick_address, 1 }));
    ASSERT_OK(client.resume_all());
    ASSERT_OK(client.interrupt());
    const auto stop = client.wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->signal, 2);
    EXPECT_GE(*client.read_register(thread, "rbx"), 1000u);
    EXPECT_EQ(client.read_physical(0, std::span(bytes).first(1)).error().code, ErrorCode::unsupported);
    EXPECT_EQ(client.begin_reverse_step().error().code, ErrorCode::unsupported);
}

TEST_F(GdbServer, a_session_may_be_attached_to_it)
{
    auto session = Session::attach({ .address = address, .timeout = 60s });
    ASSERT_OK(session);
    const auto stop = (*session)->run_until({ .addresses = { tick_address }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->rip, tick_address);
    EXPECT_EQ((*session)->registers(0)->rip(), tick_address);
    EXPECT_EQ((*session)->memory().value<std::uint64_t>(0).error().code, ErrorCode::unsupported);
    keeper->terminate();
    EXPECT_EQ((*session)->state(), GuestState::ended);
}

} // namespace orrery::inspector::test
