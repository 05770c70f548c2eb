// System calls as a program makes them: rights that handles do not give, and random calls by hostile programs.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "kernel/boot/console.h"
#include "kernel/boot/descriptor.h"
#include "kernel/cpu/clock.h"
#include "kernel/ring/ring.h"
#include "kernel/scheme/scheme.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

using abi::Syscall;

SyscallValue call(Syscall number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0,
    std::uint64_t e = 0, std::uint64_t f = 0)
{
    return syscall_table[static_cast<std::size_t>(number)](a, b, c, d, e, f);
}

class Syscalls : public testing::Test {
protected:
    void run(std::function<void()> program)
    {
        machine_.spawn(space_, std::move(program));
        machine_.run_ready();
    }
    template <typename T>
    std::uint64_t give(Ref<T> object, std::uint32_t rights)
    {
        return *space_->handles.insert(object, rights);
    }
    Machine machine_;
    Ref<AddressSpace> space_ = machine_.make_space();
};

TEST_F(Syscalls, memory_rights_hold_for_ever)
{
    const auto memory = *MemoryObject::create(4 * page_size);
    const auto own = give(space_, abi::right_manage);
    const auto readable = give(memory, abi::right_read);
    const auto ring = give(*Ring::create(64, 8), abi::right_consume);
    const auto spectator = give(*Ring::create(64, 8), abi::right_duplicate);
    run([&] {
        constexpr VirtualAddress place = 0x40'0000;
        const auto denied = to_value(Error::access_denied);
        EXPECT_EQ(call(Syscall::memory_map, own, readable, 0, place, page_size, read_write), denied);
        EXPECT_EQ(call(Syscall::memory_map, own, readable, 0, place, page_size, abi::protection_read), place);
        EXPECT_EQ(call(Syscall::memory_protect, own, place, page_size, read_write), denied);
        EXPECT_EQ(call(Syscall::memory_protect, own, place, page_size, abi::protection_execute), denied);
        EXPECT_EQ(call(Syscall::memory_map, own, ring, 0, 2 * place, page_size, abi::protection_execute), denied);
        EXPECT_EQ(call(Syscall::memory_map, own, ring, 0, 2 * place, page_size, read_write), 2 * place);
        EXPECT_EQ(call(Syscall::memory_map, own, spectator, 0, 3 * place, page_size, abi::protection_read), denied);
        EXPECT_EQ(call(Syscall::memory_map, own, own, 0, 3 * place, page_size, 1), to_value(Error::wrong_kind));
        EXPECT_EQ(call(Syscall::memory_map, own, readable, 0, 3 * place, page_size, std::uint64_t { 1 } << 32 | 1),
            to_value(Error::invalid_argument));
    });
}

TEST_F(Syscalls, rights_only_shrink)
{
    const auto memory = *MemoryObject::create(page_size);
    const auto own = give(space_, abi::right_manage | abi::right_duplicate);
    const auto readable = give(memory, abi::right_read | abi::right_duplicate);
    const auto fixed = give(memory, abi::right_read);
    run([&] {
        const auto denied = to_value(Error::access_denied);
        EXPECT_EQ(call(Syscall::handle_duplicate, readable, abi::right_read | abi::right_write), denied);
        EXPECT_EQ(call(Syscall::handle_duplicate, readable, std::uint64_t { 1 } << 32 | abi::right_read), denied);
        EXPECT_EQ(call(Syscall::handle_duplicate, fixed, abi::right_read), denied);
        EXPECT_EQ(call(Syscall::handle_install, own, fixed, abi::right_read), denied);
        EXPECT_EQ(call(Syscall::handle_install, own, readable, abi::right_read | abi::right_write), denied);
        const auto copy = call(Syscall::handle_duplicate, readable, abi::right_read);
        EXPECT_GT(copy, 0);
        EXPECT_EQ(call(Syscall::handle_duplicate, static_cast<std::uint64_t>(copy), abi::right_read), denied);
        EXPECT_EQ(call(Syscall::space_wait, own, 0), denied);
        EXPECT_EQ(call(Syscall::signal_raise, own, 9), denied);
    });
}

TEST_F(Syscalls, a_handle_is_not_cut_to_32_bits)
{
    const auto memory = give(*MemoryObject::create(page_size), abi::right_read);
    run([&] {
        EXPECT_EQ(call(Syscall::memory_size, memory), static_cast<SyscallValue>(page_size));
        EXPECT_EQ(call(Syscall::memory_size, memory | std::uint64_t { 1 } << 32), to_value(Error::bad_handle));
        EXPECT_EQ(call(Syscall::handle_close, memory | std::uint64_t { 1 } << 63), to_value(Error::bad_handle));
        EXPECT_EQ(call(Syscall::handle_close, memory), 0);
    });
}

TEST_F(Syscalls, a_thread_gets_a_handle_to_itself)
{
    run([&] {
        const auto self = call(Syscall::thread_self);
        ASSERT_GT(self, 0);
        EXPECT_EQ(call(Syscall::signal_raise, static_cast<std::uint64_t>(self), 0), 0);
        EXPECT_EQ(call(Syscall::handle_close, static_cast<std::uint64_t>(self)), 0);
    });
}

