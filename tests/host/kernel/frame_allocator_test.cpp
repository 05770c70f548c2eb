// The buddy allocator against a model, and the heap on top of it.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>

#include "kernel/memory/heap.h"

namespace orrery::kernel::host {
namespace {

// An allocator over frame numbers alone: only allocate_zeroed touches memory.
struct Frames {
    explicit Frames(std::size_t count) : count(count), frames(new Frame[count])
    {
        allocator.initialize(frames.get(), count);
    }
    std::size_t number(const Frame* frame) const { return static_cast<std::size_t>(frame - frames.get()); }
    std::size_t count;
    std::unique_ptr<Frame[]> frames;
    FrameAllocator allocator;
};

// How many blocks of each order can be had at once: the state of the free lists, seen from outside.
std::vector<std::size_t> drain(FrameAllocator& allocator)
{
    std::vector<Frame*> taken;
    std::vector<std::size_t> blocks(FrameAllocator::max_order + 1);
    for (unsigned order = FrameAllocator::max_order + 1; order-- > 0;)
        while (Frame* frame = allocator.allocate(order)) {
            taken.push_back(frame);
            ++blocks[order];
        }
    EXPECT_EQ(allocator.free_frames(), 0u);
    for (Frame* frame : taken) allocator.release(frame);
    return blocks;
}

TEST(FrameAllocator, random_use_against_a_model)
{
    Machine machine;
    Frames memory(5000);
    FrameAllocator& allocator = memory.allocator;
    allocator.add_range(3 * page_size, 1777 * page_size);
    allocator.add_range(1800 * page_size + 1, 4999 * page_size + 5); // partial pages do not count
    const std::size_t total = allocator.total_frames();
    EXPECT_EQ(total, (1777u - 3) + (4999u - 1801));
    EXPECT_EQ(allocator.free_frames(), total);
    const auto at_first = drain(allocator);

    std::mt19937 random(7);
    std::map<std::size_t, unsigned> model; // first frame -> order
    std::size_t used = 0;
    for (int step = 0; step < 30'000; ++step) {
        if (random() % 2 == 0) {
            const unsigned order = random() % 8 == 0 ? random() % (FrameAllocator::max_order + 2) : random() % 4;
            Frame* frame = allocator.allocate(order);
            if (!frame) continue;
            ASSERT_LE(order, FrameAllocator::max_order);
            const std::size_t first = memory.number(frame);
            const std::size_t size = std::size_t { 1 } << order;
            ASSERT_EQ(first % size, 0u) << "aligned to its size";
            ASSERT_TRUE((first >= 3 && first + size <= 1777) || (first >= 1801 && first + size <= 4999));
            const auto above = model.lower_bound(first);
            ASSERT_TRUE(above == model.end() || above->first >= first + size);
            if (above != model.begin()) {
                const auto below = std::prev(above);
                ASSERT_LE(below->first + (std::size_t { 1 } << below->second), first);
            }
            ASSERT_EQ(frame->references.load(), 1u);
            model[first] = order;
            used += size;
        } else if (!model.empty()) {
            auto victim = model.lower_bound(random() % memory.count);
            if (victim == model.end()) victim = model.begin();
            Frame* frame = &memory.frames[victim->first];
            const bool shared = random() % 4 == 0;
            if (shared) allocator.reference(frame);
            allocator.release(frame);
            if (shared) continue; // still there
            used -= std::size_t { 1 } << victim->second;
            model.erase(victim);
        }
        ASSERT_EQ(allocator.free_frames(), total - used);
    }
    for (const auto& [first, order] : model) allocator.release(&memory.frames[first]);
    EXPECT_EQ(allocator.free_frames(), total);
    EXPECT_EQ(drain(allocator), at_first) << "everything has grown together again";
}

TEST(FrameAllocator, exhaustion_and_limits)
{
    Machine machine;
    Frames memory(64);
    FrameAllocator& allocator = memory.allocator;
    allocator.add_range(0, 64 * page_size);
    EXPECT_EQ(allocator.allocate(FrameAllocator::max_order + 1), nullptr);
    EXPECT_EQ(allocator.allocate(7), nullptr) << "64 frames are no 128";
    Frame* low = allocator.allocate(0, 2 * page_size);
    ASSERT_NE(low, nullptr);
    EXPECT_LT(memory.number(low), 2u);
    Frame* low_too = allocator.allocate(0, 2 * page_size);
    ASSERT_NE(low_too, nullptr);
    EXPECT_EQ(allocator.allocate(0, 2 * page_size), nullptr) << "there is memory, but none that low";
    EXPECT_EQ(allocator.free_frames(), 62u);
    Frame* half = allocator.allocate(5);
    ASSERT_NE(half, nullptr);
    allocator.split_block(half);
    allocator.release(half + 7);
    EXPECT_EQ(allocator.free_frames(), 31u);
    for (int index = 0; index < 32; ++index)
        if (index != 7) allocator.release(half + index);
    allocator.release(low);
    allocator.release(low_too);
    EXPECT_EQ(drain(allocator)[6], 1u);
}

TEST(FrameAllocator, frames_without_a_place_and_reserved_frames)
{
    Machine machine;
    Frames memory(8);
    memory.allocator.add_range(4 * page_size, 100 * page_size); // more than there are
    EXPECT_EQ(memory.allocator.total_frames(), 4u);
    EXPECT_EQ(memory.allocator.frame_at(8 * page_size), nullptr);
    EXPECT_EQ(memory.allocator.frame_at(~std::uint64_t { 0 }), nullptr);
    Frame* firmware = memory.allocator.frame_at(page_size);
    memory.allocator.reference(firmware);
    memory.allocator.release(firmware);
    EXPECT_EQ(memory.allocator.free_frames(), 4u) << "never becomes free memory";
}

TEST(FrameAllocator, holes_are_no_memory)
{
    Machine machine;
    Frames memory(64);
    memory.allocator.exclude(16 * page_size + 1, 32 * page_size + 5); // whole pages only
    memory.allocator.add_range(32 * page_size, 64 * page_size);
    for (std::size_t index = 0; index < 66; ++index)
        EXPECT_EQ(memory.allocator.is_memory(index * page_size), index < 17 || (index >= 32 && index < 64)) << index;
    EXPECT_EQ(memory.allocator.free_frames(), 32u);
}

TEST(FrameAllocator, every_frame_that_it_has_says_so)
{
    Machine machine;
    Frames memory(64);
    memory.allocator.add_range(16 * page_size, 64 * page_size);
    for (std::size_t index = 0; index < 64; ++index)
        EXPECT_EQ(memory.frames[index].state == FrameState::reserved, index < 16) << index;
}

TEST(Heap, size_classes)
{
    Machine machine;
    EXPECT_EQ(heap_allocate(std::size_t { 5 } << 20), nullptr);
    EXPECT_EQ(heap_allocate(~std::size_t { 0 }), nullptr);
    heap_free(nullptr);
    for (const std::size_t size : { 0, 1, 31, 32, 33, 100, 2047, 2048, 2049, 4096, 4097, 40'000 }) {
        void* memory = heap_allocate(size);
        ASSERT_NE(memory, nullptr) << size;
        const std::size_t alignment = std::min<std::size_t>(4096, std::bit_ceil(std::max<std::size_t>(size, 32)));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u) << size;
        std::memset(memory, 0x5a, size);
        heap_free(memory);
        void* again = heap_allocate(size);
        EXPECT_EQ(again, memory) << "what was freed last is used first";
        heap_free(again);
    }
}

TEST(Heap, blocks_do_not_overlap_and_run_out)
{
    Machine machine;
    std::mt19937 random(3);
    std::map<std::byte*, std::size_t> live;
    const FrameLimit limit(40);
    bool refused = false;
    for (int step = 0; step < 4000; ++step) {
        if (random() % 3 != 0) {
            const std::size_t size = random() % 6000;
            auto* memory = static_cast<std::byte*>(heap_allocate(size));
            if (!memory) {
                refused = true;
                continue;
            }
            const auto above = live.lower_bound(memory);
            ASSERT_TRUE(above == live.end() || memory + size <= above->first);
            ASSERT_TRUE(above == live.begin() || std::prev(above)->first + std::prev(above)->second <= memory);
            std::memset(memory, static_cast<int>(size & 0xff), size);
            live[memory] = size;
        } else if (!live.empty()) {
            auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
            for (std::size_t index = 0; index < victim->second; ++index)
                ASSERT_EQ(victim->first[index], static_cast<std::byte>(victim->second & 0xff));
            heap_free(victim->first);
            live.erase(victim);
        }
    }
    EXPECT_TRUE(refused) << "40 frames are not enough for this";
    for (const auto& [memory, size] : live) heap_free(memory);
}

TEST(HeapDeathTest, free_of_a_foreign_address)
{
    Machine machine;
    int local = 0;
    EXPECT_DEATH(heap_free(&local), "outside RAM");
}

} // namespace
} // namespace orrery::kernel::host
