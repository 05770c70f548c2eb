// The kernel from many CPUs at once: allocators, handles, memory objects, signals, futexes and the scheduler. Built
// with AddressSanitizer and, apart, with ThreadSanitizer.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "kernel/cpu/clock.h"
#include "kernel/handle/handle_table.h"
#include "kernel/memory/heap.h"
#include "kernel/ring/ring.h"
#include "kernel/scheme/scheme.h"
#include "kernel/signal/signal.h"
#include "kernel/thread/futex.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

constexpr unsigned workers = 4;

// Runs `work` on four CPUs at once; CPU 0 stays the test's.
void on_all_cpus(const std::function<void(unsigned, std::mt19937&)>& work)
{
    std::vector<std::thread> threads;
    for (unsigned number = 1; number <= workers; ++number)
        threads.emplace_back([&, number] {
            const CpuBinding cpu(number);
            std::mt19937 random(number);
            work(number, random);
        });
    for (std::thread& thread : threads) thread.join();
}

TEST(Concurrency, frames)
{
    Machine machine;
    const std::size_t before = frame_allocator.free_frames();
    on_all_cpus([](unsigned self, std::mt19937& random) {
        std::vector<std::pair<Frame*, std::uint64_t>> mine;
        for (int step = 0; step < 5000; ++step) {
            if (random() % 2 == 0 && mine.size() < 50) {
                Frame* frame = frame_allocator.allocate(random() % 4);
                ASSERT_NE(frame, nullptr);
                const std::uint64_t mark = std::uint64_t { self } << 32 | random();
                *static_cast<std::uint64_t*>(frame_allocator.memory_of(frame)) = mark;
                mine.push_back({ frame, mark });
            } else if (!mine.empty()) {
                const std::size_t index = random() % mine.size();
                const auto* found = static_cast<std::uint64_t*>(frame_allocator.memory_of(mine[index].first));
                ASSERT_EQ(*found, mine[index].second);
                frame_allocator.release(mine[index].first);
                mine[index] = mine.back();
                mine.pop_back();
            }
        }
        for (const auto& [frame, mark] : mine) frame_allocator.release(frame);
    });
    EXPECT_EQ(frame_allocator.free_frames(), before);
}

TEST(Concurrency, heap)
{
    Machine machine;
    on_all_cpus([](unsigned self, std::mt19937& random) {
        std::vector<std::pair<unsigned char*, std::size_t>> mine;
        for (int step = 0; step < 5000; ++step) {
            if (random() % 2 == 0 && mine.size() < 50) {
                const std::size_t size = 1 + random() % 3000;
                auto* memory = static_cast<unsigned char*>(heap_allocate(size));
                ASSERT_NE(memory, nullptr);
                std::memset(memory, static_cast<int>(self), size);
                mine.push_back({ memory, size });
            } else if (!mine.empty()) {
                const auto [memory, size] = mine.back();
                ASSERT_EQ(memory[0], self);
                ASSERT_EQ(memory[size - 1], self);
                heap_free(memory);
                mine.pop_back();
            }
        }
        for (const auto& [memory, size] : mine) heap_free(memory);
    });
}

class OrderProbe final : public Object {
public:
    OrderProbe() : Object(abi::ObjectKind::console, 1) {}
    void handle_opened(std::uint32_t) override { opened_ = true; }
    void handle_closed(std::uint32_t) override { EXPECT_TRUE(opened_) << "closed before it was opened"; }

private:
    std::atomic<bool> opened_ { false };
};

// Handles that come and go: the count of a ring's must be exact, and nobody may use what is gone.
TEST(Concurrency, handles)
{
    Machine machine;
    HandleTable table;
    const auto ring = *Ring::create(64, 8);
    ASSERT_TRUE(table.insert(ring, abi::right_consume | abi::right_produce)); // keeps both sides alive
    on_all_cpus([&](unsigned, std::mt19937& random) {
        for (int step = 0; step < 5000; ++step) {
            const auto handle = static_cast<abi::Handle>(2 + random() % 40);
            switch (random() % 4) {
            case 0: (void)table.insert(ring, abi::right_produce); break;
            case 1:
                (void)table.insert(Ref<OrderProbe>::adopt(new OrderProbe), 0);
                break;
            case 2: (void)table.close(handle); break;
            default:
                if (const auto found = table.find<Ring>(handle, 0)) (void)(*found)->wake_side(abi::RingSide::producer);
            }
        }
    });
    EXPECT_EQ(ring->header->kernel_broken, 0u);
    table.close_all();
    EXPECT_NE(ring->header->kernel_broken, 0u);
}