TEST_F(Syscalls, the_console)
{
    const auto console = give(Ref<Console>::adopt(new Console), abi::right_write);
    const auto own = give(space_, abi::right_manage);
    const auto memory = give(*MemoryObject::create(2 * page_size), abi::right_read | abi::right_write);
    (void)take_console_output();
    run([&] {
        constexpr VirtualAddress place = 0x40'0000;
        ASSERT_EQ(call(Syscall::memory_map, own, memory, 0, place, 2 * page_size, read_write), place);
        std::memcpy(user_memory(*space_, place + page_size - 3), "abc", 3);
        std::memcpy(user_memory(*space_, place + page_size), "def", 3);
        EXPECT_EQ(call(Syscall::console_write, console, place + page_size - 3, 6), 6);
        EXPECT_EQ(take_console_output(), "abcdef");
        EXPECT_EQ(call(Syscall::console_write, console, place + 2 * page_size - 3, 6), to_value(Error::bad_address));
        EXPECT_EQ(take_console_output(), "") << "all or nothing";
        EXPECT_EQ(call(Syscall::console_write, console, place, ~std::uint64_t { 0 }), 512) << "a piece at a time";
        EXPECT_EQ(call(Syscall::console_write, own, place, 1), to_value(Error::wrong_kind));
    });
}

// What each argument of a call should be: s space, m memory, r ring, w hardware, c console, S scheme, h any handle, R rights,
// a page address, x word address, l length in pages, o page offset, p protection, d deadline, n signal, t a program,
// e power of two, u small number. Calls that are not here get anything.
constexpr std::pair<Syscall, const char*> shapes[] = {
    { Syscall::console_write, "cau" }, { Syscall::handle_close, "h" }, { Syscall::handle_duplicate, "hR" },
    { Syscall::handle_install, "shR" },
    { Syscall::memory_create, "lu" }, { Syscall::memory_map, "smoalp" }, { Syscall::memory_unmap, "sal" },
    { Syscall::memory_protect, "salp" }, { Syscall::space_create, "au" }, { Syscall::space_end, "su" },
    { Syscall::space_wait, "hd" }, { Syscall::thread_create, "sxata" }, { Syscall::thread_end, "x" },
    { Syscall::signal_register, "aax" }, { Syscall::signal_raise, "hnx" }, { Syscall::signal_timer, "dun" },
    { Syscall::signal_wait, "d" }, { Syscall::futex_wait, "xud" }, { Syscall::futex_wake, "xu" },
    { Syscall::ring_create, "ee" }, { Syscall::ring_wait, "rud" }, { Syscall::ring_wake, "ru" },
    { Syscall::memory_clone, "mol" }, { Syscall::memory_move, "sala" }, { Syscall::memory_advise, "salu" },
    { Syscall::memory_replace, "momo" }, { Syscall::memory_create_physical, "wllu" },
    { Syscall::memory_physical_address, "wmo" }, { Syscall::memory_size, "m" }, { Syscall::signal_stop, "u" },
    { Syscall::space_limit, "suu" }, { Syscall::memory_pressure_wait, "ud" }, { Syscall::thread_set_priority, "hu" },
    { Syscall::thread_set_affinity, "hu" }, { Syscall::scheme_call, "Saad" }, { Syscall::scheme_receive, "Saad" }, { Syscall::scheme_copy, "Suuxlu" },
    { Syscall::memory_create_paged, "Sul" }, { Syscall::memory_supply, "momo" }, { Syscall::memory_collect, "moxu" },
    { Syscall::memory_settle, "molu" }, { Syscall::event_signal, "h" }, { Syscall::event_wait, "hd" },
    { Syscall::device_open, "wu" }, { Syscall::device_read, "hu" }, { Syscall::device_memory, "hu" },
    { Syscall::device_interrupt, "hu" }, { Syscall::device_map, "hmolu" }, { Syscall::device_unmap, "ha" },
    { Syscall::device_status, "ha" }, { Syscall::futex_wait_wide, "xud" }, { Syscall::futex_requeue, "xuuuxu" },
    { Syscall::clock_set, "wu" }, { Syscall::futex_wait_owned, "xud" },
};

// A hostile program: calls with arguments that are right, nearly right and wrong, and garbage in every page that it
// shares with the kernel.
class Hostile {
public:
    Hostile(Machine& machine, unsigned seed) : random_(seed), again_(machine.add_program([this] { run(); })) {}

