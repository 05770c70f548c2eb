// Ring objects: geometry, who may act for a side, sleeping and waking, and what a hostile peer can do to the header.
#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/ring/ring.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

using abi::RingSide;

class Rings : public testing::Test {
protected:
    ~Rings() override
    {
        ring_ = nullptr;
        space_ = nullptr;
        machine_.unload_space();
        EXPECT_EQ(frame_allocator.free_frames(), free_before_);
    }
    void set_waiting(RingSide side)
    {
        (side == RingSide::producer ? ring_->header->producer : ring_->header->consumer).waiting = 1;
    }
    Error wait(RingSide side, std::uint64_t deadline = abi::no_deadline)
    {
        const Status status = ring_->wait(side, deadline);
        return status ? Error::none : status.error();
    }

    Machine machine_;
    std::size_t free_before_ = frame_allocator.free_frames();
    Ref<AddressSpace> space_ = machine_.make_space();
    Ref<Ring> ring_ = *Ring::create(64, 8);
};

TEST_F(Rings, geometry)
{
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> refused { { 0, 8 }, { 8, 0 }, { 8, 3 }, { 12, 8 },
        { abi::ring_max_entry_size + 8, 8 }, { 8, abi::ring_max_capacity * 2 }, { ~std::uint64_t { 7 }, 8 },
        { 8, std::uint64_t { 1 } << 63 }, { std::uint64_t { 1 } << 32 | 8, 8 }, { 8, std::uint64_t { 1 } << 32 } };
    for (const auto& [size, capacity] : refused)
        EXPECT_EQ(Ring::create(size, capacity).error(), Error::invalid_argument) << size << " " << capacity;
    const auto largest = Ring::create(abi::ring_max_entry_size, abi::ring_max_capacity);
    ASSERT_TRUE(largest);
    EXPECT_EQ((*largest)->memory()->size(),
        abi::ring_entries_offset + std::uint64_t { abi::ring_max_entry_size } * abi::ring_max_capacity);
    EXPECT_EQ(ring_->header->magic, abi::ring_magic);
    EXPECT_EQ(ring_->header->capacity, 8u);
}

TEST_F(Rings, out_of_memory)
{
    for (long count = 0;; ++count) {
        const std::size_t before = frame_allocator.free_frames();
        const AllocationLimit limit(count);
        const auto ring = Ring::create(64, 64);
        if (ring) break;
        ASSERT_EQ(ring.error(), Error::out_of_memory);
        ASSERT_EQ(frame_allocator.free_frames(), before);
    }
    const FrameLimit limit(0);
    EXPECT_EQ(Ring::create(64, 64).error(), Error::out_of_memory);
}

TEST_F(Rings, sleeps_only_while_the_word_is_set)
{
    std::vector<Error> results;
    machine_.spawn(space_, [&] {
        results.push_back(wait(RingSide::consumer));
        set_waiting(RingSide::consumer);
        results.push_back(wait(RingSide::consumer));
    });
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::would_block })) << "and sleeps now";
    EXPECT_EQ(ring_->wake_side(RingSide::producer), 0u);
    EXPECT_EQ(ring_->wake_side(RingSide::consumer), 1u);
    EXPECT_EQ(ring_->wake_side(RingSide::consumer), 0u);
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::would_block, Error::none }));
}

TEST_F(Rings, one_sleeper_a_side)
{
    std::vector<Error> results;
    set_waiting(RingSide::consumer);
    set_waiting(RingSide::producer);
    for (int index = 0; index < 2; ++index)
        machine_.spawn(space_, [&] { results.push_back(wait(RingSide::consumer)); });
    machine_.spawn(space_, [&] { results.push_back(wait(RingSide::producer)); });
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::already_exists })) << "the second consumer; the producer may sleep too";
    ring_->wake_side(RingSide::consumer);
    ring_->wake_side(RingSide::producer);
    machine_.run_ready();
    EXPECT_EQ(results.size(), 3u);
}

TEST_F(Rings, time_out_and_end_leave_no_sleeper)
{
    set_clock(1000);
    std::vector<Error> results;
    set_waiting(RingSide::consumer);
    machine_.spawn(space_, [&] {
        results.push_back(wait(RingSide::consumer, 2000));
        results.push_back(wait(RingSide::consumer));
    });
    machine_.run_ready();
    set_clock(2000);
    machine_.run_ready();
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::timed_out }));
    space_->end({});
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::timed_out, Error::interrupted }));
    EXPECT_EQ(ring_->wake_side(RingSide::consumer), 0u);
}

TEST_F(Rings, the_last_handle_of_a_side_counts)
{
    HandleTable table;
    const auto both = *table.insert(ring_, abi::right_produce | abi::right_consume);
    const auto producer = *table.insert(ring_, abi::right_produce);
    const auto spectator = *table.insert(ring_, abi::right_duplicate);
    std::vector<Error> results;
    set_waiting(RingSide::consumer);
    machine_.spawn(space_, [&] {
        results.push_back(wait(RingSide::consumer));
        results.push_back(wait(RingSide::consumer));
    });
    machine_.run_ready();
    EXPECT_TRUE(table.close(spectator));
    EXPECT_TRUE(table.close(producer));
    EXPECT_EQ(ring_->header->kernel_broken, 0u) << "there is another handle that may produce";
    machine_.run_ready();
    EXPECT_TRUE(results.empty());
    EXPECT_TRUE(table.close(both));
    EXPECT_EQ(ring_->header->kernel_broken, static_cast<std::uint32_t>(abi::BrokenReason::peer_closed));
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::peer_closed, Error::peer_closed }));
}

// A peer that is gone by its handles may still map the memory and say that nothing has happened.
TEST_F(Rings, the_peer_cannot_take_its_end_back)
{
    HandleTable table;
    const auto producer = *table.insert(ring_, abi::right_produce);
    ASSERT_TRUE(table.insert(ring_, abi::right_consume));
    std::vector<Error> results;
    set_waiting(RingSide::consumer);
    machine_.spawn(space_, [&] {
        results.push_back(wait(RingSide::consumer));
        results.push_back(wait(RingSide::consumer));
    });
    machine_.run_ready();
    EXPECT_TRUE(table.close(producer));
    ring_->header->kernel_broken = 0;
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::peer_closed, Error::peer_closed }));
    space_->end({});
    machine_.run_ready();
}

} // namespace
} // namespace orrery::kernel::host
