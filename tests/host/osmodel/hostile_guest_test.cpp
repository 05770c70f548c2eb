// A guest whose memory lies: every picture ends, in bounded time, without a crash, and with sentences.
#include <cstddef>
#include <cstring>
#include <gmock/gmock.h>
#include <random>

#include "inspector/core/osmodel/render.h"
#include "synthetic_guest.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;

constexpr const char* thread_type = "orrery::kernel::Thread";

class HostileGuest : public testing::Test {
protected:
    SyntheticGuest guest { GUEST_PATH };
    std::uint64_t space = 0, first = 0, second = 0;
    SyntheticGuest::Pages pages {};
    HostileGuest()
    {
        guest.describe(2);
        space = guest.add_space(1, "ping");
        first = guest.add_thread(1, space, "running", 0);
        second = guest.add_thread(2, space, "blocked", 1);
        pages = guest.register_signals(second);
    }
    // A mapping with an object and a page, and a scheme with a call: more that can be damaged.
    void add_memory_and_scheme()
    {
        const auto object = guest.make("orrery::kernel::MemoryObject");
        const auto frames = SyntheticGuest::direct_map + guest.allocate_pages(32);
        guest.set(guest.address_of("orrery::kernel::frame_allocator"), "orrery::kernel::FrameAllocator", "frames_", frames);
        const auto leaf = SyntheticGuest::direct_map + guest.allocate_pages();
        const auto page = guest.allocate_pages();
        guest.put(leaf, frames + page / 4096 * guest.size_of("orrery::kernel::Frame"));
        guest.set(object, "orrery::kernel::MemoryObject", "size_", 8 * 4096);
        guest.set(object, "orrery::kernel::MemoryObject", "slots_.root_", leaf);
        const auto mapping = guest.make("orrery::kernel::Mapping");
        guest.set(mapping, "orrery::kernel::Mapping", "begin", mapped);
        guest.set(mapping, "orrery::kernel::Mapping", "end", mapped + 8 * 4096);
        guest.set(mapping, "orrery::kernel::Mapping", "protection", 3);
        guest.set(mapping, "orrery::kernel::Mapping", "object", object);
        guest.set(space, "orrery::kernel::AddressSpace", "mappings_", mapping);
        guest.set(space, "orrery::kernel::AddressSpace", "mapping_count_", 1);
        guest.map(guest.root_of(space), mapped, page, true);
        const auto scheme = guest.make("orrery::kernel::Scheme");
        const auto call = guest.make("orrery::kernel::Operation");
        guest.set(call, "orrery::kernel::Operation", "caller", second);
        guest.set(scheme, "orrery::kernel::Scheme", "submitted_.first_", call);
        guest.put(guest.address_of("orrery::kernel::all_schemes"), scheme);
    }
    static constexpr std::uint64_t mapped = 0x7000'0000;
    std::string problems()
    {
        std::string text;
        for (const auto& problem : guest.reader().take(Freshness::stopped)->problems)
            text += problem.view + ": " + problem.sentence + "\n";
        return text;
    }
};

TEST_F(HostileGuest, ACircleOfThreadsEnds)
{
    guest.set(first, thread_type, "all_next", second);
    EXPECT_THAT(problems(), HasSubstr("threads: the list of threads runs in a circle"));
}

TEST_F(HostileGuest, ALinkToNowhereEndsTheList)
{
    for (const std::uint64_t nowhere : { std::uint64_t { 0x1000 }, SyntheticGuest::direct_map + SyntheticGuest::memory_size,
                                         ~std::uint64_t { 7 }, SyntheticGuest::direct_map + 1, SyntheticGuest::direct_map + SyntheticGuest::memory_size - 8 }) {
        guest.set(first, thread_type, "all_next", nowhere);
        EXPECT_THAT(problems(), HasSubstr("where no kernel object can be")) << std::hex << nowhere;
    }
}