    void run()
    {
        for (int step = 0; step < 300 && steps_left_ > 0; ++step, --steps_left_) {
            const auto number = static_cast<Syscall>(random_() % static_cast<unsigned>(Syscall::count));
            if (number == Syscall::machine_end) continue;
            if ((number == Syscall::space_end || number == Syscall::thread_end) && random_() % 20 != 0) continue;
            const char* shape = "";
            for (const auto& [known, letters] : shapes)
                if (known == number) shape = letters;
            std::uint64_t arguments[6];
            for (std::uint64_t& argument : arguments)
                argument = *shape && random_() % 8 != 0 ? fitting(*shape++) : (*shape ? ++shape : shape, anything());
            if (number == Syscall::handle_close && arguments[0] < 7 && random_() % 20 != 0) arguments[0] += 6;
            call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
            if (random_() % 4 == 0) scribble();
            if (random_() % 8 == 0) set_clock(clock_now() + random_() % 100'000);
            user_point();
        }
    }

private:
    std::uint64_t fitting(char shape)
    {
        const bool first = random_() % 2 == 0;
        const std::uint64_t later = 7 + random_() % 12; // handles that calls have made
        switch (shape) {
        case 's': return first ? 1 : later;
        case 'm': return first ? 2 : later;
        case 'r': return first ? 3 : later;
        case 'w': return 4;
        case 'c': return 5;
        case 'S': return first ? 6 : later;
        case 'h': return 1 + random_() % 16;
        case 'R': return random_() % (abi::all_rights + 1);
        case 'a': return page();
        case 'x': return page() + random_() % 16 * 4;
        case 'l': return page_size * (1 + random_() % 6);
        case 'o': return page_size * (random_() % 8);
        case 'p': return random_() % 8;
        case 'd': return clock_now() + random_() % 50'000;
        case 'n': return random_() % 8 == 0 ? random_() % 66 : 20 + random_() % 12;
        case 't': return again_;
        case 'e': return std::uint64_t { 1 } << random_() % 10;
        default: return random_() % 8 == 0 ? random_() % 64 : random_() % 3;
        }
    }
    std::uint64_t anything()
    {
        switch (random_() % 8) {
        case 0: return 0;
        case 1: return random_() % 40;
        case 2: return page() + random_() % page_size;
        case 3: return std::uint64_t { 1 } << random_() % 64;
        case 4: return ~std::uint64_t { 0 } - random_() % 8192;
        case 5: return again_;
        case 6: return abi::user_end - page_size * (random_() % 3);
        default: return (std::uint64_t { random_() } << 32 | random_()) & 0x0fff'ffff'ffff;
        }
    }
    VirtualAddress page() { return 0x40'0000 + random_() % 40 * page_size; } // the first 24 are mapped at the beginning
    void scribble()
    {
        auto* words = static_cast<std::uint64_t*>(user_memory(*current_thread().space, page()));
        if (words) words[random_() % 64] = random_() % 2 ? 0 : anything();
    }

    std::mt19937 random_;
    std::uint64_t again_; // the argument of a thread that runs the same program
    int steps_left_ = 2000;
};

// Ends whatever hostile programs have left: also spaces that only hold each other.
void end_all_spaces(Machine& machine)
{
    for (int round = 0; round < 3; ++round) {
        std::vector<Ref<AddressSpace>> spaces;
        auto* const first = *static_cast<AddressSpace* const*>(orrery_descriptor.first_space);
        for (AddressSpace* space = first; space; space = space->all_next)
            if (space->try_reference()) spaces.push_back(Ref<AddressSpace>::adopt(space));
        for (const auto& space : spaces) space->end({});
        machine.run_ready();
    }
}

TEST(HostileSyscalls, neither_crash_nor_leak)
{
    Machine machine;
    initialize_descriptor(arena_size);
    set_clock(1'000'000);
    const std::size_t free_before = frame_allocator.free_frames();
    for (unsigned seed = 1; seed <= 40; ++seed) {
        std::vector<std::unique_ptr<Hostile>> programs;
        {
            const auto memory = *MemoryObject::create(24 * page_size);
            const auto scheme = *Scheme::create(); // both serve and call
            for (unsigned index = 0; index < 2; ++index) {
                const auto space = machine.make_space("hostile");
                // Handle 1 of each program is its own space; its memory is shared with the other's.
                ASSERT_EQ(*space->handles.insert(space, abi::all_rights), 1u);
                ASSERT_TRUE(space->handles.insert(memory, abi::all_rights));
                ASSERT_TRUE(space->handles.insert(*Ring::create(64, 8), abi::all_rights));
                ASSERT_TRUE(space->handles.insert(Ref<Hardware>::adopt(new Hardware), abi::right_manage));
                ASSERT_TRUE(space->handles.insert(Ref<Console>::adopt(new Console), abi::right_write));
                ASSERT_TRUE(space->handles.insert(scheme, abi::all_rights));
                ASSERT_TRUE(space->map(memory, 0, 0x40'0000, 24 * page_size, read_write));
                for (unsigned thread = 0; thread < 2; ++thread) {
                    programs.push_back(std::make_unique<Hostile>(machine, seed * 100 + index * 10 + thread));
                    machine.spawn(space, [program = programs.back().get()] { program->run(); });
                }
            }
        }
        for (int turn = 0; turn < 50; ++turn) {
            machine.run_ready();
            set_clock(clock_now() + 20'000);
        }
        end_all_spaces(machine);
        machine.unload_space();
        ASSERT_EQ(frame_allocator.free_frames(), free_before) << "seed " << seed;
        (void)take_console_output();
    }
}

} // namespace
} // namespace orrery::kernel::host
