// Address spaces against a page-by-page model, their refusals, and running out of memory in the middle.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace orrery::kernel::host {
namespace {

using abi::protection_execute;
using abi::protection_none;
using abi::protection_read;
using abi::protection_write;

constexpr std::uint64_t entry_write = 2;
constexpr std::uint64_t entry_user = 4;
constexpr std::uint64_t entry_no_execute = std::uint64_t { 1 } << 63;

class Spaces : public testing::Test {
protected:
    ~Spaces() override
    {
        space_ = nullptr;
        EXPECT_EQ(frame_allocator.free_frames(), free_before_) << "frames leaked";
    }
    static Ref<MemoryObject> memory(std::uint64_t pages) { return *MemoryObject::create(pages * page_size); }

    Machine machine_;
    std::size_t free_before_ = frame_allocator.free_frames();
    Ref<AddressSpace> space_ = machine_.make_space();
};

TEST_F(Spaces, refuses_what_makes_no_sense)
{
    const auto object = memory(4);
    const auto map = [&](std::uint64_t offset, VirtualAddress address, std::uint64_t length, std::uint32_t protection) {
        const auto result = space_->map(object, offset, address, length, protection);
        return result ? Error::none : result.error();
    };
    constexpr VirtualAddress place = 0x40'0000;
    EXPECT_EQ(map(0, place, 0, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, place + 1, page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(1, place, page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, place, 5 * page_size, read_write), Error::invalid_argument) << "beyond the object";
    EXPECT_EQ(map(4 * page_size, place, page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(~std::uint64_t { 0xfff }, place, page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, place, ~std::uint64_t { 0 }, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, place, page_size, protection_write | protection_execute), Error::invalid_argument) << "W^X";
    EXPECT_EQ(map(0, place, page_size, 8), Error::invalid_argument);
    EXPECT_EQ(map(0, page_size, page_size, read_write), Error::invalid_argument) << "null pointers must fault";
    EXPECT_EQ(map(0, abi::user_end - page_size, 2 * page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, abi::user_end, page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, ~std::uint64_t { 0xfff }, 2 * page_size, read_write), Error::invalid_argument);
    EXPECT_EQ(map(0, abi::user_end - page_size, page_size, read_write), Error::none);
    EXPECT_EQ(map(0, place, 2 * page_size, read_write), Error::none);
    EXPECT_EQ(map(0, place + page_size, page_size, read_write), Error::already_exists);
    EXPECT_EQ(map(0, place - page_size, 2 * page_size, read_write), Error::already_exists);
    EXPECT_EQ(map(0, place - page_size, 4 * page_size, read_write), Error::already_exists);
    EXPECT_EQ(map(0, place - page_size, page_size, read_write), Error::none);
    EXPECT_EQ(map(0, place + 2 * page_size, page_size, read_write), Error::none);

    EXPECT_EQ(space_->unmap(place, 0).error(), Error::invalid_argument);
    EXPECT_EQ(space_->unmap(place, ~std::uint64_t { 0 }).error(), Error::invalid_argument);
    EXPECT_EQ(space_->unmap(place, 5 * page_size).error(), Error::bad_address) << "a hole in the range";
    EXPECT_EQ(
        space_->protect(place, page_size, protection_write | protection_execute).error(), Error::invalid_argument);
    EXPECT_EQ(space_->protect(place + 4 * page_size, page_size, protection_read).error(), Error::bad_address);
    EXPECT_EQ(space_->resolve_fault(0x12345, protection_read).error(), Error::bad_address);
    EXPECT_EQ(space_->resolve_fault(~std::uint64_t { 0 }, protection_read).error(), Error::bad_address);
    EXPECT_EQ(space_->resolve_fault(place, protection_execute).error(), Error::access_denied);
}

TEST_F(Spaces, finds_room_by_itself)
{
    const auto object = memory(8);
    std::map<VirtualAddress, std::uint64_t> taken;
    std::mt19937 random(2);
    for (int step = 0; step < 500; ++step) {
        if (random() % 3 != 0) {
            const std::uint64_t length = (1 + random() % 8) * page_size;
            const auto address = space_->map(object, 0, 0, length, read_write);
            ASSERT_TRUE(address);
            const auto above = taken.lower_bound(*address);
            ASSERT_TRUE(above == taken.end() || *address + length <= above->first);
            ASSERT_TRUE(above == taken.begin() || std::prev(above)->first + std::prev(above)->second <= *address);
            taken[*address] = length;
        } else if (!taken.empty()) {
            const auto victim = std::next(taken.begin(), static_cast<std::ptrdiff_t>(random() % taken.size()));
            ASSERT_TRUE(space_->unmap(victim->first, victim->second));
            taken.erase(victim);
        }
    }
}

TEST_F(Spaces, the_number_of_mappings_is_limited)
{
    const auto object = memory(1);
    std::size_t count = 0;
    VirtualAddress address = 0x40'0000;
    for (;; ++count, address += 2 * page_size) {
        const auto result = space_->map(object, 0, address, page_size, read_write);
        if (result) continue;
        EXPECT_EQ(result.error(), Error::limit_reached);
        break;
    }
    EXPECT_EQ(count, AddressSpace::max_mappings);
    EXPECT_TRUE(space_->unmap(0x40'0000, page_size));
    EXPECT_TRUE(space_->map(object, 0, 0x40'0000, page_size, read_write));
}

// What each page of a small window must show.
struct ModelPage {
    MemoryObject* object = nullptr;
    std::uint64_t offset = 0;
    std::uint32_t protection = 0;
    bool operator==(const ModelPage&) const = default;
};

TEST_F(Spaces, random_use_against_a_model)
{
    constexpr VirtualAddress base = 0x7f'ffff'0000; // crosses borders of page tables of three levels
    constexpr std::uint64_t window = 40;
    constexpr std::uint32_t protections[]
        = { protection_none, protection_read, read_write, protection_read | protection_execute, protection_execute };
    std::vector<Ref<MemoryObject>> objects { memory(16), memory(40), memory(7) };
    std::vector<ModelPage> model(window);
    std::mt19937 random(23);
    for (int step = 0; step < 12'000; ++step) {
        const std::uint64_t first = random() % window;
        const std::uint64_t count = 1 + random() % std::min<std::uint64_t>(12, window - first);
        const VirtualAddress address = base + first * page_size;
        const auto all = [&](auto predicate) {
            const auto begin = model.begin() + static_cast<long>(first);
            return std::all_of(begin, begin + static_cast<long>(count), predicate);
        };
        const bool mapped = all([](const ModelPage& page) { return page.object != nullptr; });
        const bool free = all([](const ModelPage& page) { return page.object == nullptr; });
        switch (random() % 5) {
        case 0: {
            const auto& object = objects[random() % objects.size()];
            const std::uint64_t offset = random() % 8;
            const std::uint32_t protection = protections[random() % 5];
            const auto result = space_->map(object, offset * page_size, address, count * page_size, protection);
            const bool fits = (offset + count) * page_size <= object->size();
            ASSERT_EQ(result.has_value(), fits && free) << "step " << step;
            if (!result) break;
            for (std::uint64_t page = 0; page < count; ++page)
                model[first + page] = { object.get(), (offset + page) * page_size, protection };
            break;
        }
        case 1:
            ASSERT_EQ(space_->unmap(address, count * page_size - random() % page_size).has_value(), mapped);
            if (mapped) std::fill_n(model.begin() + static_cast<long>(first), count, ModelPage {});
            break;
        case 2: {
            const std::uint32_t protection = protections[random() % 5];
            ASSERT_EQ(space_->protect(address, count * page_size, protection).has_value(), mapped);
            for (std::uint64_t page = 0; mapped && page < count; ++page) model[first + page].protection = protection;
            break;
        }
        case 3: {
            const std::uint64_t to = random() % (window - count + 1);
            const bool apart = to + count <= first || first + count <= to;
            const auto target = model.begin() + static_cast<long>(to);
            const bool room = std::all_of(target, target + static_cast<long>(count),
                [](const ModelPage& page) { return page.object == nullptr; });
            const auto result = space_->move(address, count * page_size, base + to * page_size);
            ASSERT_EQ(result.has_value(), mapped && apart && room) << "step " << step;
            if (!result) break;
            std::copy_n(model.begin() + static_cast<long>(first), count, model.begin() + static_cast<long>(to));
            std::fill_n(model.begin() + static_cast<long>(first), count, ModelPage {});
            break;
        }
        default: {
            const ModelPage& page = model[first];
            for (const std::uint32_t access : { protection_read, protection_write, protection_execute }) {
                const Status result = space_->resolve_fault(address + random() % page_size, access);
                const Error expected = !page.object ? Error::bad_address
                    : page.protection & access      ? Error::none
                                                    : Error::access_denied;
                ASSERT_EQ(result ? Error::none : result.error(), expected) << "step " << step;
            }
        }
        }
        // The page tables may show less than the model, never more or something else.
        for (std::uint64_t index = 0; index < window; ++index) {
            const auto entry = page_table_entry(space_->page_table_root(), base + index * page_size);
            const ModelPage& page = model[index];
            if (!entry) continue;
            ASSERT_NE(page.object, nullptr) << "step " << step << " page " << index;
            ASSERT_NE(page.protection, std::uint32_t { protection_none });
            ASSERT_EQ(*entry & 0x000f'ffff'ffff'f000, frame_allocator.address_of(*page.object->page(page.offset)));
            ASSERT_TRUE(*entry & entry_user);
            ASSERT_TRUE(!(*entry & entry_write) || (page.protection & protection_write));
            ASSERT_TRUE((*entry & entry_no_execute) || (page.protection & protection_execute));
        }
    }
}

// What a handle did not permit at mapping, no later call may obtain.
TEST_F(Spaces, protection_never_exceeds_what_the_mapping_was_made_with)
{
    const auto object = memory(4);
    constexpr VirtualAddress place = 0x40'0000;
    ASSERT_TRUE(space_->map(object, 0, place, 2 * page_size, protection_read, protection_read));
    ASSERT_TRUE(space_->map(object, 0, place + 2 * page_size, page_size, protection_read, read_write));
    EXPECT_EQ(space_->protect(place, page_size, read_write).error(), Error::access_denied);
    EXPECT_EQ(space_->protect(place, page_size, protection_read | protection_execute).error(), Error::access_denied);
    EXPECT_EQ(space_->protect(place, 3 * page_size, read_write).error(), Error::access_denied) << "all or nothing";
    EXPECT_EQ(space_->resolve_fault(place + 2 * page_size, protection_write).error(), Error::access_denied);
    EXPECT_TRUE(space_->protect(place + 2 * page_size, page_size, read_write));
    EXPECT_TRUE(space_->protect(place, page_size, protection_none));
    EXPECT_TRUE(space_->protect(place, page_size, protection_read));
    ASSERT_TRUE(space_->move(place, 2 * page_size, place + 8 * page_size));
    EXPECT_EQ(space_->protect(place + 9 * page_size, page_size, read_write).error(), Error::access_denied);
    EXPECT_EQ(space_->map(object, 0, place, page_size, read_write, protection_read).error(), Error::access_denied);
    EXPECT_EQ(space_->advise(place + 8 * page_size, page_size, abi::Advice::forget).error(), Error::access_denied)
        << "that would empty a page that others see";
    EXPECT_TRUE(space_->advise(place + 8 * page_size, page_size, abi::Advice::populate));
    EXPECT_TRUE(space_->advise(place + 2 * page_size, page_size, abi::Advice::forget));
}

// The buffer of a call can be as long as a program likes, so the thread's end does not wait for all of it.
TEST_F(Spaces, a_long_range_is_made_present_in_pieces)
{
    constexpr std::uint64_t pages = 256;
    const auto object = memory(pages);
    constexpr VirtualAddress place = 0x40'0000;
    const auto other = machine_.make_space("other");
    ASSERT_TRUE(other->map(object, 0, place, pages * page_size, read_write));
    Status whole, ended;
    std::uint64_t brought = 0;
    machine_.spawn(other, [&] {
        whole = other->make_present(place, pages * page_size, protection_write);
        ASSERT_TRUE(other->unmap(place, pages * page_size));
        const auto fresh = memory(pages);
        ASSERT_TRUE(other->map(fresh, 0, place, pages * page_size, read_write));
        other->end({});
        ended = other->make_present(place, pages * page_size, protection_write);
        brought = fresh->resident_pages();
    });
    machine_.run_ready();
    machine_.unload_space();
    EXPECT_TRUE(whole);
    EXPECT_EQ(object->resident_pages(), pages);
    EXPECT_EQ(ended, std::unexpected(Error::interrupted));
    EXPECT_LT(brought, pages);
}

TEST_F(Spaces, copy_on_write_through_mappings)
{
    const auto object = memory(2);
    constexpr VirtualAddress place = 0x40'0000;
    ASSERT_TRUE(space_->map(object, 0, place, 2 * page_size, read_write));
    ASSERT_TRUE(space_->resolve_fault(place, protection_write));
    *static_cast<int*>(user_memory(*space_, place)) = 1;
    const auto copy = *object->clone(0, 2 * page_size);
    const auto entry = page_table_entry(space_->page_table_root(), place);
    EXPECT_TRUE(!entry || !(*entry & entry_write)) << "a write must fault now";
    const auto other = machine_.make_space("other");
    ASSERT_TRUE(other->map(copy, 0, place, 2 * page_size, read_write));
    ASSERT_TRUE(other->resolve_fault(place, protection_read));
    EXPECT_FALSE(*page_table_entry(other->page_table_root(), place) & entry_write) << "shared: reading gives no more";
    while (!(page_table_entry(other->page_table_root(), place).value_or(0) & entry_write))
        ASSERT_TRUE(other->resolve_fault(place, protection_write));
    *static_cast<int*>(user_memory(*other, place)) = 2;
    EXPECT_EQ(*static_cast<int*>(user_memory(*space_, place)), 1);
    EXPECT_EQ(*static_cast<int*>(user_memory(*other, place)), 2);
}

TEST_F(Spaces, out_of_memory_at_every_step)
{
    const auto use = [] -> Status {
        TRY(space, AddressSpace::create(std::span("budget", 6)));
        TRY(object, MemoryObject::create(64 * page_size));
        constexpr VirtualAddress place = 0x7f'ffff'0000;
        TRY_STATUS(status_of(space->map(object, 0, place, 64 * page_size, read_write)));
        for (std::uint64_t page = 0; page < 64; page += 9)
            TRY_STATUS(space->resolve_fault(place + page * page_size, protection_write));
        for (std::uint64_t page = 1; page < 60; page += 3) // splits, so that the array grows
            TRY_STATUS(space->protect(place + page * page_size, page_size, protection_read));
        TRY_STATUS(status_of(space->move(place + 2 * page_size, 9 * page_size, 0x1000'0000)));
        TRY_STATUS(space->resolve_fault(0x1000'0000, protection_read));
        TRY_STATUS(space->unmap(place + 20 * page_size, 9 * page_size));
        TRY_STATUS(status_of(object->clone(0, object->size())));
        TRY_STATUS(space->resolve_fault(place + 63 * page_size, protection_write));
        return {};
    };
    unsigned refusals = 0;
    for (long count = 0;; ++count, ++refusals) {
        const std::size_t before = frame_allocator.free_frames();
        const AllocationLimit limit(count);
        const Status status = use();
        ASSERT_EQ(frame_allocator.free_frames(), before);
        if (status) break;
        ASSERT_EQ(status.error(), Error::out_of_memory);
    }
    EXPECT_GT(refusals, 5u);
    refusals = 0;
    for (std::size_t count = 0;; ++count, ++refusals) {
        const FrameLimit limit(count);
        const Status status = use();
        ASSERT_EQ(frame_allocator.free_frames(), count);
        if (status) break;
        ASSERT_EQ(status.error(), Error::out_of_memory);
    }
    EXPECT_GT(refusals, 10u);
}

} // namespace
} // namespace orrery::kernel::host
