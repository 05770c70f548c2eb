// A session with a real QEMU: starting, live memory, console, pausing, ending clean.
#include <csignal>
#include <cstdio>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

#include "inspector/core/ram/shared_memory.h"
#include "inspector/core/ram/virtual_memory.h"
#include "tests/protocol/qemu_fixture.h"

namespace orrery::inspector::test {

namespace {
// Guest physical address by QEMU's own walk; nullopt where it says unmapped.
std::optional<std::uint64_t> ask_qemu(Session& session, std::uint64_t address)
{
    char line[40];
    std::snprintf(line, sizeof line, "gva2gpa 0x%lx", static_cast<unsigned long>(address));
    const auto text = session.monitor()->human_command(line);
    unsigned long physical = 0;
    if (!text || std::sscanf(text->c_str(), "gpa: %lx", &physical) != 1) return std::nullopt;
    return physical;
}
} // namespace

TEST(QemuSession, memory_moves_while_the_guest_runs_and_nobody_stops_it)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    EXPECT_TRUE(session->launched());
    EXPECT_TRUE(session->memory_is_live());
    const auto generation = session->generation();
    for (int round = 0; round < 10; ++round) {
        EXPECT_TRUE(counter_moves(*session, GUEST_COUNTER));
        EXPECT_TRUE(counter_moves(*session, GUEST_COUNTER_1));
    }
    EXPECT_EQ(session->state(), GuestState::running);
    EXPECT_EQ(session->generation(), generation);
    EXPECT_FALSE(session->has_control());
    EXPECT_EQ(*session->page_table_root(1), GUEST_PML4); // through QMP
    EXPECT_EQ(session->generation(), generation);
    EXPECT_EQ(*session->cpu_count(), 2u);
    EXPECT_EQ(session->registers(0).error().code, ErrorCode::busy);
    EXPECT_SAYS(session->registers(0).error(), "pause it first");
}

TEST(QemuSession, pause_and_run_need_no_stub)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    for (int round = 0; round < 5; ++round) {
        const auto generation = session->generation();
        const auto stop = session->pause();
        ASSERT_OK(stop);
        EXPECT_EQ(stop->reason, Stop::Reason::paused);
        EXPECT_EQ(session->state(), GuestState::stopped);
        const auto before = word(*session, GUEST_COUNTER);
        ASSERT_OK(session->monitor()->status());
        EXPECT_EQ(word(*session, GUEST_COUNTER), before);
        ASSERT_OK(session->pause()); // again: no error
        ASSERT_OK(session->run());
        ASSERT_OK(session->run());
        EXPECT_EQ(session->state(), GuestState::running);
        EXPECT_TRUE(counter_moves(*session));
        EXPECT_GT(session->generation(), generation);
    }
    EXPECT_FALSE(session->has_control());
}

TEST(QemuSession, what_another_monitor_does_is_seen)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->monitor()->stop());
    EXPECT_TRUE(session->wait_for_stop(patience()));
    EXPECT_EQ(session->state(), GuestState::stopped);
    ASSERT_OK(session->monitor()->resume());
    EXPECT_TRUE(eventually(*session, [&] { return session->state() == GuestState::running; }));
    // Now with the stub attached, which is told of a stop but not of a resume.
    ASSERT_OK(session->control());
    EXPECT_EQ(session->state(), GuestState::running);
    ASSERT_OK(session->monitor()->stop());
    ASSERT_OK(session->wait_for_stop(patience()));
    ASSERT_OK(session->registers(0));
    ASSERT_OK(session->monitor()->resume());
    EXPECT_EQ(session->state(), GuestState::running);
    EXPECT_EQ(session->registers(0).error().code, ErrorCode::busy);
    ASSERT_TRUE(counter_moves(*session));
    ASSERT_OK(session->pause());
    EXPECT_TRUE(session->registers(0));
}

TEST(QemuSession, starts_stopped_if_told)
{
    auto options = guest_options();
    options.stopped_at_start = true;
    const auto session = start_guest(options);
    ASSERT_TRUE(session);
    EXPECT_EQ(session->state(), GuestState::stopped);
    EXPECT_EQ(word(*session, GUEST_COUNTER), 0u);
    ASSERT_OK(session->run());
    EXPECT_TRUE(counter_moves(*session));
}

