// Running to places: breakpoints that are stepped off, address spaces, watchpoints, both CPUs, deadlines and buttons.
#include <thread>

#include "tests/protocol/qemu_fixture.h"

namespace orrery::inspector::test {

namespace {
struct QemuControl : testing::Test {
    std::unique_ptr<Session> session = start_guest();
    void SetUp() override { ASSERT_TRUE(session); }
    std::uint64_t counter() { return word(*session, GUEST_COUNTER); }
};
const rsp::Point tick { rsp::PointKind::hardware_breakpoint, GUEST_TICK, 1 };
const rsp::Point tick_1 { rsp::PointKind::software_breakpoint, GUEST_TICK_1, 1 };
} // namespace

TEST_F(QemuControl, every_run_makes_progress)
{
    ASSERT_OK(session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() }));
    const auto first = counter();
    for (std::uint64_t round = 1; round <= 20; ++round) {
        const auto stop = session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() });
        ASSERT_OK(stop);
        EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
        EXPECT_EQ(stop->cpu, 0u);
        EXPECT_EQ(stop->rip, GUEST_TICK);
        EXPECT_EQ(stop->cr3, GUEST_PML4);
        EXPECT_EQ(counter(), first + round);
    }
    // The points of a run do not stay.
    ASSERT_OK(session->run());
    EXPECT_TRUE(counter_moves(*session));
    EXPECT_EQ(session->state(), GuestState::running);
}

TEST_F(QemuControl, both_cpus_on_breakpoints_make_progress)
{
    ASSERT_OK(session->set_points({ tick, tick_1 }));
    std::uint64_t hits[2] {};
    const auto before = counter(), before_1 = word(*session, GUEST_COUNTER_1);
    for (int round = 0; round < 60; ++round) {
        ASSERT_OK(session->run());
        const auto stop = session->wait_for_stop(patience());
        ASSERT_OK(stop);
        ASSERT_EQ(stop->reason, Stop::Reason::breakpoint);
        EXPECT_EQ(stop->rip, stop->cpu == 0 ? GUEST_TICK : GUEST_TICK_1);
        ++hits[stop->cpu];
    }
    EXPECT_GE(hits[0], 2u);
    EXPECT_GE(hits[1], 2u);
    // One round each hit: none twice, none lost (the first may have been under way, the last may be pending).
    EXPECT_LE(counter() - before, hits[0] + 1);
    EXPECT_GE(counter() - before + 1, hits[0]);
    EXPECT_LE(word(*session, GUEST_COUNTER_1) - before_1, hits[1] + 1);
    EXPECT_GE(word(*session, GUEST_COUNTER_1) - before_1 + 1, hits[1]);
}

TEST_F(QemuControl, points_may_change_while_it_runs)
{
    EXPECT_EQ(session->state(), GuestState::running);
    ASSERT_OK(session->set_points({ tick }));
    const auto stop = session->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
    ASSERT_OK(session->set_points({}));
    ASSERT_OK(session->run());
    ASSERT_OK(session->set_points({ { rsp::PointKind::hardware_breakpoint, 0xdead000, 1 } }));
    EXPECT_EQ(session->state(), GuestState::running);
    EXPECT_TRUE(counter_moves(*session));
    EXPECT_EQ(session->points().size(), 1u);
    EXPECT_EQ(
        session->set_points({ { rsp::PointKind::write_watch, 0x1000, 0 } }).error().code, ErrorCode::invalid_argument);
}

