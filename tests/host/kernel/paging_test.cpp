// Paged memory objects on pagers that answer, lie, fail and never answer; and the slot table under all objects.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "kernel/memory/reclaim.h"
#include "kernel/memory/slot_table.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

TEST(SlotTables, against_a_model)
{
    Machine machine;
    for (const std::uint64_t pages : { 1ul, 3ul, 512ul, 513ul, 300'000ul, 1ul << 34 }) {
        SlotTable table(pages);
        Charge nobody;
        std::map<std::uint64_t, Slot> model;
        std::mt19937_64 random(pages);
        EXPECT_EQ(table.next(0), pages);
        for (int step = 0; step < 300; ++step) {
            const std::uint64_t page = random() % pages;
            Slot* const slot = *table.make(page, nobody);
            const Slot value = random() << 5;
            EXPECT_EQ(*slot, model.contains(page) ? model[page] : 0);
            *slot = model[page] = value;
            EXPECT_EQ(table.find(page), slot);
        }
        std::map<std::uint64_t, Slot> found;
        for (std::uint64_t page = table.next(0); page < pages; page = table.next(page + 1))
            if (*table.find(page) != 0) found[page] = *table.find(page);
        std::erase_if(model, [](const auto& entry) { return entry.second == 0; });
        EXPECT_EQ(found, model);
    }
}

TEST(SlotTables, running_out_leaves_a_sound_table)
{
    Machine machine;
    constexpr long needed = 4; // nodes
    for (long allowed = 0; allowed <= needed; ++allowed) {
        SlotTable table(1ul << 30);
        const auto account = MemoryAccount::create();
        Charge charge(account.get());
        {
            AllocationLimit limit(allowed);
            EXPECT_EQ(table.make(0x1234'5678, charge).has_value(), allowed == needed) << allowed;
        }
        EXPECT_EQ(account->charged(), static_cast<std::uint64_t>(allowed)) << "what was made, and no more";
        EXPECT_EQ(**table.make(0x1234'5678, charge), 0u);
        EXPECT_EQ(account->charged(), static_cast<std::uint64_t>(needed));
        EXPECT_EQ(table.next(0), 0x1234'5678u / 512 * 512);
    }
}

// Answers from a script; by default puts a page that holds its offset.
class FakePager final : public Pager {
public:
    explicit FakePager(std::function<Status(std::uint64_t)> answer) : answer_(std::move(answer)) {}
    Status fetch(std::uint64_t offset, bool) override { return answer_(offset); }
    std::uint32_t number() const override { return 77; }

private:
    std::function<Status(std::uint64_t)> answer_;
};

class Paging : public testing::Test {
protected:
    ~Paging() override
    {
        object_ = nullptr;
        space_->end({});
        machine_.run_ready();
        machine_.unload_space();
    }
    void make(std::function<Status(std::uint64_t)> answer, std::uint64_t pages = 16)
    {
        object_ = *MemoryObject::create_paged(pages * page_size, std::make_unique<FakePager>(std::move(answer)));
        place_ = *space_->map(object_, 0, 0, pages * page_size, read_write);
    }
    Status supply(std::uint64_t offset, std::uint64_t value)
    {
        const auto source = *MemoryObject::create(page_size);
        *static_cast<std::uint64_t*>(frame_allocator.memory_of(*source->page(0))) = value;
        return object_->supply(offset, *source, 0);
    }
    std::uint64_t value_at(std::uint64_t offset)
    {
        const auto found = object_->access(offset, false);
        return found ? *static_cast<const std::uint64_t*>(frame_allocator.memory_of(found->frame)) : ~0ul;
    }
    void run(std::function<void()> program)
    {
        const auto thread = machine_.spawn(space_, std::move(program));
        machine_.run_ready();
    }
    Status touch(std::uint64_t offset, std::uint32_t access) { return space_->make_present(place_ + offset, 1, access); }

    Machine machine_;
    Ref<AddressSpace> space_ = machine_.make_space();
    Ref<MemoryObject> object_;
    VirtualAddress place_ = 0;
};

TEST_F(Paging, pages_come_once_and_changes_are_collected_once)
{
    std::vector<std::uint64_t> asked;
    make([&](std::uint64_t offset) {
        asked.push_back(offset);
        return supply(offset, offset + 1);
    });
    run([&] {
        EXPECT_EQ(object_->access(0, false).error(), Error::not_present);
        EXPECT_EQ(object_->page(0).error(), Error::not_present);
        EXPECT_EQ(object_->pin(0).error(), Error::not_present);
        EXPECT_EQ(object_->borrow(0, true).error(), Error::not_present);
        EXPECT_TRUE(touch(page_size, abi::protection_read));
        EXPECT_TRUE(touch(page_size + 8, abi::protection_write));
        EXPECT_TRUE(touch(3 * page_size, abi::protection_read));
        EXPECT_EQ(value_at(page_size), page_size + 1);
        EXPECT_EQ(asked, (std::vector { page_size, 3 * page_size }));
        EXPECT_EQ(supply(page_size, 5), std::unexpected(Error::already_exists)) << "what is there may have been changed";
        std::uint64_t offsets[4];
        EXPECT_EQ(*object_->collect_changed(0, offsets), 1u);
        EXPECT_EQ(offsets[0], page_size);
        EXPECT_EQ(*object_->collect_changed(0, offsets), 0u);
        EXPECT_FALSE(*page_table_entry(space_->page_table_root(), place_ + page_size) & 2) << "the next write must be noticed";
        EXPECT_EQ(object_->drop_clean(100), 1u) << "only the one that nobody writes back";
        EXPECT_TRUE(touch(page_size, abi::protection_write)); // changed again while it is written back
        EXPECT_TRUE(object_->settle(page_size, page_size, abi::Settlement::written));
        EXPECT_EQ(object_->drop_clean(100), 0u);
        EXPECT_EQ(*object_->collect_changed(0, offsets), 1u);
        EXPECT_TRUE(object_->settle(0, 16 * page_size, abi::Settlement::written));
        EXPECT_EQ(object_->drop_clean(100), 1u);
        EXPECT_EQ(object_->access(page_size, false).error(), Error::not_present) << "not a zeroed page";
        EXPECT_EQ(*object_->collect_changed(16 * page_size, offsets), 0u);
        EXPECT_EQ(object_->collect_changed(17 * page_size, offsets).error(), Error::invalid_argument);
        EXPECT_EQ(object_->settle(0, 17 * page_size, abi::Settlement::gone), std::unexpected(Error::invalid_argument));
    });
}

TEST_F(Paging, reclaim_finds_clean_pages)
{
    make([&](std::uint64_t offset) { return supply(offset, 9); });
    run([&] {
        for (std::uint64_t page = 0; page < 8; ++page)
            EXPECT_TRUE(touch(page * page_size, page < 3 ? abi::protection_write : abi::protection_read));
        EXPECT_EQ(reclaim(100), 5u);
        EXPECT_EQ(object_->resident_pages(), 3u);
    });
}

TEST_F(Paging, failures_reach_the_one_who_asked)
{
    Status answer = fail(Error::peer_closed);
    make([&](std::uint64_t) { return answer; });
    run([&] {
        EXPECT_EQ(touch(0, abi::protection_read), std::unexpected(Error::peer_closed));
        answer = fail(Error::not_found);
        EXPECT_EQ(touch(0, abi::protection_read), std::unexpected(Error::not_found));
        EXPECT_EQ(space_->advise(place_, 2 * page_size, abi::Advice::populate), std::unexpected(Error::not_found));
        EXPECT_EQ(space_->advise(place_, page_size, abi::Advice::forget), std::unexpected(Error::invalid_argument));
        EXPECT_EQ(supply(16 * page_size, 0), std::unexpected(Error::invalid_argument));
        EXPECT_EQ(supply(1, 0), std::unexpected(Error::invalid_argument));
        EXPECT_EQ(object_->fetch(99 * page_size, false), std::unexpected(Error::not_found));
        const auto plain = *MemoryObject::create(page_size);
        EXPECT_EQ(plain->fetch(0, false), std::unexpected(Error::not_found)) << "it has no pager";
        EXPECT_EQ(plain->settle(0, page_size, abi::Settlement::written), std::unexpected(Error::invalid_argument));
    });
}

// Each of many threads on one page gets it, the pager is asked once, and one that is ended meanwhile leaves nothing behind.
TEST_F(Paging, threads_that_miss_one_page_ask_once)
{
    Spinlock pager_lock { LockRank::waiters };
    int asked = 0, came_back = 0;
    Thread* sleeper = nullptr;
    make([&](std::uint64_t offset) -> Status {
        ++asked;
        sleeper = &current_thread();
        pager_lock.acquire();
        const Error woken = sleep(pager_lock, { WaitReason::page_in, 77, 0, abi::no_deadline, 0 });
        if (woken != Error::none) return fail(woken);
        return supply(offset, 4);
    });
    for (int index = 0; index < 5; ++index)
        machine_.spawn(space_, [&] { came_back += touch(2 * page_size, abi::protection_read).has_value(); });
    const auto other = machine_.make_space("other");
    const auto there = *other->map(object_, 0, 0, 16 * page_size, read_write);
    Status seen;
    machine_.spawn(other, [&] { seen = other->make_present(there + 2 * page_size, 1, abi::protection_read); });
    machine_.run_ready();
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(came_back, 0);
    other->end({}); // it waits for the first one's answer
    machine_.run_ready();
    EXPECT_EQ(other->state, SpaceState::ended);
    EXPECT_EQ(seen, std::unexpected(Error::interrupted));
    wake(*sleeper, Error::none);
    machine_.run_ready();
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(came_back, 5);
}

// The first one is killed over its question: the others ask anew.
TEST_F(Paging, a_question_that_is_given_up_is_asked_again)
{
    Spinlock pager_lock { LockRank::waiters };
    int asked = 0;
    make([&](std::uint64_t offset) -> Status {
        if (++asked == 2) return supply(offset, 6);
        pager_lock.acquire();
        return fail(sleep(pager_lock, { WaitReason::page_in, 77, 0, abi::no_deadline, 0 }));
    });
    const auto victim = machine_.make_space("victim");
    const auto there = *victim->map(object_, 0, 0, 16 * page_size, read_write);
    machine_.spawn(victim, [&] { (void)victim->make_present(there, 1, abi::protection_read); });
    machine_.run_ready();
    Status seen = fail(Error::unsupported);
    machine_.spawn(space_, [&] { seen = touch(0, abi::protection_read); });
    machine_.run_ready();
    EXPECT_EQ(asked, 1);
    victim->end({});
    machine_.run_ready();
    EXPECT_TRUE(seen);
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(value_at(0), 6u);
}

TEST_F(Paging, clones_take_what_is_not_there_from_the_origin)
{
    int asked = 0;
    make([&](std::uint64_t offset) {
        ++asked;
        return supply(offset, offset / page_size + 100);
    });
    run([&] {
        EXPECT_TRUE(touch(0, abi::protection_read));
        const auto copy = *object_->clone(0, 8 * page_size);
        const auto second = *copy->clone(page_size, 2 * page_size);
        EXPECT_EQ(asked, 1) << "a clone alone asks for nothing";
        EXPECT_EQ(second->access(0, false).error(), Error::not_present);
        EXPECT_TRUE(second->bring(0, true));
        EXPECT_EQ(asked, 2);
        EXPECT_TRUE(copy->bring(page_size, true));
        EXPECT_EQ(asked, 2) << "the origin has it now";
        *static_cast<std::uint64_t*>(frame_allocator.memory_of(*copy->page(page_size))) = 1;
        EXPECT_EQ(value_at(page_size), 101u);
        EXPECT_EQ(*static_cast<std::uint64_t*>(frame_allocator.memory_of(*second->page(0))), 101u);
        EXPECT_EQ(copy->fetch(99 * page_size, false), std::unexpected(Error::invalid_argument));
        std::uint64_t offsets[4];
        EXPECT_EQ(*object_->collect_changed(0, offsets), 0u);
    });
}

} // namespace
} // namespace orrery::kernel::host
