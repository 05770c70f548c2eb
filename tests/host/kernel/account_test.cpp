// Memory accounts: who is charged for what, that a limit bounds all that a program can take, and that everything is given back.
#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/memory/memory_object.h"
#include "kernel/ring/ring.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel::host {
namespace {

constexpr VirtualAddress base = 0x40'0000;
constexpr std::uint64_t huge = std::uint64_t { 1 } << 40;

// What a space has charged, beyond what it costs by itself.
class MemoryAccounts : public testing::Test {
protected:
    // May charge so many pages more than it has.
    void allow(AddressSpace& space, std::uint64_t pages)
    {
        ASSERT_TRUE(space.shrink_limit(abi::SpaceLimit::memory, space.account->charged() + pages));
    }
    Ref<MemoryObject> memory(std::uint64_t pages, MemoryAccount* payer = nullptr)
    {
        return *MemoryObject::create(pages * page_size, 0, payer);
    }
    Ref<AddressSpace> made_by(AddressSpace& maker) { return *AddressSpace::create(std::span("made", 4), &maker); }

    Machine machine_;
    Ref<AddressSpace> space_ = machine_.make_space("bounded");
    MemoryAccount& account_ = *space_->account;
};

TEST_F(MemoryAccounts, an_object_is_charged_to_one_that_maps_it)
{
    const auto one = machine_.make_space("one"), two = machine_.make_space("two");
    const auto object = memory(4);
    ASSERT_TRUE(one->map(object, 0, base, 4 * page_size, read_write));
    ASSERT_TRUE(two->map(object, 0, base, 4 * page_size, read_write));
    (void)user_memory(*two, base);
    EXPECT_EQ(one->account->pages, 1u);
    EXPECT_EQ(two->account->pages, 0u);
    ASSERT_TRUE(one->unmap(base, 4 * page_size));
    EXPECT_EQ(one->account->pages, 0u);
    EXPECT_EQ(two->account->pages, 1u);
    ASSERT_TRUE(two->advise(base, page_size, abi::Advice::forget));
    EXPECT_EQ(two->account->pages, 0u);
}

TEST_F(MemoryAccounts, what_nobody_maps_is_charged_to_its_maker)
{
    const auto object = memory(4, &account_);
    ASSERT_TRUE(object->page(0));
    EXPECT_EQ(account_.pages, 1u);
    allow(*space_, 1);
    ASSERT_TRUE(object->page(page_size));
    EXPECT_EQ(object->page(2 * page_size).error(), Error::limit_reached);
    const auto other = machine_.make_space("other");
    ASSERT_TRUE(other->map(object, 0, base, 4 * page_size, read_write));
    EXPECT_EQ(account_.pages, 0u) << "who maps it has it";
    EXPECT_EQ(other->account->pages, 2u);
}

TEST_F(MemoryAccounts, nobody_is_charged_beyond_a_limit_by_somebody_else)
{
    const auto other = machine_.make_space("other");
    const auto object = memory(4, other->account.get());
    for (int page = 0; page < 4; ++page) ASSERT_TRUE(object->page(page * page_size));
    allow(*space_, 3);
    EXPECT_EQ(space_->map(object, 0, base, 4 * page_size, read_write).error(), Error::limit_reached);
    EXPECT_EQ(other->account->pages, 4u);
    ASSERT_TRUE(other->map(object, 0, base, 4 * page_size, read_write));
    ASSERT_TRUE(space_->map(object, 0, base, 4 * page_size, read_write)) << "the other pays";
    ASSERT_TRUE(other->unmap(base, 4 * page_size));
    EXPECT_EQ(other->account->pages, 4u) << "and goes on to, where this one may not";
    EXPECT_EQ(account_.pages, 0u);
}

TEST_F(MemoryAccounts, the_limit_is_an_error_and_not_more)
{
    const auto object = memory(8);
    ASSERT_TRUE(space_->map(object, 0, base, 8 * page_size, read_write));
    allow(*space_, 6); // with three tables
    EXPECT_EQ(space_->advise(base, 8 * page_size, abi::Advice::populate).error(), Error::limit_reached);
    EXPECT_EQ(account_.pages, 6u);
    ASSERT_TRUE(space_->advise(base, 3 * page_size, abi::Advice::forget));
    EXPECT_TRUE(space_->resolve_fault(base + 5 * page_size, abi::protection_write));
    EXPECT_EQ(space_->resolve_fault(base, abi::protection_write).error(), Error::limit_reached);
    ASSERT_TRUE(space_->advise(base + 5 * page_size, page_size, abi::Advice::forget));
    EXPECT_TRUE(space_->resolve_fault(base, abi::protection_write)) << "what was given back can be had";
}

// Each of these ways to a page goes past the one that a fault takes.
TEST_F(MemoryAccounts, no_way_around_the_limit)
{
    const auto source = memory(8, &account_), target = memory(8, &account_);
    for (int page = 0; page < 4; ++page) ASSERT_TRUE(source->page(page * page_size));
    allow(*space_, 0);
    EXPECT_EQ(source->clone(0, 4 * page_size, &account_).error(), Error::limit_reached) << "a clone";
    EXPECT_EQ(account_.pages, 4u) << "and what there was of it is gone";
    EXPECT_EQ(MemoryObject::create_physical(page_size, page_size, 0, &account_).error(), Error::limit_reached);
    EXPECT_TRUE(target->replace(0, *source, 0)) << "moving a page is no more than there was";
    EXPECT_EQ(account_.pages, 4u);
    const auto stranger = memory(1);
    ASSERT_TRUE(stranger->page(0));
    EXPECT_EQ(target->replace(page_size, *stranger, 0).error(), Error::limit_reached) << "a page from somebody else";
    EXPECT_EQ(stranger->resident_pages(), 1u) << "who keeps it";
    EXPECT_EQ(Ring::create(64, 8, &account_).error(), Error::limit_reached);
    EXPECT_EQ(Thread::create(space_, { base, base, 0, 0 }).error(), Error::limit_reached);
    EXPECT_EQ(account_.pages, 4u);
}

struct ScriptedPager final : Pager {
    Status fetch(std::uint64_t, bool) override { return fail(Error::not_found); }
    std::uint32_t number() const override { return 1; }
};

TEST_F(MemoryAccounts, a_page_that_a_pager_brings_counts_and_is_not_lost)
{
    const auto paged = *MemoryObject::create_paged(8 * page_size, std::make_unique<ScriptedPager>(), &account_);
    const auto source = memory(2);
    ASSERT_TRUE(source->page(0));
    ASSERT_TRUE(source->page(page_size));
    allow(*space_, 1);
    ASSERT_TRUE(paged->supply(0, *source, 0));
    EXPECT_EQ(paged->supply(page_size, *source, page_size).error(), Error::limit_reached);
    EXPECT_EQ(source->resident_pages(), 1u);
    const auto copy = *paged->clone(0, 8 * page_size); // nobody's
    EXPECT_EQ(copy->resident_pages(), 1u);
}

// Kernel memory that a program causes: its objects' slots and its page tables, however few pages it keeps.
TEST_F(MemoryAccounts, sparse_use_is_bounded_by_what_the_kernel_keeps_for_it)
{
    const auto object = memory(huge / page_size);
    ASSERT_TRUE(space_->map(object, 0, std::uint64_t { 1 } << 41, huge, read_write));
    allow(*space_, 100);
    const std::size_t free_before = frame_allocator.free_frames();
    std::uint64_t touched = 0;
    Status result {};
    for (; touched < 1000 && result; ++touched) {
        const VirtualAddress address = (std::uint64_t { 1 } << 41) + touched * (std::uint64_t { 1 } << 30);
        result = space_->resolve_fault(address, abi::protection_write);
        if (result) result = space_->advise(address, page_size, abi::Advice::forget); // keeps none of them
    }
    EXPECT_EQ(result.error(), Error::limit_reached);
    EXPECT_LT(touched, 100u);
    EXPECT_LE(free_before - frame_allocator.free_frames(), 101u);
    ASSERT_TRUE(space_->unmap(std::uint64_t { 1 } << 41, huge));
}

TEST_F(MemoryAccounts, page_tables_come_back_with_the_mapping)
{
    const auto object = memory(8);
    const std::uint64_t charged = account_.charged();
    (void)object->page(0); // the object's own slots
    const std::size_t free_frames = frame_allocator.free_frames();
    for (std::uint64_t round = 0; round < 500; ++round) {
        const VirtualAddress address = base + round * 0x12'3456'7000;
        ASSERT_TRUE(space_->map(object, 0, address, page_size, read_write));
        ASSERT_TRUE(space_->resolve_fault(address, abi::protection_write));
        EXPECT_EQ(account_.charged(), charged + 3 + 1);
        ASSERT_TRUE(space_->unmap(address, page_size));
    }
    EXPECT_EQ(frame_allocator.free_frames(), free_frames);
    EXPECT_EQ(account_.pages, 1u) << "the last that mapped it has it";
    EXPECT_EQ(account_.charged(), charged + 1);
}

// A table goes with the last mapping that it overlaps, whatever the order, and not before.
TEST_F(MemoryAccounts, a_table_stays_as_long_as_something_is_mapped_in_it)
{
    const std::uint64_t charged = account_.charged();
    const auto object = memory(3);
    constexpr VirtualAddress first = 0x4000'0000, second = first + 16 * page_size, third = first + 0x20'0000;
    const VirtualAddress places[] = { first, second, third };
    unsigned order[] = { 0, 1, 2 };
    do {
        for (unsigned index = 0; index < 3; ++index) {
            ASSERT_TRUE(space_->map(object, index * page_size, places[index], page_size, read_write));
            ASSERT_TRUE(space_->resolve_fault(places[index], abi::protection_write));
            *static_cast<std::uint32_t*>(user_memory(*space_, places[index])) = index;
        }
        for (unsigned gone = 0; gone < 3; ++gone) {
            ASSERT_TRUE(space_->unmap(places[order[gone]], page_size));
            for (unsigned left = gone + 1; left < 3; ++left)
                EXPECT_EQ(*static_cast<std::uint32_t*>(user_memory(*space_, places[order[left]])), order[left]);
        }
        EXPECT_EQ(account_.charged(), charged + object->resident_pages());
    } while (std::ranges::next_permutation(order).found);
    ASSERT_TRUE(space_->map(object, 0, third, page_size, read_write));
    ASSERT_TRUE(space_->resolve_fault(third, abi::protection_write));
    ASSERT_TRUE(space_->move(third, page_size, std::uint64_t { 1 } << 40));
    EXPECT_EQ(account_.charged(), charged + object->resident_pages()) << "a move leaves none behind";
}

TEST_F(MemoryAccounts, many_mappings_go_in_one_call)
{
    const std::uint64_t charged = account_.charged();
    const auto object = memory(2);
    constexpr unsigned count = 100;
    for (unsigned index = 0; index < count; ++index) { // alternating, so none of them join
        ASSERT_TRUE(space_->map(object, index % 2 * page_size, base + index * page_size, page_size, read_write));
        ASSERT_TRUE(space_->resolve_fault(base + index * page_size, abi::protection_write));
    }
    ASSERT_TRUE(space_->unmap(base, count * page_size));
    EXPECT_EQ(space_->resolve_fault(base + page_size, abi::protection_write).error(), Error::bad_address);
    EXPECT_LE(account_.charged(), charged + 2 + 2) << "the object's pages, and the array that has grown";
}

// However long somebody keeps a handle on a space that has ended, or a CPU its tables.
TEST_F(MemoryAccounts, an_ended_space_keeps_the_root_of_its_tables)
{
    const auto object = memory(2);
    constexpr unsigned count = 150;
    for (unsigned index = 0; index < count; ++index) {
        const VirtualAddress address = 0x1000'0000'0000 + index * (VirtualAddress { 1 } << 30);
        ASSERT_TRUE(space_->map(object, index % 2 * page_size, address, page_size, read_write));
        ASSERT_TRUE(space_->resolve_fault(address, abi::protection_write));
    }
    EXPECT_GT(account_.charged(), 2 * count);
    space_->end({});
    EXPECT_EQ(account_.charged() - object->resident_pages(), 1u);
}

// A limit holds for whom a program starts, and for whom those start: or it would bound nobody who may start others.
TEST_F(MemoryAccounts, a_limit_bounds_the_spaces_below)
{
    allow(*space_, 20);
    const auto child = made_by(*space_), grandchild = made_by(*child);
    const auto object = memory(64);
    ASSERT_TRUE(grandchild->map(object, 0, base, 64 * page_size, read_write));
    EXPECT_EQ(grandchild->advise(base, 64 * page_size, abi::Advice::populate).error(), Error::limit_reached);
    EXPECT_EQ(object->resident_pages(), 20u - 2) << "all but the two roots of the page tables";
    EXPECT_EQ(grandchild->account->pages, 18u);
    EXPECT_EQ(account_.pages, 0u) << "it is not asked to give back what it does not have";
    const auto own = memory(1, &account_);
    EXPECT_EQ(own->page(0).error(), Error::limit_reached) << "theirs is its own";
    ASSERT_TRUE(grandchild->advise(base, 64 * page_size, abi::Advice::forget));
    EXPECT_TRUE(own->page(0));
}

TEST_F(MemoryAccounts, spaces_count_until_they_are_gone)
{
    const std::uint64_t charged = account_.charged();
    allow(*space_, 5);
    {
        std::vector<Ref<AddressSpace>> made;
        Result<Ref<AddressSpace>> next;
        while ((next = AddressSpace::create(std::span("many", 4), space_.get()))) made.push_back(*next);
        EXPECT_EQ(next.error(), Error::limit_reached);
        EXPECT_EQ(made.size(), 5u);
    }
    EXPECT_EQ(account_.charged(), charged);
}

// What a chain of makers leaves behind must not make every page of the last one dear, nor its end a deep recursion.
TEST_F(MemoryAccounts, a_long_line_of_makers_is_no_long_chain)
{
    Ref<MemoryAccount> last(&account_);
    for (int generation = 0; generation < 100'000; ++generation) last = MemoryAccount::create(last.get());
    for (unsigned depth = 0; depth < MemoryAccount::max_depth; ++depth) {
        last = MemoryAccount::create(last.get());
        ASSERT_TRUE(last->set_limit(1000 + MemoryAccount::max_depth - 1 - depth)) << depth;
    }
    last = MemoryAccount::create(last.get());
    EXPECT_EQ(last->set_limit(100).error(), Error::limit_reached);
    EXPECT_EQ(last->charge(1001).error(), Error::limit_reached) << "it is bound by those above";
    EXPECT_TRUE(last->charge(1000));
    last->give_back(1000);
}

} // namespace
} // namespace orrery::kernel::host
