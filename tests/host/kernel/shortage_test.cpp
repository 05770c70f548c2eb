// Out of memory is an error return: every system call that allocates is refused at each of its allocations in turn, and
// must then leave everything as it was, so that the same call works once there is memory.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>

#include "kernel/boot/console.h"
#include "kernel/boot/descriptor.h"
#include "kernel/cpu/clock.h"
#include "kernel/memory/memory_object.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

using abi::Syscall;

constexpr VirtualAddress names = 0x40'0000, first = 0x1000'0000, second = 0x2000'0000, elsewhere = 0x9000'0000;
constexpr std::uint64_t length = 16 * page_size;

// A program's objects by letter: what a call makes is kept under one, and later calls name it.
using Objects = std::map<char, std::uint64_t>;

struct Step {
    Syscall number;
    char made; // the letter of what it makes, or 0
    std::function<std::vector<std::uint64_t>(Objects&)> arguments;
};

std::uint64_t advice(abi::Advice advice) { return static_cast<std::uint64_t>(advice); }

const std::vector<Step>& steps()
{
    static const std::vector<Step> steps {
        { Syscall::memory_create, 'm', [](Objects&) { return std::vector { length, std::uint64_t { 0 } }; } },
        { Syscall::memory_map, 0, [](Objects& o) { return std::vector { o['o'], o['m'], 0ul, first, length, 3ul }; } },
        { Syscall::memory_advise, 0,
            [](Objects& o) { return std::vector { o['o'], first, length, advice(abi::Advice::populate) }; } },
        { Syscall::memory_clone, 'c', [](Objects& o) { return std::vector { o['m'], 0ul, length }; } },
        { Syscall::memory_map, 0, [](Objects& o) { return std::vector { o['o'], o['c'], 0ul, second, length, 3ul }; } },
        { Syscall::memory_advise, 0,
            [](Objects& o) { return std::vector { o['o'], second, length, advice(abi::Advice::populate) }; } },
        { Syscall::memory_protect, 0,
            [](Objects& o) { return std::vector { o['o'], first + 4 * page_size, 2 * page_size, 1ul }; } },
        { Syscall::memory_move, 0,
            [](Objects& o) { return std::vector { o['o'], second + page_size, 3 * page_size, elsewhere }; } },
        { Syscall::memory_unmap, 0,
            [](Objects& o) { return std::vector { o['o'], first + 8 * page_size, 2 * page_size }; } },
        { Syscall::memory_replace, 0, [](Objects& o) { return std::vector { o['m'], 0ul, o['c'], 0ul }; } },
        { Syscall::memory_create_physical, 'p',
            [](Objects& o) { return std::vector { o['h'], page_size, 4 * page_size, 0ul }; } },
        { Syscall::ring_create, 'r', [](Objects&) { return std::vector { 64ul, 8ul }; } },
        { Syscall::memory_map, 0, [](Objects& o) { return std::vector { o['o'], o['r'], 0ul, 0ul, page_size, 3ul }; } },
        { Syscall::event_create, 'e', [](Objects&) { return std::vector<std::uint64_t> {}; } },
        { Syscall::scheme_create, 's', [](Objects&) { return std::vector<std::uint64_t> {}; } },
        { Syscall::memory_create_paged, 'f', [](Objects& o) { return std::vector { o['s'], 7ul, length }; } },
        { Syscall::memory_supply, 0, [](Objects& o) { return std::vector { o['f'], page_size, o['c'], 2 * page_size }; } },
        { Syscall::space_create, 'n', [](Objects&) { return std::vector { names, 5ul }; } },
        { Syscall::handle_install, 0,
            [](Objects& o) { return std::vector { o['n'], o['m'], std::uint64_t { abi::right_read } }; } },
        { Syscall::handle_duplicate, 'd',
            [](Objects& o) { return std::vector { o['m'], std::uint64_t { abi::right_read } }; } },
        { Syscall::thread_self, 't', [](Objects&) { return std::vector<std::uint64_t> {}; } },
        { Syscall::thread_create, 'u', [](Objects& o) { return std::vector { o['n'], names, first, 0ul, 0ul }; } },
    };
    return steps;
}

