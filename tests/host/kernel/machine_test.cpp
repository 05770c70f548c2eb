// The machine itself: threads run, end and leave nothing behind, on one CPU and on several.
#include "machine.h"
#include "kernel/thread/scheduler.h"

#include <gtest/gtest.h>

namespace orrery::kernel::host {
namespace {

TEST(HostMachine, runs_a_thread_to_its_end)
{
    Machine machine;
    const std::size_t free_before = frame_allocator.free_frames();
    {
        auto space = machine.make_space();
        int ran = 0;
        auto thread = machine.spawn(space, [&] { ++ran; });
        machine.run_ready();
        EXPECT_EQ(ran, 1);
        EXPECT_EQ(space->state, SpaceState::ended);
    }
    machine.unload_space();
    EXPECT_EQ(frame_allocator.free_frames(), free_before);
}

TEST(HostMachine, runs_threads_on_several_cpus)
{
    Machine machine(3);
    auto space = machine.make_space();
    std::atomic<int> ran { 0 };
    for (int index = 0; index < 20; ++index)
        machine.spawn(space, [&] {
            for (int round = 0; round < 10; ++round) {
                schedule();
                user_point();
            }
            ++ran;
        });
    machine.run_until([&] { return space->state == SpaceState::ended; });
    EXPECT_EQ(ran, 20);
}

} // namespace
} // namespace orrery::kernel::host