// Every page of an object comes to be once, whoever touches it first.
TEST(Concurrency, pages_on_demand)
{
    Machine machine;
    constexpr std::uint64_t pages = 600; // two leaves
    for (int round = 0; round < 3; ++round) {
        const auto object = *MemoryObject::create(pages * page_size);
        std::vector<std::vector<Frame*>> seen(workers + 1);
        on_all_cpus([&](unsigned self, std::mt19937&) {
            for (std::uint64_t page = 0; page < pages; ++page) seen[self].push_back(*object->page(page * page_size));
        });
        for (unsigned self = 2; self <= workers; ++self) EXPECT_EQ(seen[self], seen[1]);
        EXPECT_EQ(object->resident_pages(), pages);
    }
}

// Clones, writes and forgetting at once: each object's own word stays its own.
TEST(Concurrency, clones)
{
    Machine machine;
    const std::size_t before = frame_allocator.free_frames();
    {
        const auto original = *MemoryObject::create(8 * page_size);
        for (std::uint64_t page = 0; page < 8; ++page) (void)original->page(page * page_size);
        on_all_cpus([&](unsigned self, std::mt19937& random) {
            for (int step = 0; step < 300; ++step) {
                const auto copy = original->clone(0, 8 * page_size);
                ASSERT_TRUE(copy);
                const std::uint64_t offset = random() % 8 * page_size;
                const auto frame = (*copy)->page(offset);
                ASSERT_TRUE(frame);
                auto* words = static_cast<std::uint64_t*>(frame_allocator.memory_of(*frame));
                ASSERT_EQ(words[1], 0u) << "written by another";
                words[1] = self;
                (void)original->page(offset);
                if (random() % 8 == 0) (void)original->advise(offset, page_size, abi::Advice::forget);
            }
        });
    }
    EXPECT_EQ(frame_allocator.free_frames(), before);
}