SyscallValue make(const Step& step, Objects& objects)
{
    auto words = step.arguments(objects);
    words.resize(6);
    const SyscallValue result = syscall_table[static_cast<std::size_t>(step.number)](
        words[0], words[1], words[2], words[3], words[4], words[5]);
    if (result >= 0 && step.made) objects[step.made] = static_cast<std::uint64_t>(result);
    return result;
}

class Shortage : public testing::Test {
protected:
    // All steps, of which `chosen` is made under `limit` first, and again without it if it was refused. True if it was.
    template <typename MakeLimit>
    bool run(std::size_t chosen, MakeLimit limit)
    {
        bool refused = false;
        const auto space = machine_.make_space("short");
        Objects objects;
        objects['o'] = *space->handles.insert(space, abi::all_rights);
        objects['h'] = *space->handles.insert(Ref<Hardware>::adopt(new Hardware), abi::right_manage);
        EXPECT_TRUE(space->map(*MemoryObject::create(page_size), 0, names, page_size, read_write));
        std::memcpy(user_memory(*space, names), "child", 5);
        machine_.spawn(space, [&] {
            for (std::size_t index = 0; index < steps().size(); ++index) {
                const Step& step = steps()[index];
                if (index == chosen) {
                    SyscallValue result;
                    const std::size_t before = frame_allocator.free_frames();
                    {
                        const auto scope = limit();
                        result = make(step, objects);
                    }
                    refused = result < 0;
                    if (!refused) continue;
                    EXPECT_EQ(result, to_value(Error::out_of_memory)) << abi::name(step.number);
                    // Page tables may stay, and what populate has brought; they are counted at the end. The one page that
                    // is marked as clean may have been dropped to make room.
                    EXPECT_LE(frame_allocator.free_frames(), before + 1);
                }
                EXPECT_GE(make(step, objects), 0) << abi::name(step.number) << ", step " << index;
            }
        });
        machine_.run_ready();
        if (objects.contains('n')) // the child's thread, and with it the child, may wait for its end
            if (const auto child = space->handles.find<AddressSpace>(static_cast<abi::Handle>(objects['n']), 0))
                (*child)->end({});
        space->end({});
        machine_.run_ready();
        return refused;
    }
    Machine machine_;
};

TEST_F(Shortage, of_kernel_memory_is_refused_at_each_allocation_and_leaves_no_trace)
{
    initialize_descriptor(arena_size);
    const std::size_t free_before = frame_allocator.free_frames();
    unsigned refusals = 0;
    for (std::size_t chosen = 0; chosen < steps().size(); ++chosen) {
        for (long allowed = 0; run(chosen, [&] { return AllocationLimit(allowed); }); ++allowed) {
            ++refusals;
            ASSERT_LT(allowed, 100) << abi::name(steps()[chosen].number);
            if (HasFailure()) return;
        }
        machine_.unload_space();
        ASSERT_EQ(frame_allocator.free_frames(), free_before) << abi::name(steps()[chosen].number);
    }
    EXPECT_GT(refusals, steps().size());
}

TEST_F(Shortage, of_frames_is_refused_at_each_and_leaves_no_trace)
{
    initialize_descriptor(arena_size);
    const std::size_t free_before = frame_allocator.free_frames();
    unsigned refusals = 0;
    for (std::size_t chosen = 0; chosen < steps().size(); ++chosen) {
        // The last frames are spared for the rest of the system, so programs are refused with some hundreds left.
        for (std::size_t left = 0; run(chosen, [&] { return FrameLimit(left); }); left = left == 8 ? 500 : left + 1) {
            ++refusals;
            ASSERT_LT(left, 600u) << abi::name(steps()[chosen].number);
            if (HasFailure()) return;
        }
        machine_.unload_space();
        ASSERT_EQ(frame_allocator.free_frames(), free_before) << abi::name(steps()[chosen].number);
    }
    EXPECT_GT(refusals, steps().size());
}

} // namespace
} // namespace orrery::kernel::host
