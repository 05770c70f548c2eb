// How spaces and threads begin and end: statuses, waiters, limits, what must not happen in between, and the scheduler's
// looks at other CPUs.
#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

class CloseProbe final : public Object {
public:
    explicit CloseProbe(std::function<void()> on_close)
        : Object(abi::ObjectKind::console, 1), on_close_(std::move(on_close))
    {
    }
    void handle_closed(std::uint32_t) override { on_close_(); }

private:
    std::function<void()> on_close_;
};

Ref<Thread> idle_thread_of(const Ref<AddressSpace>& space)
{
    return *Thread::create(space, { 0x400000, 0x7000'0000, 0, 0 });
}

TEST(SpaceEnd, waiters_get_the_first_status)
{
    Machine machine;
    const auto space = machine.make_space();
    const auto other = machine.make_space("waiters");
    std::vector<std::uint64_t> seen;
    for (int index = 0; index < 3; ++index)
        machine.spawn(other, [&] { seen.push_back(space->wait_for_end(abi::no_deadline)->word()); });
    machine.spawn(other, [&] {
        EXPECT_EQ(space->wait_for_end(1).error(), Error::timed_out);
        user_point();
    });
    machine.spawn(space, [&] {
        space->end({ .code = 7 });
        space->end({ .code = 8 });
        user_point();
    });
    machine.run_until([&] { return seen.size() == 3 && other->state == SpaceState::ended; });
    EXPECT_EQ(seen, (std::vector<std::uint64_t> { 7, 7, 7 }));
    space->end({ .code = 9 });
    EXPECT_EQ(space->exit_status, 7u);
}

TEST(SpaceEnd, without_threads_it_is_immediate)
{
    Machine machine;
    const auto space = machine.make_space();
    const auto memory = *MemoryObject::create(page_size);
    ASSERT_TRUE(space->map(memory, 0, 0x40'0000, page_size, abi::protection_read));
    bool closed = false;
    ASSERT_TRUE(space->handles.insert(Ref<CloseProbe>::adopt(new CloseProbe([&] { closed = true; })), 0));
    space->end({ .code = 0, .signal = 9 });
    EXPECT_EQ(space->state, SpaceState::ended);
    EXPECT_TRUE(closed);
    EXPECT_EQ(space->resolve_fault(0x40'0000, abi::protection_read).error(), Error::bad_address);
    EXPECT_EQ(idle_thread_of(space)->start().error(), Error::terminated);
}

// While the last thread takes the space down it looks alive to no one.
TEST(SpaceEnd, nobody_joins_a_space_that_is_being_taken_down)
{
    Machine machine;
    const auto space = machine.make_space();
    const auto late = idle_thread_of(space);
    Error seen = Error::none;
    ASSERT_TRUE(space->handles.insert(Ref<CloseProbe>::adopt(new CloseProbe([&] {
        const Status status = late->start();
        seen = status ? Error::none : status.error();
    })), 0));
    machine.spawn(space, [] {}); // ends by itself: no status was given
    machine.run_ready();
    EXPECT_EQ(seen, Error::terminated);
    EXPECT_EQ(space->state, SpaceState::ended);
    machine.run_ready();
}

// Each space holds the only handle on the next: a program can make such a chain as long as it likes.
TEST(SpaceEnd, a_chain_of_spaces_needs_no_deep_stack)
{
    Machine machine;
    const std::size_t free_before = frame_allocator.free_frames();
    std::uintptr_t lowest = ~std::uintptr_t { 0 };
    std::uintptr_t highest = 0;
    unsigned ended = 0;
    constexpr unsigned length = 300;
    {
        Ref<AddressSpace> head;
        for (unsigned index = 0; index < length; ++index) {
            auto space = machine.make_space();
            if (head) ASSERT_TRUE(space->handles.insert(head, abi::right_manage));
            ASSERT_TRUE(space->handles.insert(Ref<CloseProbe>::adopt(new CloseProbe([&] {
                const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
                lowest = std::min(lowest, here);
                highest = std::max(highest, here);
                ++ended;
            })), 0));
            head = space;
        }
    }
    EXPECT_EQ(ended, length);
    EXPECT_LT(highest - lowest, kernel_stack_size / 2) << "destructors ran inside each other";
    EXPECT_EQ(frame_allocator.free_frames(), free_before);
}

// Spaces that hold handles on themselves, or on each other, and that nobody else can reach any more.
TEST(SpaceEnd, what_was_never_started_ends_with_its_maker)
{
    Machine machine;
    const auto bystander = machine.make_space("bystander");
    const auto free_before = frame_allocator.free_frames();
    {
        const auto maker = *AddressSpace::create(std::span("maker", 5));
        machine.spawn(maker, [] {});
        const auto self_held = *AddressSpace::create(std::span("one", 3), maker.get());
        const auto left = *AddressSpace::create(std::span("two", 3), maker.get());
        const auto right = *AddressSpace::create(std::span("three", 5), maker.get());
        for (const auto& [holder, held] : { std::pair { self_held, self_held }, { left, right }, { right, left } })
            ASSERT_TRUE(holder->handles.insert(Ref<Object>(held.get()), abi::right_manage));
        EXPECT_EQ(self_held->state, SpaceState::alive);
        machine.run_ready();
        EXPECT_EQ(maker->state, SpaceState::ended);
        for (const auto& space : { self_held, left, right }) EXPECT_EQ(space->state, SpaceState::ended);
        EXPECT_EQ(bystander->state, SpaceState::alive);
        machine.unload_space();
    }
    EXPECT_EQ(frame_allocator.free_frames(), free_before) << "nothing keeps them";
}

TEST(SpaceEnd, the_number_of_threads_is_limited)
{
    Machine machine;
    const auto space = machine.make_space();
    std::size_t count = 0;
    for (;; ++count) {
        const Status status = idle_thread_of(space)->start();
        if (status) continue;
        EXPECT_EQ(status.error(), Error::limit_reached);
        break;
    }
    EXPECT_EQ(count, AddressSpace::max_threads);
    space->end({});
    machine.run_ready();
    EXPECT_EQ(space->state, SpaceState::ended);
}

TEST(ThreadCreation, refusals_and_memory)
{
    Machine machine;
    const auto space = machine.make_space();
    using Start = Thread::Start;
    for (const Start& start : { Start { 0, 0x7000'0000, 0, 0 }, Start { 0x400000, 0, 0, 0 },
             Start { abi::user_end, 0x7000'0000, 0, 0 }, Start { 0x400000, ~std::uint64_t { 0 }, 0, 0 },
             Start { 0x400000, 0x7000'0000, 0, std::uint64_t { 1 } << 63 } })
        EXPECT_EQ(Thread::create(space, start).error(), Error::bad_address);
    EXPECT_TRUE(Thread::create(space, { 0x400000, abi::user_end, 0, abi::user_end }));
    const std::size_t free_before = frame_allocator.free_frames();
    for (long count = 0;; ++count) {
        const AllocationLimit limit(count);
        const auto thread = Thread::create(space, { 0x400000, 0x7000'0000, 0, 0 });
        if (thread) break;
        ASSERT_EQ(thread.error(), Error::out_of_memory);
        ASSERT_EQ(frame_allocator.free_frames(), free_before);
    }
    const FrameLimit limit(0);
    EXPECT_EQ(Thread::create(space, { 0x400000, 0x7000'0000, 0, 0 }).error(), Error::out_of_memory);
}

TEST(ThreadCreation, a_call_that_fails_leaves_no_thread_behind)
{
    Machine machine;
    const auto space = machine.make_space();
    bool strayed = false;
    const std::uint64_t stray = machine.add_program([&] { strayed = true; });
    machine.spawn(space, [&] {
        const auto own = *space->handles.insert(space, abi::right_manage);
        while (space->handles.insert(space, 0)) {}
        EXPECT_EQ(syscall_thread_create(own, 0x400000, 0x7000'0000, stray, 0, 0),
            to_value(Error::limit_reached));
        schedule();
    });
    machine.run_ready();
    EXPECT_FALSE(strayed);
}

// Two CPUs that each take the thread on its way out of the other would wait for each other for ever.
TEST(Scheduler, does_not_steal_a_thread_that_is_still_on_its_stack)
{
    Machine machine;
    const QuietCpu other(1);
    const auto space = machine.make_space();
    bool ran = false;
    const auto thread
        = *Thread::create(space, { 0x400000, 0x7000'0000, machine.add_program([&] { ran = true; }), 0 });
    thread->cpu = &cpus[1]; // where it has called schedule(), and was woken before it was off its stack
    thread->on_cpu = true;
    ASSERT_TRUE(thread->start());
    machine.run_ready();
    EXPECT_FALSE(ran);
    thread->on_cpu = false;
    machine.run_ready();
    EXPECT_TRUE(ran);
}

} // namespace
} // namespace orrery::kernel::host