TEST(QemuSession, control_is_taken_without_a_trace_and_given_back)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->control());
    EXPECT_EQ(session->state(), GuestState::running);
    EXPECT_TRUE(counter_moves(*session));
    ASSERT_OK(session->pause());
    ASSERT_OK(session->set_points({ { rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 } }));
    ASSERT_OK(session->release_control());
    EXPECT_EQ(session->state(), GuestState::stopped);
    EXPECT_FALSE(session->has_control());
    ASSERT_OK(session->run());
    EXPECT_TRUE(counter_moves(*session));
    EXPECT_TRUE(counter_moves(*session));
    // Another debugger can have it now.
    EXPECT_TRUE(rsp::Client::attach(session->debug_address()));
}

TEST(QemuSession, console_is_complete_and_live)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    EXPECT_TRUE(eventually(*session, [&] { return session->console().text() == "R"; }));
    ASSERT_OK(session->pause());
    constexpr std::size_t lines = 3000; // 48 KB: more than any buffer on the way
    give_command(*session, GUEST_PRINT_MANY, lines);
    ASSERT_OK(session->run());
    ASSERT_TRUE(eventually(*session, [&] { return session->console().size() == 1 + 16 * lines; }));
    const auto text = session->console().text();
    for (std::size_t line = 0; line < lines; ++line)
        ASSERT_EQ(text.substr(1 + 16 * line, 16), "0123456789abcde\n") << line;
    EXPECT_EQ(session->console().text(1 + 16 * (lines - 1)), "0123456789abcde\n");
    EXPECT_EQ(session->console().text(1, 4), "0123");
    EXPECT_EQ(session->console().text(1 << 20), "");
    ASSERT_OK(session->type("hi"));
    EXPECT_TRUE(eventually(*session, [&] { return session->console().text(1 + 16 * lines) == "hi"; }));
}

TEST(QemuSession, tells_how_the_guest_ended)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    EXPECT_EQ(session->exit_status().error().code, ErrorCode::busy);
    ASSERT_OK(session->pause());
    give_command(*session, GUEST_EXIT, 0x10);
    ASSERT_OK(session->run());
    const auto stop = session->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::ended);
    EXPECT_EQ(session->state(), GuestState::ended);
    const auto exit = session->exit_status();
    ASSERT_OK(exit);
    EXPECT_EQ(exit->number, 33);
    EXPECT_EQ(exit->guest_code(), 0x10u);
    EXPECT_EQ(exit->sentence(), "the guest ended with code 16");
    // The last picture stays, and nothing else does anything.
    EXPECT_NE(word(*session, GUEST_COUNTER), 0u);
    EXPECT_EQ(session->run().error().code, ErrorCode::ended);
    EXPECT_EQ(session->pause().error().code, ErrorCode::ended);
    EXPECT_EQ(session->registers(0).error().code, ErrorCode::ended);
    EXPECT_EQ(session->control().error().code, ErrorCode::ended);
    EXPECT_EQ(session->step(0).error().code, ErrorCode::ended);
    EXPECT_EQ(session->type("x").error().code, ErrorCode::ended);
    session->close();
    EXPECT_TRUE(session->exit_status());
}

TEST(QemuSession, code_0_is_told_from_a_failure)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->pause());
    give_command(*session, GUEST_EXIT, 0);
    ASSERT_OK(session->run());
    ASSERT_OK(session->wait_for_stop(patience()));
    EXPECT_EQ(session->exit_status()->guest_code(), 0u);
    EXPECT_EQ((QemuExit { false, 1, "qemu: out of luck\n" }.guest_code()), std::nullopt);
    EXPECT_EQ(
        (QemuExit { false, 1, "x\nqemu: out of luck\n" }.sentence()), "QEMU ended with status 1: qemu: out of luck");
}

