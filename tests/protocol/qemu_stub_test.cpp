// The client against the real stub of QEMU: hazards as they are, and every request.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/protocol/qemu_fixture.h"

namespace orrery::inspector::test {

namespace {
// A guest that a session started, and a client of our own at its stub.
struct QemuStub : testing::Test {
    std::unique_ptr<Session> session = start_guest();
    std::unique_ptr<rsp::Client> client;

    void attach()
    {
        ASSERT_TRUE(session);
        auto attached = rsp::Client::attach(session->debug_address(), { .connect_timeout = 30s, .reply_timeout = 60s });
        ASSERT_OK(attached);
        client = std::move(*attached);
    }
    std::uint64_t counter() { return word(*session, GUEST_COUNTER); }
};
} // namespace

TEST_F(QemuStub, attach_stops_a_running_guest_and_drains_what_it_says)
{
    attach();
    EXPECT_EQ(client->state(), rsp::RunState::stopped);
    EXPECT_TRUE(client->capabilities().qemu);
    EXPECT_EQ(client->capabilities().packet_size, 0x1000u);
    EXPECT_EQ(client->capabilities().step_bits, 7u);
    EXPECT_EQ(client->register_layout().total_size(), 608u);
    EXPECT_EQ(client->register_layout().find("cr3")->number, 29u);
    EXPECT_EQ(client->register_layout().find("rip")->number, 16u);
    const auto before = counter();
    const auto threads = client->threads();
    ASSERT_OK(threads);
    EXPECT_EQ(*threads, (std::vector { cpu_0, cpu_1 }));
    EXPECT_NE(client->thread_description(cpu_0)->find("CPU#0"), std::string::npos);
    EXPECT_EQ(counter(), before);
}

TEST_F(QemuStub, H1_backwards_is_refused_and_qemu_lives)
{
    attach();
    EXPECT_EQ(client->begin_reverse_step().error().code, ErrorCode::unsupported);
    EXPECT_EQ(client->begin_reverse_continue().error().code, ErrorCode::unsupported);
    EXPECT_TRUE(session->monitor()->status());
    EXPECT_TRUE(client->threads());
}

TEST_F(QemuStub, H2_refused_requests_leave_the_guest_running)
{
    attach();
    ASSERT_OK(client->resume_all());
    std::byte bytes[8];
    EXPECT_EQ(client->read_memory(cpu_0, 0x100000, bytes).error().code, ErrorCode::busy);
    EXPECT_EQ(client->read_registers(cpu_0).error().code, ErrorCode::busy);
    EXPECT_TRUE(counter_moves(*session));
    EXPECT_TRUE(session->monitor()->status()->running);
}

TEST_F(QemuStub, H3_the_guest_goes_on_after_many_stops)
{
    attach();
    for (int round = 0; round < 20; ++round) {
        ASSERT_OK(client->read_register(cpu_0, "rip"));
        ASSERT_OK(client->resume_all());
        ASSERT_TRUE(counter_moves(*session)) << round; // an acknowledgement too late would have stopped it
        ASSERT_OK(client->interrupt());
        const auto stop = client->wait_for_stop(patience());
        ASSERT_OK(stop);
        EXPECT_EQ(stop->signal, 2);
    }
}

TEST_F(QemuStub, H4_an_interrupt_works_after_somebody_resumed_through_qmp)
{
    attach();
    ASSERT_OK(client->read_registers(cpu_0));
    ASSERT_OK(session->monitor()->resume());
    client->note_resumed_elsewhere();
    ASSERT_TRUE(counter_moves(*session));
    ASSERT_OK(client->interrupt());
    ASSERT_OK(client->wait_for_stop(patience()));
    const auto before = counter();
    ASSERT_OK(client->read_registers(cpu_0));
    EXPECT_EQ(counter(), before);
}

TEST_F(QemuStub, H5_detach_leaves_a_running_guest_without_breakpoints)
{
    attach();
    ASSERT_OK(client->insert({ rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 }));
    ASSERT_OK(client->detach());
    for (int round = 0; round < 5; ++round)
        EXPECT_TRUE(counter_moves(*session));
    EXPECT_TRUE(session->monitor()->status()->running);
}

TEST_F(QemuStub, H5_breakpoints_of_a_debugger_that_died_are_cleared_at_attach)
{
    attach();
    ASSERT_OK(client->insert({ rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 }));
    client.reset(); // without a word: the guest stands, and the breakpoint is still armed
    const auto before = counter();
    attach();
    EXPECT_EQ(counter(), before);
    ASSERT_OK(client->resume_all());
    for (int round = 0; round < 5; ++round)
        EXPECT_TRUE(counter_moves(*session));
}

TEST_F(QemuStub, H6_a_second_debugger_is_told_so)
{
    attach();
    const auto second =
        rsp::Client::attach(session->debug_address(), { .connect_timeout = 200ms, .reply_timeout = 60s });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::cannot_connect);
    EXPECT_SAYS(second.error(), "another one is attached");
    EXPECT_TRUE(client->threads()); // the first is not disturbed
}

TEST_F(QemuStub, H7_a_qmp_stop_is_a_stop_for_the_client)
{
    attach();
    ASSERT_OK(client->resume_all());
    ASSERT_TRUE(counter_moves(*session));
    ASSERT_OK(session->monitor()->stop());
    const auto stop = client->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->signal, 2);
    ASSERT_OK(client->read_registers(cpu_0));
    ASSERT_OK(client->resume_all());
    EXPECT_TRUE(counter_moves(*session));
}