TEST_F(QemuControl, H9_a_breakpoint_hits_in_every_address_space_and_the_filter_tells_them_apart)
{
    const auto usual = session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() });
    ASSERT_OK(usual);
    EXPECT_EQ(usual->cr3, GUEST_PML4);
    give_command(*session, GUEST_OTHER_SPACE);
    // The next call of tick is in the other space: asked for the usual one, it is passed over.
    const auto before = counter();
    const auto passed
        = session->run_until({ .addresses = { GUEST_TICK }, .cr3 = GUEST_PML4, .deadline = patience() });
    ASSERT_OK(passed);
    EXPECT_EQ(passed->cr3, GUEST_PML4);
    EXPECT_EQ(counter(), before + 1);
    give_command(*session, GUEST_OTHER_SPACE);
    const auto stop =
        session->run_until({ .addresses = { GUEST_TICK }, .cr3 = GUEST_OTHER_PML4 | 0x18, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
    EXPECT_EQ(stop->rip, GUEST_TICK);
    EXPECT_EQ(stop->cr3, GUEST_OTHER_PML4);
    EXPECT_EQ(*session->page_table_root(0), GUEST_OTHER_PML4);
}

TEST_F(QemuControl, watchpoints_stop_after_the_access)
{
    ASSERT_OK(session->pause());
    give_command(*session, GUEST_WRITE, 0x55);
    const auto stop = session->run_until(
        { .watches = { { rsp::PointKind::write_watch, GUEST_WATCHED, 8 } }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::watchpoint);
    EXPECT_EQ(stop->watch, rsp::WatchKind::write);
    EXPECT_EQ(stop->watch_address, GUEST_WATCHED);
    EXPECT_EQ(stop->rip, GUEST_STORE + 8u);
    EXPECT_EQ(word(*session, GUEST_WATCHED), 0x55u);
    // Armed, it is met again, and reads are not writes.
    ASSERT_OK(session->set_points({ { rsp::PointKind::access_watch, GUEST_COUNTER_1, 8 } }));
    ASSERT_OK(session->run());
    const auto next = session->wait_for_stop(patience());
    ASSERT_OK(next);
    EXPECT_EQ(next->reason, Stop::Reason::watchpoint);
    EXPECT_EQ(next->cpu, 1u);
}

TEST_F(QemuControl, a_predicate_decides_which_hit)
{
    ASSERT_OK(session->pause());
    const auto target = counter() + 10;
    unsigned asked = 0;
    const auto stop = session->run_until({ .addresses = { GUEST_TICK },
        .predicate = [&](const Stop& hit) -> Result<bool> {
            ++asked;
            EXPECT_EQ(hit.rip, GUEST_TICK);
            return session->registers(0).has_value() && counter() >= target;
        },
        .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(counter(), target);
    EXPECT_GE(asked, 10u);
    const auto failed = session->run_until(
        { .addresses = { GUEST_TICK }, .predicate = [](const Stop&) -> Result<bool> { return failure("no idea"); } });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().sentence, "no idea");
    EXPECT_EQ(session->state(), GuestState::stopped);
    ASSERT_OK(session->run());
    EXPECT_TRUE(counter_moves(*session)); // and its breakpoint is gone
}

TEST_F(QemuControl, deadlines_and_buttons_leave_it_paused)
{
    auto stop = session->run_until({ .addresses = { 0xdead000 }, .deadline = deadline_in(20ms) });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::deadline);
    EXPECT_EQ(session->state(), GuestState::stopped);
    // A place that is hit all the time must not hide the clock.
    stop = session->run_until({ .addresses = { GUEST_TICK },
        .predicate = [](const Stop&) -> Result<bool> { return false; },
        .deadline = deadline_in(50ms) });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::deadline);
    Cancellation button;
    std::thread thread([&] { button.cancel(); });
    stop = session->run_until({ .addresses = { 0xdead000 }, .deadline = patience(), .cancellation = &button });
    thread.join();
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::cancelled);
    EXPECT_EQ(session->state(), GuestState::stopped);
    ASSERT_OK(session->run());
    EXPECT_TRUE(counter_moves(*session));
}

TEST_F(QemuControl, an_armed_point_ends_a_run_to_another_place)
{
    ASSERT_OK(session->pause());
    ASSERT_OK(session->set_points({ tick_1 }));
    const auto stop = session->run_until({ .addresses = { 0xdead000 }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::breakpoint);
    EXPECT_EQ(stop->rip, GUEST_TICK_1);
    EXPECT_EQ(stop->cpu, 1u);
}

TEST_F(QemuControl, the_end_of_the_guest_ends_a_run)
{
    ASSERT_OK(session->pause());
    give_command(*session, GUEST_EXIT, 3);
    const auto stop = session->run_until({ .addresses = { 0xdead000 }, .deadline = patience() });
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::ended);
    EXPECT_EQ(session->exit_status()->guest_code(), 3u);
}