TEST(QemuSession, close_leaves_nothing_behind)
{
    auto session = start_guest();
    ASSERT_TRUE(session);
    const std::filesystem::path socket = session->debug_address();
    struct stat facts {};
    ASSERT_EQ(::stat(socket.parent_path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0700u); // the guest can be controlled through it
    EXPECT_TRUE(std::filesystem::exists(socket));
    session->close();
    EXPECT_EQ(session->state(), GuestState::ended);
    EXPECT_FALSE(std::filesystem::exists(socket.parent_path()));
    EXPECT_TRUE(session->event_descriptors().empty());
    session->close();
}

TEST(QemuSession, request_pause_from_another_thread)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->control());
    for (int round = 0; round < 3; ++round) {
        std::thread button([&] { session->request_pause(); });
        const auto stop = round == 0 ? session->wait_for_stop(patience())
                                     : session->run_until({ .addresses = { 0x101041 }, .deadline = patience() });
        button.join();
        ASSERT_OK(stop);
        EXPECT_EQ(stop->reason, Stop::Reason::cancelled);
        EXPECT_EQ(session->state(), GuestState::stopped);
        ASSERT_OK(session->run());
        EXPECT_EQ(session->wait_for_stop(deadline_in(1ms)).error().code, ErrorCode::timed_out); // pressed once only
    }
}

TEST(QemuSession, translates_like_qemu)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->pause());
    const auto cr3 = session->page_table_root(0);
    ASSERT_OK(cr3);
    const ram::AddressTranslator translator(session->memory(), *cr3);
    unsigned mapped = 0, unmapped = 0;
    for (const std::uint64_t base : { std::uint64_t { 0 }, std::uint64_t { GUEST_UNMAPPED }, std::uint64_t { 0x101000 },
             std::uint64_t { 0x1fffff }, std::uint64_t { 0x200000 }, std::uint64_t { 0x3fffffff },
             std::uint64_t { GUEST_GIGANTIC }, std::uint64_t { 0x7fffffff }, std::uint64_t { 0x80000000 },
             std::uint64_t { 0xfee00000 }, std::uint64_t { GUEST_HIGH }, std::uint64_t { GUEST_HIGH + 0x1fffff },
             std::uint64_t { GUEST_HIGH + 0x200000 }, std::uint64_t { 0xffffffff7fffffff },
             std::uint64_t { 0x7fffffffffff }, std::uint64_t { 0x8000000000 } }) {
        const auto ours = translator.translate(base);
        const auto theirs = ask_qemu(*session, base);
        EXPECT_EQ(ours.has_value(), theirs.has_value()) << std::hex << base;
        if (ours && theirs) EXPECT_EQ(*ours, *theirs) << std::hex << base;
        ++(ours ? mapped : unmapped);
    }
    EXPECT_GE(mapped, 8u);
    EXPECT_GE(unmapped, 5u);
    std::uint64_t value = 0;
    ASSERT_OK(session->read_virtual(*cr3, GUEST_HIGH + GUEST_COUNTER, std::as_writable_bytes(std::span(&value, 1))));
    EXPECT_EQ(value, word(*session, GUEST_COUNTER));
}

TEST(QemuSession, memory_above_4_gib_is_where_qemu_puts_it)
{
    for (const unsigned mebibytes : { 2815u, 2816u }) { // one MiB below the split, and the split
        auto options = guest_options();
        options.memory_mebibytes = mebibytes;
        options.stopped_at_start = true;
        const auto session = start_guest(options);
        ASSERT_TRUE(session);
        auto client = session->control();
        ASSERT_OK(client);
        const auto ram = std::uint64_t { mebibytes } << 20;
        const auto split = ram::RamSplit::for_q35(ram);
        const std::uint64_t last =
            split.above_4g ? (std::uint64_t { 4 } << 30) + split.above_4g - 8 : split.below_4g - 8;
        for (const auto address : { split.below_4g - 8, last }) {
            const std::uint64_t mark = 0x0123'4567'89ab'cdef ^ address;
            ASSERT_OK((*client)->write_physical(address, std::as_bytes(std::span(&mark, 1))));
            EXPECT_EQ(word(*session, address), mark) << std::hex << address;
        }
        EXPECT_EQ(session->memory().physical_size(), last + 8);
    }
}