// Raisers on four CPUs against the owner, which claims what it finds with its slot, as the runtime does.
TEST(Concurrency, raise_against_the_owner)
{
    Machine machine;
    const auto space = machine.make_space();
    const auto memory = *MemoryObject::create(2 * page_size);
    ASSERT_TRUE(space->map(memory, 0, 0x40'0000, 2 * page_size, read_write));
    const auto thread = *Thread::create(space, { 0x400000, 0x7000'0000, 0, 0 });
    auto& control = *static_cast<abi::ThreadControl*>(user_memory(*space, 0x40'0000));
    control.words[0].initialize(0, ~std::uint32_t { 0 });
    {
        const ActAs self(*thread);
        ASSERT_TRUE(register_signals(0x40'0000, 0x40'1000, 0x60'0000));
    }
    std::atomic<std::uint64_t> merged_or_raised { 0 };
    std::atomic<unsigned> running { workers };
    std::uint64_t claimed = 0;
    std::thread owner([&] {
        const CpuBinding cpu(5);
        for (bool last = false; !last;) {
            last = running == 0;
            const std::uint32_t pending = control.words[0].pending();
            for (int number = 1; number <= 32; ++number) {
                if (!(pending & abi::signal_bit(number))) continue;
                const abi::SignalInfo info = control.slots[number - 1];
                ASSERT_EQ(info.value, static_cast<std::uint64_t>(number)) << "half of a slot, or another's";
                ASSERT_EQ(info.status, number);
                control.words[0].clear(abi::signal_bit(number));
                ++claimed;
            }
        }
    });
    on_all_cpus([&](unsigned, std::mt19937& random) {
        for (int step = 0; step < 5000; ++step) {
            int number = 1 + static_cast<int>(random() % 31);
            if (number == 9 || number == 18 || number == 19) number = 10;
            abi::SignalInfo info {};
            info.value = static_cast<std::uint64_t>(number);
            info.status = number;
            ASSERT_TRUE(raise_to_thread(*thread, number, info));
            ++merged_or_raised;
        }
        --running;
    });
    owner.join();
    EXPECT_EQ(control.words[0].pending(), 0u);
    EXPECT_GT(claimed, 0u);
    EXPECT_LE(claimed, merged_or_raised.load());
}

// Real threads on four CPUs: a token goes round by futexes, with the scheduler stealing and switching underneath.
TEST(Concurrency, futex_token_ring)
{
    Machine machine(4);
    const auto space = machine.make_space();
    const auto memory = *MemoryObject::create(page_size);
    constexpr VirtualAddress place = 0x40'0000;
    ASSERT_TRUE(space->map(memory, 0, place, page_size, read_write));
    auto& token = *static_cast<std::atomic<std::uint32_t>*>(user_memory(*space, place));
    constexpr std::uint32_t members = 6;
    constexpr std::uint32_t rounds = 40;
    for (std::uint32_t self = 0; self < members; ++self)
        machine.spawn(space, [&, self] {
            for (std::uint32_t turn = self; turn < members * rounds; turn += members) {
                for (std::uint32_t seen = token; seen != turn; seen = token) {
                    (void)futex_wait(place, seen, abi::no_deadline);
                    user_point();
                }
                token = turn + 1;
                ASSERT_TRUE(futex_wake(place, members));
                user_point();
            }
        });
    machine.run_until([&] { return space->state == SpaceState::ended; });
    EXPECT_EQ(token, members * rounds);
}

// Threads that sleep on different things while others wake, stop, continue, signal and at last end them all.
TEST(Concurrency, sleepers_under_fire)
{
    Machine machine(3);
    const auto space = machine.make_space();
    const auto memory = *MemoryObject::create(page_size);
    constexpr VirtualAddress place = 0x40'0000;
    ASSERT_TRUE(space->map(memory, 0, place, page_size, read_write));
    const auto ring = *Ring::create(64, 8);
    std::atomic<std::uint64_t> sleeps { 0 };
    for (int index = 0; index < 6; ++index)
        machine.spawn(space, [&, index] {
            for (;;) {
                ring->header->consumer.waiting = 1;
                switch (index % 3) {
                case 0:
                    (void)futex_wait(place, 0, clock_now() + 100'000);
                    (void)futex_wait_wide(place + 8, 0, clock_now() + 20'000);
                    break;
                case 1: (void)ring->wait(abi::RingSide::consumer, clock_now() + 100'000); break;
                default: (void)wait_for_signal(clock_now() + 50'000);
                }
                ++sleeps;
                user_point();
            }
        });
    const auto other = machine.make_space("other");
    ASSERT_TRUE(other->map(memory, 0, place, page_size, read_write));
    for (int index = 0; index < 2; ++index)
        machine.spawn(other, [&, index] {
            std::mt19937 random(static_cast<unsigned>(index));
            while (sleeps < 600) {
                switch (random() % 7) {
                case 4: (void)futex_requeue(place, 0, 0, 2, place + 8); break;
                case 5: (void)futex_requeue(place + 8, 0, 1, 2, place); break;
                case 6: (void)futex_wake(place + 8, 1); break;
                case 0: space->stop(); break;
                case 1: space->proceed(); break;
                case 2: (void)ring->wake_side(abi::RingSide::consumer); break;
                default: (void)raise_to_space(*space, 10, {});
                }
                schedule();
                user_point();
            }
            space->end({ .code = 5 });
        });
    machine.run_until([&] { return space->state == SpaceState::ended && other->state == SpaceState::ended; });
    EXPECT_EQ(space->exit_status, 5u);
}

// Callers with and without patience, two servers of which one dies in the middle, and then the other.
TEST(Concurrency, schemes)
{
    Machine machine(4);
    const auto scheme = *Scheme::create();
    const auto clients = machine.make_space("clients");
    std::atomic<unsigned> answered { 0 }, given_up { 0 };
    std::vector<Ref<AddressSpace>> servers { machine.make_space("one"), machine.make_space("two") };
    for (const auto& server : servers) ASSERT_TRUE(server->handles.insert(scheme, abi::right_serve));
    constexpr unsigned callers = 6;
    constexpr unsigned calls = 200;
    for (unsigned index = 0; index < callers; ++index)
        machine.spawn(clients, [&, index] {
            for (std::uint64_t round = 0; round < calls; ++round) {
                Operation operation;
                operation.entry.opcode = abi::first_free_opcode;
                operation.entry.arguments[0] = round;
                if (scheme->call(operation, index % 2 ? abi::no_deadline : clock_now() + 20'000)) {
                    EXPECT_EQ(operation.completion.result, round * 3);
                    ++answered;
                } else {
                    ++given_up;
                }
                user_point();
            }
        });
    for (unsigned index = 0; index < servers.size(); ++index)
        for (unsigned thread = 0; thread < 2; ++thread)
            machine.spawn(servers[index], [&, index] {
                abi::Cqe completion {};
                const abi::Cqe* answer = nullptr;
                for (unsigned round = 0;; ++round) {
                    const auto entry = scheme->receive(answer, clock_now() + 1'000'000);
                    answer = nullptr;
                    if (entry && entry->opcode != static_cast<std::uint8_t>(abi::SchemeOpcode::cancel)) {
                        completion = { .flags = 0, .extra = {}, .tag = entry->tag, .result = entry->arguments[0] * 3 };
                        answer = &completion;
                    }
                    if (index == 0 && round == 100) servers[0]->end({});
                    if (clients->state == SpaceState::ended) servers[index]->end({});
                    user_point();
                }
            });
    machine.run_until([&] {
        return clients->state == SpaceState::ended && servers[0]->state == SpaceState::ended
            && servers[1]->state == SpaceState::ended;
    });
    EXPECT_EQ(answered + given_up, callers * calls);
    EXPECT_GT(answered, 0u);
}

} // namespace
} // namespace orrery::kernel::host
