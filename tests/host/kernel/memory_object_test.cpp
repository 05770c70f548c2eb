// Memory objects: pages on demand, copy-on-write clones, replacement, advice, physical memory, and running out.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "kernel/memory/reclaim.h"

namespace orrery::kernel::host {
namespace {

using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

std::uint64_t& word(MemoryObject& object, std::uint64_t offset)
{
    const auto frame = object.page(round_down(offset, page_size));
    if (!frame) std::abort();
    auto* bytes = static_cast<std::byte*>(frame_allocator.memory_of(*frame));
    return *reinterpret_cast<std::uint64_t*>(bytes + offset % page_size);
}

class MemoryObjects : public testing::Test {
protected:
    ~MemoryObjects() override { EXPECT_EQ(frame_allocator.free_frames(), free_before_) << "frames leaked"; }
    Machine machine_;
    std::size_t free_before_ = frame_allocator.free_frames();
};

TEST_F(MemoryObjects, size_limits)
{
    EXPECT_EQ(MemoryObject::create(0).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create(MemoryObject::max_size + 1).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create(~std::uint64_t { 0 }).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create(1, 0x8000'0000).error(), Error::invalid_argument);
    const auto largest = MemoryObject::create(MemoryObject::max_size);
    ASSERT_TRUE(largest);
    EXPECT_EQ((*largest)->resident_pages(), 0u) << "costs nothing until touched";
    word(**largest, MemoryObject::max_size - 8) = 1;
    EXPECT_EQ((*largest)->resident_pages(), 1u);
    EXPECT_EQ((*largest)->page(MemoryObject::max_size).error(), Error::invalid_argument);
    EXPECT_EQ((*largest)->page(~std::uint64_t { 0 }).error(), Error::invalid_argument);
    EXPECT_EQ((*MemoryObject::create(1))->size(), page_size);
}

TEST_F(MemoryObjects, pages_are_zeroed_and_stay)
{
    // Dirty frames first, so that zeroes are no accident.
    for (int index = 0; index < 8; ++index) {
        Frame* frame = frame_allocator.allocate();
        std::memset(frame_allocator.memory_of(frame), 0xff, page_size);
        frame_allocator.release(frame);
    }
    const auto object = *MemoryObject::create(8 * page_size);
    for (std::uint64_t offset = 0; offset < object->size(); offset += 8) ASSERT_EQ(word(*object, offset), 0u);
    word(*object, 8) = 7;
    EXPECT_EQ(word(*object, 8), 7u);
    EXPECT_EQ(object->resident_pages(), 8u);
}

TEST_F(MemoryObjects, fixed_places_only_outside_the_allocator)
{
    const auto firmware = MemoryObject::create_at(0x10000, 3 * page_size);
    ASSERT_TRUE(firmware);
    EXPECT_EQ(frame_allocator.memory_of(*(*firmware)->page(page_size)), to_virtual(0x11000));
    EXPECT_EQ(MemoryObject::create_at(0x10001, page_size).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_at(reserved_memory - page_size, 2 * page_size).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_at(arena_size, page_size).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_at(~std::uint64_t { 0xfff }, 2 * page_size).error(), Error::invalid_argument);
    // A frame in the middle of a free block of the allocator is the allocator's, too.
    for (PhysicalAddress address = reserved_memory; address < arena_size; address += 37 * page_size)
        ASSERT_EQ(MemoryObject::create_at(address, page_size).error(), Error::invalid_argument) << address;
}

TEST_F(MemoryObjects, clones_against_a_model)
{
    constexpr std::uint64_t pages = 12;
    struct Modelled {
        Ref<MemoryObject> object;
        std::vector<std::uint64_t> values;
    };
    std::mt19937 random(11);
    std::vector<Modelled> all;
    all.push_back({ *MemoryObject::create(pages * page_size), std::vector<std::uint64_t>(pages) });
    for (int step = 0; step < 4000; ++step) {
        Modelled& one = all[random() % all.size()];
        const std::uint64_t page = random() % pages;
        switch (random() % 6) {
        case 0:
            if (all.size() == 8) break;
            all.push_back({ *one.object->clone(0, pages * page_size), one.values });
            break;
        case 1:
            if (all.size() > 1 && random() % 2 == 0) all.erase(all.begin() + static_cast<long>(random() % all.size()));
            break;
        case 2:
            ASSERT_TRUE(one.object->advise(page * page_size, page_size, abi::Advice::forget));
            one.values[page] = 0;
            break;
        case 3: {
            Modelled& source = all[random() % all.size()];
            const std::uint64_t from = random() % pages;
            const Status done = one.object->replace(page * page_size, *source.object, from * page_size);
            ASSERT_EQ(done.has_value(), &source != &one);
            if (!done) break;
            one.values[page] = std::exchange(source.values[from], 0);
            break;
        }
        default:
            word(*one.object, page * page_size + 16) = one.values[page] = random();
        }
        for (const Modelled& each : all)
            for (std::uint64_t index = 0; index < pages; ++index) {
                const auto seen = each.object->access(index * page_size, false);
                ASSERT_TRUE(seen);
                const auto* bytes = static_cast<const std::byte*>(frame_allocator.memory_of(seen->frame));
                std::uint64_t value = 0;
                std::memcpy(&value, bytes + 16, sizeof(value));
                ASSERT_EQ(value, each.values[index]) << "step " << step;
            }
    }
}

TEST_F(MemoryObjects, clone_of_a_part_and_of_nothing)
{
    const auto object = *MemoryObject::create(std::uint64_t { 8 } << 20);
    word(*object, 3 * page_size) = 3;
    word(*object, (std::uint64_t { 4 } << 20) + page_size) = 4;
    const auto part = *object->clone(page_size, std::uint64_t { 6 } << 20);
    EXPECT_EQ(word(*part, 2 * page_size), 3u);
    EXPECT_EQ(word(*part, std::uint64_t { 4 } << 20), 4u);
    for (const auto& [offset, length] : Pairs { { 0, 0 }, { 1, page_size },
             { 0, 1 }, { object->size(), page_size }, { page_size, object->size() }, { 0, ~std::uint64_t { 0xfff } } })
        EXPECT_EQ(object->clone(offset, length).error(), Error::invalid_argument);
}

TEST_F(MemoryObjects, pinned_pages_stay)
{
    const auto object = *MemoryObject::create(2 * page_size);
    const auto other = *MemoryObject::create(2 * page_size);
    Frame* frame = *object->pin(0);
    word(*object, 0) = 5;
    const auto copy = *object->clone(0, 2 * page_size);
    word(*object, 0) = 6;
    EXPECT_EQ(*object->page(0), frame);
    EXPECT_EQ(word(*copy, 0), 5u);
    ASSERT_TRUE(object->advise(0, page_size, abi::Advice::forget));
    EXPECT_EQ(word(*object, 0), 6u);
    EXPECT_EQ(other->replace(0, *object, 0).error(), Error::already_exists);
    EXPECT_EQ(object->replace(0, *other, 0).error(), Error::already_exists);
    EXPECT_EQ(object->physical_address(8).value_or(0), frame_allocator.address_of(frame) + 8);
    EXPECT_EQ(object->physical_address(page_size).error(), Error::access_denied);
    frame_allocator.release(frame);
}

// Who holds a lock can't take a page from its clones: it is told so, and brings the page for writing without the lock.
TEST_F(MemoryObjects, pages_are_pinned_under_a_lock_only_if_they_are_the_objects_own)
{
    const auto object = *MemoryObject::create(2 * page_size);
    word(*object, 0) = 5;
    auto clone = *object->clone(0, 2 * page_size);
    Frame* const shared = *clone->borrow(0, false);
    EXPECT_EQ(object->pin_under_lock(0).error(), Error::not_present);
    EXPECT_TRUE(object->bring(0, false));
    EXPECT_EQ(object->pin_under_lock(0).error(), Error::not_present) << "it is there to be read only";
    EXPECT_TRUE(object->bring(0, true));
    Frame* const pinned = *object->pin_under_lock(0);
    EXPECT_NE(pinned, shared);
    EXPECT_EQ(*static_cast<std::uint64_t*>(frame_allocator.memory_of(pinned)), 5u);
    EXPECT_EQ(word(*clone, 0), 5u);
    frame_allocator.release(pinned);
    frame_allocator.release(shared);
    frame_allocator.release(*object->pin_under_lock(page_size)); // untouched: made here
}

TEST_F(MemoryObjects, a_refused_replacement_loses_nothing)
{
    const auto object = *MemoryObject::create(page_size);
    const auto source = *MemoryObject::create(page_size);
    word(*source, 0) = 9;
    Frame* pinned = *object->pin(0);
    EXPECT_EQ(object->replace(0, *source, 0).error(), Error::already_exists);
    EXPECT_EQ(word(*source, 0), 9u) << "the page that could not be moved is still there";
    frame_allocator.release(pinned);
    const auto fresh = *MemoryObject::create(page_size);
    {
        const AllocationLimit limit(0);
        EXPECT_EQ(fresh->replace(0, *source, 0).error(), Error::out_of_memory);
    }
    EXPECT_EQ(word(*source, 0), 9u);
}

TEST_F(MemoryObjects, discardable_pages_are_dropped_and_missed)
{
    const auto plain = *MemoryObject::create(page_size);
    EXPECT_EQ(plain->advise(0, page_size, abi::Advice::clean).error(), Error::invalid_argument);
    const auto object = *MemoryObject::create(4 * page_size, abi::memory_discardable);
    for (std::uint64_t page = 0; page < 4; ++page) word(*object, page * page_size) = page + 1;
    ASSERT_TRUE(object->advise(0, 3 * page_size, abi::Advice::clean));
    ASSERT_TRUE(object->advise(0, page_size, abi::Advice::keep));
    word(*object, page_size) = 20; // written again: unclean
    EXPECT_EQ(reclaim(100), 1u);
    EXPECT_EQ(word(*object, 0), 1u);
    EXPECT_EQ(word(*object, page_size), 20u);
    EXPECT_EQ(object->access(2 * page_size, false).error(), Error::not_found) << "never silent zeroes";
    EXPECT_EQ(object->page(2 * page_size).error(), Error::not_found);
    EXPECT_EQ(word(*object, 3 * page_size), 4u);
    ASSERT_TRUE(object->advise(2 * page_size, page_size, abi::Advice::restore));
    EXPECT_EQ(word(*object, 2 * page_size), 0u);
    EXPECT_EQ(reclaim(100), 0u);
}

TEST_F(MemoryObjects, physical_memory)
{
    const auto contiguous = MemoryObject::create_physical(5 * page_size, 5 * page_size, abi::physical_contiguous);
    ASSERT_TRUE(contiguous);
    EXPECT_EQ((*contiguous)->size(), 5 * page_size);
    for (std::uint64_t page = 0; page < 5; ++page)
        EXPECT_EQ(*(*contiguous)->physical_address(page * page_size) - *(*contiguous)->physical_address(0),
            page * page_size);
    const std::size_t taken = free_before_ - frame_allocator.free_frames();
    EXPECT_EQ(taken, 5u) << "the rest of the block went back";
    for (const auto& [minimum, maximum] : Pairs { { 0, 1 }, { 2, 1 },
             { 1, ~std::uint64_t { 0 } }, { 1, MemoryObject::max_size + 1 } })
        EXPECT_EQ(MemoryObject::create_physical(minimum, maximum, 0).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_physical(1, 1, 8).error(), Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_physical(1, 1, abi::physical_contiguous | abi::physical_smallest_first).error(),
        Error::invalid_argument);
    {
        const FrameLimit limit(512 + 20); // 512 are spared for the rest of the system
        EXPECT_EQ(MemoryObject::create_physical(21 * page_size, 30 * page_size, 0).error(), Error::out_of_memory);
        EXPECT_EQ(frame_allocator.free_frames(), 532u);
        const auto some = MemoryObject::create_physical(4 * page_size, 30 * page_size, abi::physical_below_4g);
        ASSERT_TRUE(some) << "shrinks instead of failing";
        EXPECT_LE((*some)->size(), 20 * page_size);
        EXPECT_GE((*some)->size(), 16 * page_size);
    }
}

// Which free memory it takes: with the strategy for others in mind, single pages between used ones.
TEST_F(MemoryObjects, physical_memory_by_strategy)
{
    Frame* const block = frame_allocator.allocate(3);
    ASSERT_TRUE(block);
    frame_allocator.split_block(block);
    for (const unsigned lone : { 1u, 3u, 5u }) frame_allocator.release(block + lone);
    const auto distance = [](std::uint32_t flags) {
        const auto object = MemoryObject::create_physical(2 * page_size, 2 * page_size, flags);
        EXPECT_TRUE(object);
        return *(*object)->physical_address(page_size) - *(*object)->physical_address(0);
    };
    EXPECT_EQ(distance(0), page_size) << "one run";
    EXPECT_NE(distance(abi::physical_smallest_first), page_size) << "two single pages";
    for (const unsigned kept : { 0u, 2u, 4u, 6u, 7u }) frame_allocator.release(block + kept);
}

TEST_F(MemoryObjects, out_of_memory_at_every_step)
{
    const auto use = [] -> Status {
        TRY(object, MemoryObject::create(std::uint64_t { 4 } << 20, abi::memory_discardable));
        for (std::uint64_t offset = 0; offset < object->size(); offset += std::uint64_t { 1 } << 20)
            TRY_STATUS(status_of(object->page(offset)));
        TRY(copy, object->clone(0, object->size()));
        TRY_STATUS(status_of(copy->page(0)));
        TRY(pinned, object->pin(page_size));
        frame_allocator.release(pinned);
        TRY(second, object->clone(0, object->size()));
        TRY_STATUS(object->replace(2 * page_size, *second, 0));
        TRY_STATUS(object->advise(0, 8 * page_size, abi::Advice::populate));
        return {};
    };
    unsigned refusals = 0;
    for (long count = 0;; ++count, ++refusals) {
        const AllocationLimit limit(count);
        const Status status = use();
        EXPECT_EQ(frame_allocator.free_frames(), free_before_);
        if (status) break;
        ASSERT_EQ(status.error(), Error::out_of_memory);
    }
    EXPECT_GT(refusals, 5u);
    for (long count = 0; count < 3; ++count) {
        const AllocationLimit limit(count);
        EXPECT_EQ(MemoryObject::create_physical(3 * page_size, 3 * page_size, 0).error(), Error::out_of_memory);
        EXPECT_EQ(frame_allocator.free_frames(), free_before_);
    }
    refusals = 0;
    for (std::size_t count = 0;; ++count, ++refusals) {
        const FrameLimit limit(count);
        const Status status = use();
        EXPECT_EQ(frame_allocator.free_frames(), count);
        if (status) break;
        ASSERT_EQ(status.error(), Error::out_of_memory);
    }
    EXPECT_GT(refusals, 5u);
}

} // namespace
} // namespace orrery::kernel::host