TEST_F(QemuControl, steps_by_instruction)
{
    ASSERT_OK(session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() }));
    const auto other = word(*session, GUEST_COUNTER_1);
    for (std::uint64_t offset = 1; offset <= 2; ++offset) {
        const auto stop = session->step(0);
        ASSERT_OK(stop);
        EXPECT_EQ(stop->reason, Stop::Reason::step);
        EXPECT_EQ(stop->rip, GUEST_TICK + offset);
    }
    EXPECT_EQ(word(*session, GUEST_COUNTER_1), other);
    EXPECT_EQ(session->step(2).error().code, ErrorCode::invalid_argument);
    ASSERT_OK(session->set_step_into_interrupts(true));
    ASSERT_OK(session->step(1));
    ASSERT_OK(session->run());
    EXPECT_EQ(session->step(0).error().code, ErrorCode::busy);
}

TEST_F(QemuControl, a_step_onto_a_breakpoint_and_off_again)
{
    ASSERT_OK(session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() }));
    ASSERT_OK(session->set_points({ { rsp::PointKind::hardware_breakpoint, GUEST_TICK + 1, 1 } }));
    const auto before = counter();
    auto stop = session->step(0);
    ASSERT_OK(stop);
    EXPECT_EQ(stop->rip, GUEST_TICK + 1u);
    // It was told: the next stop there is the next round's.
    ASSERT_OK(session->run());
    stop = session->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->rip, GUEST_TICK + 1u);
    EXPECT_EQ(counter(), before + 1);
}

TEST_F(QemuControl, a_halted_cpu_ends_its_step)
{
    ASSERT_OK(session->pause());
    give_command(*session, GUEST_HALT);
    auto stop = session->run_until({ .addresses = { GUEST_HALT_AT }, .deadline = patience() });
    ASSERT_OK(stop);
    ASSERT_EQ(stop->rip, GUEST_HALT_AT);
    stop = session->step(0);
    ASSERT_OK(stop);
    EXPECT_EQ(stop->rip, GUEST_HALT_AT + 1u);
    EXPECT_TRUE(session->run());
}

TEST_F(QemuControl, registers_and_memory_are_written)
{
    ASSERT_OK(session->run_until({ .addresses = { GUEST_TICK }, .deadline = patience() }));
    ASSERT_OK(session->write_register(0, "rip", GUEST_TICK + 2));
    ASSERT_OK(session->write_register(0, "r15", 0x1122334455667788));
    const auto registers = session->registers(0);
    ASSERT_OK(registers);
    EXPECT_EQ(registers->rip(), GUEST_TICK + 2u);
    EXPECT_EQ(registers->general[static_cast<unsigned>(abi::SavedRegister::r15)], 0x1122334455667788u);
    const auto stop = session->step(0); // ret
    ASSERT_OK(stop);
    EXPECT_NE(stop->rip, GUEST_TICK + 3u);
    EXPECT_EQ(session->write_register(0, "nonsense", 1).error().code, ErrorCode::invalid_argument);

    // Across a page border, through the high mapping; and nothing at all if a part is not mapped.
    const std::vector<std::byte> bytes(16, std::byte { 0xab });
    ASSERT_OK(session->write_virtual(GUEST_PML4, GUEST_HIGH + 0x1a0ff8, bytes));
    EXPECT_EQ(word(*session, 0x1a0ff8), 0xabababababababab);
    EXPECT_EQ(word(*session, 0x1a1000), 0xabababababababab);
    const auto untouched = word(*session, GUEST_UNMAPPED - 8);
    EXPECT_EQ(session->write_virtual(GUEST_PML4, GUEST_UNMAPPED - 8, bytes).error().code, ErrorCode::unmapped);
    EXPECT_EQ(word(*session, GUEST_UNMAPPED - 8), untouched);
    ASSERT_OK(session->run());
    EXPECT_EQ(session->write_virtual(GUEST_PML4, GUEST_WATCHED, bytes).error().code, ErrorCode::busy);
    EXPECT_EQ(session->write_register(0, "r15", 0).error().code, ErrorCode::busy);
}

} // namespace orrery::inspector::test
