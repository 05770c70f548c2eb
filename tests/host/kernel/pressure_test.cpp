// Memory pressure: who is told, in which order, how often.
#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/cpu/clock.h"
#include "kernel/memory/pressure.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

using abi::MemoryPressure;
constexpr VirtualAddress place = 0x40'0000;

class Pressure : public testing::Test {
protected:
    // A space that holds so many pages, with a thread that waits for pressure `times` times.
    Ref<AddressSpace> listener(const char* name, std::uint64_t pages, MemoryPressure level, int times = 1)
    {
        const auto space = machine_.make_space(name);
        const auto memory = *MemoryObject::create(pages * page_size);
        EXPECT_TRUE(space->map(memory, 0, place, pages * page_size, read_write));
        EXPECT_TRUE(space->advise(place, pages * page_size, abi::Advice::populate));
        EXPECT_EQ(space->account->pages, pages);
        machine_.spawn(space, [this, name, level, times] {
            for (int round = 0; round < times; ++round) {
                const auto told = wait_for_pressure(level, abi::no_deadline);
                if (!told) break;
                order_ += name;
                order_ += std::to_string(static_cast<unsigned>(*told));
            }
        });
        return space;
    }
    void leave_free(std::size_t divisor)
    {
        limit_.reset();
        limit_.emplace(frame_allocator.total_frames() / divisor - 8);
        consider_pressure();
        machine_.run_ready();
    }
    void enough_again()
    {
        limit_.reset();
        consider_pressure();
        machine_.run_ready();
    }
    void end(const std::vector<Ref<AddressSpace>>& spaces)
    {
        limit_.reset();
        consider_pressure();
        for (const auto& space : spaces) space->end({});
        machine_.run_ready();
    }
    Machine machine_;
    std::string order_;
    std::optional<FrameLimit> limit_;
};

TEST_F(Pressure, the_largest_is_told_first_and_one_at_a_time)
{
    set_clock(1'000'000'000);
    const std::vector spaces { listener("small", 10, MemoryPressure::low, 2), listener("large", 300, MemoryPressure::low, 2),
        listener("middle", 100, MemoryPressure::low, 2) };
    machine_.run_ready();
    EXPECT_EQ(order_, "") << "there is enough";
    leave_free(4);
    EXPECT_EQ(order_, "large1middle1small1") << "each comes back by waiting again, and the next is told";
    consider_pressure();
    machine_.run_ready();
    EXPECT_EQ(order_, "large1middle1small1") << "once an episode";
    end(spaces);
}

TEST_F(Pressure, who_does_not_come_back_holds_the_others_up_for_a_while_only)
{
    set_clock(1'000'000'000);
    const std::vector spaces { listener("small", 10, MemoryPressure::low), listener("large", 100, MemoryPressure::low) };
    machine_.run_ready();
    leave_free(4);
    EXPECT_EQ(order_, "large1");
    set_clock(1'050'000'000);
    consider_pressure();
    machine_.run_ready();
    EXPECT_EQ(order_, "large1");
    set_clock(1'200'000'000);
    consider_pressure();
    machine_.run_ready();
    EXPECT_EQ(order_, "large1small1");
    end(spaces);
}

TEST_F(Pressure, each_level_tells_those_that_asked_for_it)
{
    set_clock(1'000'000'000);
    const std::vector spaces { listener("low", 10, MemoryPressure::low, 4), listener("critical", 100, MemoryPressure::critical) };
    machine_.run_ready();
    leave_free(4);
    EXPECT_EQ(order_, "low1");
    leave_free(8);
    EXPECT_EQ(order_, "low1low2") << "worse is a new episode";
    leave_free(32);
    EXPECT_EQ(order_, "low1low2critical3");
    set_clock(2'000'000'000);
    consider_pressure();
    machine_.run_ready();
    EXPECT_EQ(order_, "low1low2critical3low3");
    enough_again();
    leave_free(4);
    EXPECT_EQ(order_, "low1low2critical3low3low1") << "and again after it had passed";
    end(spaces);
}

TEST_F(Pressure, arguments_and_time)
{
    const auto space = machine_.make_space();
    machine_.spawn(space, [] {
        set_clock(1000);
        EXPECT_EQ(wait_for_pressure(MemoryPressure::none, 2000).error(), Error::invalid_argument);
        EXPECT_EQ(wait_for_pressure(static_cast<MemoryPressure>(9), 2000).error(), Error::invalid_argument);
        EXPECT_EQ(wait_for_pressure(MemoryPressure::critical, 2000).error(), Error::timed_out);
    });
    machine_.run_ready();
    set_clock(2000);
    run_expired_timers();
    machine_.run_ready();
    EXPECT_EQ(space->state, SpaceState::ended);
}

} // namespace
} // namespace orrery::kernel::host