TEST_F(HostileGuest, ControlPagesOutsideOfRamAreRefused)
{
    for (const std::uint64_t nowhere : { std::uint64_t { 0x7000'0000 }, pages.control + 8, guest.address_of("_start") & ~std::uint64_t { 0xfff },
                                         SyntheticGuest::direct_map + SyntheticGuest::memory_size }) {
        guest.set(second, thread_type, "control_page", nowhere);
        EXPECT_THAT(problems(), HasSubstr("signals: the kernel keeps a thread control page at")) << std::hex << nowhere;
    }
}

TEST_F(HostileGuest, HugeCountsAreRefused)
{
    const auto descriptor = guest.address_of("orrery_descriptor");
    guest.set(space, "orrery::kernel::AddressSpace", "mapping_count_", ~std::uint64_t { 0 });
    guest.set(space, "orrery::kernel::AddressSpace", "handles.capacity_", 0xffff'ffff);
    EXPECT_THAT(problems(), testing::AllOf(HasSubstr("claims to have 18446744073709551615 mappings"),
                                           HasSubstr("claims to have room for 4294967295 handles")));
    guest.put(descriptor + offsetof(abi::Descriptor, cpu_count), std::uint32_t { 0xffff'ffff });
    EXPECT_THAT(problems(), HasSubstr("the kernel claims to have 4294967295 processors"));
    guest.put(descriptor + offsetof(abi::Descriptor, machine_state), std::uint32_t { 99 });
    EXPECT_THAT(problems(), HasSubstr("the machine state is 99, which does not exist"));
}

TEST_F(HostileGuest, ADirectMapThatWrapsAroundIsNotUsed)
{
    guest.set_descriptor(offsetof(abi::Descriptor, direct_map), ~std::uint64_t { 0xfff });
    guest.set_descriptor(offsetof(abi::Descriptor, physical_end), ~std::uint64_t { 0 });
    EXPECT_THAT(problems(), HasSubstr("where no kernel object can be"));
}

TEST_F(HostileGuest, TooManyProblemsAreCut)
{
    for (unsigned i = 10; i < 200; ++i) {
        const auto thread = guest.add_thread(i, space, "ready", 0);
        guest.set(thread, thread_type, "control_page", 0x10 + i);
    }
    EXPECT_EQ(guest.reader().take(Freshness::stopped)->problems.size(), 64u);
}

TEST_F(HostileGuest, RandomDamageNeverHurts)
{
    add_memory_and_scheme();
    const auto whole = guest.memory;
    const auto frame = guest.allocate_pages();
    std::mt19937_64 random(2026); // a fixed seed, so that a failure comes back
    const auto interesting = [&]() -> std::uint64_t {
        switch (random() % 6) {
        case 0: return random();
        case 1: return SyntheticGuest::direct_map + random() % SyntheticGuest::memory_size;
        case 2: return (SyntheticGuest::direct_map + random() % SyntheticGuest::memory_size) & ~std::uint64_t { 0xfff };
        case 3: return guest.address_of("orrery_descriptor") + random() % 4096 / 8 * 8;
        case 4: return random() % 100;
        default: return ~std::uint64_t { 0 } - random() % 5000;
        }
    };
    for (int round = 0; round < 1500; ++round) {
        guest.memory = whole;
        for (int i = 0; i < 12; ++i) {
            // In the objects, in the kernel's data, or anywhere.
            const std::uint64_t places[] = { (4 << 20) + random() % (frame - (4 << 20)),
                                             *guest.kernel()->physical_address(guest.address_of("orrery_descriptor")) + random() % 160,
                                             random() % (SyntheticGuest::memory_size - 8) };
            const auto value = interesting();
            const auto at = places[random() % 3] & ~std::uint64_t { 7 };
            std::memcpy(guest.memory.data() + at, &value, 8);
        }
        SCOPED_TRACE(round);
        const auto snapshot = guest.reader({ { "ping", guest.kernel() } }).take(Freshness::live);
        ASSERT_LE(snapshot->problems.size(), 64u);
        ASSERT_LE(snapshot->threads.size(), 16384u);
        // Nor does what is made of it.
        ASSERT_FALSE(render_text(*snapshot, { .spaces = true }).empty());
        ASSERT_FALSE(render_json(*snapshot).empty());
        ASSERT_FALSE(render_address(*snapshot, mapped + round % 9 * 4096).empty());
    }
}

} // namespace
} // namespace orrery::inspector