TEST(QemuSession, qemu_killed_under_us)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    ASSERT_OK(session->control());
    const std::filesystem::path directory = std::filesystem::path(session->debug_address()).parent_path();
    ASSERT_OK(session->monitor()->human_command("info status"));
    // QEMU's process id, by the one who serves the socket.
    struct ucred peer {};
    socklen_t size = sizeof peer;
    ASSERT_EQ(::getsockopt((*session->control())->connection().descriptor(), SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    ASSERT_EQ(::kill(peer.pid, SIGKILL), 0);
    const auto stop = session->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::ended);
    const auto exit = session->exit_status();
    ASSERT_OK(exit);
    EXPECT_TRUE(exit->by_signal);
    EXPECT_EQ(exit->sentence(), "QEMU was killed by signal 9 (SIGKILL)");
    EXPECT_EQ(session->pause().error().code, ErrorCode::ended);
    EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST(QemuSession, deterministic_with_icount)
{
    std::uint64_t counts[2] {};
    for (auto& count : counts) {
        auto options = guest_options();
        options.cpus = 1;
        options.icount_shift = 0;
        options.stopped_at_start = true;
        const auto session = start_guest(options);
        ASSERT_TRUE(session);
        auto seen = 0;
        const auto stop = session->run_until({ .addresses = { GUEST_TICK },
            .predicate = [&](const Stop&) -> Result<bool> { return ++seen == 20; },
            .deadline = patience() });
        ASSERT_OK(stop);
        const auto registers = session->registers(0);
        ASSERT_OK(registers);
        count = word(*session, GUEST_COUNTER);
        EXPECT_EQ(count, 20u);
    }
    EXPECT_EQ(counts[0], counts[1]);
}

TEST(QemuSession, attached_over_the_stub_alone)
{
    const auto owner = start_guest();
    ASSERT_TRUE(owner);
    auto attached = Session::attach({ .address = owner->debug_address(), .timeout = 60s });
    ASSERT_OK(attached);
    auto& session = **attached;
    EXPECT_FALSE(session.launched());
    EXPECT_EQ(session.state(), GuestState::stopped);
    EXPECT_EQ(session.last_stop()->reason, Stop::Reason::paused);
    EXPECT_EQ(*session.cpu_count(), 2u);
    EXPECT_EQ(word(session, GUEST_COUNTER), word(*owner, GUEST_COUNTER));
    const auto cr3 = session.page_table_root(0);
    ASSERT_OK(cr3);
    std::uint64_t value = 0;
    ASSERT_OK(session.read_virtual(*cr3, GUEST_HIGH + GUEST_COUNTER_1, std::as_writable_bytes(std::span(&value, 1))));
    EXPECT_EQ(value, word(*owner, GUEST_COUNTER_1));
    // The cache must not survive a run, nor a write.
    const auto stop = session.run_until({ .addresses = { GUEST_TICK }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
    EXPECT_EQ(word(session, GUEST_COUNTER), word(*owner, GUEST_COUNTER));
    const std::uint64_t mark = 77;
    ASSERT_OK(session.write_virtual(*cr3, GUEST_WATCHED, std::as_bytes(std::span(&mark, 1))));
    EXPECT_EQ(word(session, GUEST_WATCHED), 77u);
    ASSERT_OK(session.run());
    EXPECT_EQ(session.memory().value<std::uint64_t>(GUEST_COUNTER).error().code, ErrorCode::busy);
    ASSERT_OK(session.pause());
    EXPECT_EQ(session.exit_status().error().code, ErrorCode::unsupported);
    EXPECT_EQ(session.type("x").error().code, ErrorCode::unsupported);
    ASSERT_OK(session.set_points({ { rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 } }));
    session.close();
    // It runs on, without our breakpoint.
    EXPECT_TRUE(counter_moves(*owner));
    EXPECT_TRUE(counter_moves(*owner));
}

TEST(QemuSession, attached_guest_dies)
{
    auto owner = start_guest();
    ASSERT_TRUE(owner);
    auto attached = Session::attach({ .address = owner->debug_address(), .timeout = 60s });
    ASSERT_OK(attached);
    owner->close();
    EXPECT_EQ((*attached)->state(), GuestState::ended);
    EXPECT_EQ((*attached)->run().error().code, ErrorCode::ended);
    EXPECT_EQ((*attached)->registers(0).error().code, ErrorCode::ended);
}

} // namespace orrery::inspector::test