TEST(QemuStubAtReset, H10_the_layout_holds_in_real_mode_and_in_long_mode)
{
    auto options = guest_options();
    options.stopped_at_start = true;
    const auto session = start_guest(options);
    ASSERT_TRUE(session);
    const auto registers = session->registers(0);
    ASSERT_OK(registers);
    EXPECT_EQ(registers->rip(), 0xfff0u); // the reset vector: 16-bit real mode
    EXPECT_EQ(registers->cr0 & 1, 0u);
    const auto stop = session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
    const auto later = session->registers(0);
    ASSERT_OK(later);
    EXPECT_EQ(later->rip(), GUEST_TICK);
    EXPECT_EQ(later->cr3, GUEST_PML4);
    EXPECT_NE(later->efer & 0x400, 0u); // long mode is active
}

TEST_F(QemuStub, reads_and_writes_memory_of_any_length)
{
    attach();
    std::vector<std::byte> written(3 * 4096 + 100), over_virtual(written.size()), over_physical(written.size());
    for (std::size_t i = 0; i < written.size(); ++i)
        written[i] = static_cast<std::byte>(i * 7 + i / 256);
    constexpr std::uint64_t place = 0x1a0ff0;
    ASSERT_OK(client->write_memory(cpu_0, GUEST_HIGH + place, written));
    ASSERT_OK(client->read_memory(cpu_0, place, over_virtual));
    EXPECT_EQ(over_virtual, written);
    ASSERT_OK(client->read_physical(place, over_physical));
    EXPECT_EQ(over_physical, written);
    std::vector<std::byte> shared(written.size());
    ASSERT_OK(session->memory().read(place, shared));
    EXPECT_EQ(shared, written);
    written[5000] ^= std::byte { 0xff };
    ASSERT_OK(client->write_physical(place + 5000, std::span(written).subspan(5000, 1)));
    ASSERT_OK(client->read_memory(cpu_0, place, over_virtual));
    EXPECT_EQ(over_virtual, written);
}

TEST_F(QemuStub, names_the_page_that_is_not_mapped)
{
    attach();
    std::vector<std::byte> bytes(2 * 4096);
    const auto done = client->read_memory(cpu_0, GUEST_UNMAPPED - 4096, bytes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unmapped);
    EXPECT_SAYS(done.error(), "0x5000");
    EXPECT_EQ(client->write_memory(cpu_0, GUEST_UNMAPPED, std::span(bytes).first(8)).error().code, ErrorCode::unmapped);
    EXPECT_TRUE(client->read_memory(cpu_0, GUEST_UNMAPPED + 4096, std::span(bytes).first(8)));
}

TEST_F(QemuStub, steps_one_vcpu_while_the_other_stands)
{
    attach();
    ASSERT_OK(client->insert({ rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 }));
    ASSERT_OK(client->resume_all());
    auto stop = client->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->thread, cpu_0);
    EXPECT_EQ(*client->read_register(cpu_0, "rip"), GUEST_TICK);
    const auto other = word(*session, GUEST_COUNTER_1);
    for (std::uint64_t offset = 1; offset <= 2; ++offset) {
        ASSERT_OK(client->step(cpu_0, 60s));
        EXPECT_EQ(*client->read_register(cpu_0, "rip"), GUEST_TICK + offset);
    }
    EXPECT_EQ(word(*session, GUEST_COUNTER_1), other);
    // And the other way round: CPU 1 runs alone.
    const auto first = counter();
    ASSERT_OK(client->resume_only(cpu_1));
    EXPECT_TRUE(counter_moves(*session, GUEST_COUNTER_1));
    ASSERT_OK(client->interrupt());
    ASSERT_OK(client->wait_for_stop(patience()));
    EXPECT_EQ(counter(), first);
}

TEST_F(QemuStub, single_step_flags)
{
    attach();
    EXPECT_EQ(*client->step_flags(), 7u);
    ASSERT_OK(client->set_step_flags(1));
    EXPECT_EQ(*client->step_flags(), 1u);
}

TEST_F(QemuStub, qemu_killed_while_we_wait)
{
    attach();
    ASSERT_OK(client->resume_all());
    const auto status = session->monitor()->execute("query-version"); // it is there
    ASSERT_OK(status);
    session->close();
    auto stop = client->wait_for_stop(patience());
    if (stop) { // QEMU may tell of its exit before it closes
        EXPECT_EQ(stop->kind, rsp::StopReply::Kind::exited);
        EXPECT_EQ(client->threads().error().code, ErrorCode::ended);
    } else {
        EXPECT_EQ(stop.error().code, ErrorCode::connection_lost);
        EXPECT_EQ(client->state(), rsp::RunState::lost);
        EXPECT_EQ(client->threads().error().code, ErrorCode::connection_lost);
    }
}

TEST(QemuStubOverTcp, delay_is_switched_off)
{
    // A free port, by asking the kernel for one and giving it back.
    Descriptor probe { ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    probe.reset();

    auto options = guest_options();
    options.tcp_debug_address = name;
    const auto session = start_guest(options);
    ASSERT_TRUE(session);
    EXPECT_SAYS(session->control().error(), "was given to another debugger");
    auto other = Session::attach({ .address = name, .timeout = 60s });
    ASSERT_OK(other);
    int on = 0;
    socklen_t length = sizeof on;
    ASSERT_EQ(
        ::getsockopt((*(*other)->control())->connection().descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
    EXPECT_NE(on, 0);
    // A request takes microseconds; with the delay a hundred of them take two seconds.
    EXPECT_EQ(*(*other)->page_table_root(0), GUEST_PML4);
}

} // namespace orrery::inspector::test
