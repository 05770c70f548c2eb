// The whole picture of a healthy guest, and of one that is not yet or not the right one.
#include <cstddef>
#include <cstring>
#include <gmock/gmock.h>

#include "abi/ring.h"
#include "synthetic_guest.h"

namespace orrery::inspector {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* thread_type = "orrery::kernel::Thread";
constexpr const char* space_type = "orrery::kernel::AddressSpace";

std::vector<std::string> sentences(const Snapshot& snapshot)
{
    std::vector<std::string> result;
    for (const auto& problem : snapshot.problems) result.push_back(problem.view + ": " + problem.sentence);
    return result;
}

TEST(Descriptor, BeforeTheKernelIsLoadedTheGuestIsBooting)
{
    const SyntheticGuest guest(GUEST_PATH);
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_EQ(snapshot->machine_state, abi::MachineState::booting);
    EXPECT_THAT(sentences(*snapshot), IsEmpty());
    EXPECT_EQ(snapshot->freshness, Freshness::live);
    EXPECT_EQ(snapshot->number, 1u);
}

TEST(Descriptor, ForeignMemoryIsSaid)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.set_descriptor(offsetof(abi::Descriptor, magic), 0x1234);
    EXPECT_THAT(sentences(*guest.reader().take(Freshness::live)),
                ElementsAre("machine: the guest's memory holds no Orrery kernel where guest.elf says (found 0x1234); start the "
                            "guest with this file, or name the right one"));
}

TEST(Descriptor, AnotherVersionIsSaid)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.describe(1);
    guest.put(guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, version), std::uint32_t { 9 });
    EXPECT_THAT(sentences(*guest.reader().take(Freshness::stopped)),
                ElementsAre(HasSubstr("version 9, and this Inspector knows version 1")));
}

TEST(Descriptor, ASmallerOneIsSaid)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.describe(1);
    guest.put(guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, size), std::uint32_t { 8 });
    EXPECT_THAT(sentences(*guest.reader().take(Freshness::stopped)), ElementsAre(HasSubstr("has 8 bytes where")));
}

TEST(Descriptor, AKernelThatWasBuiltAgainIsSaid)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.describe(1);
    guest.set_descriptor(offsetof(abi::Descriptor, cpus), guest.address_of("orrery::kernel::cpus") + 64);
    EXPECT_THAT(sentences(*guest.reader().take(Freshness::stopped)), ElementsAre(HasSubstr("restart the guest")));
}

TEST(Descriptor, AFileThatIsNoKernelIsSaid)
{
    SyntheticGuest guest(GUEST_PATH);
    const auto other = DebugInfo::load(STUDENT_GUEST_PATH);
    class Empty final : public ram::PhysicalMemory {
        Result<void> read(std::uint64_t, std::span<std::byte>) const override { return failure("dead"); }
    } empty;
    SnapshotReader reader(*other, {}, empty);
    EXPECT_THAT(sentences(*reader.take(Freshness::stopped)), ElementsAre(HasSubstr("can't be read")));
}

// Two programs, one blocked on the other's ring, one with a pending signal and two nested frames.
class SnapshotTest : public testing::Test {
protected:
    SyntheticGuest guest { GUEST_PATH };
    std::uint64_t ping = 0, pong = 0, ready = 0, running = 0, blocked = 0, ring = 0, memory_object = 0;
    SyntheticGuest::Pages pages {};

    SnapshotTest()
    {
        guest.describe(2);
        ping = guest.add_space(1, "ping");
        pong = guest.add_space(2, "pong");
        running = guest.add_thread(1, ping, "running", 1);
        ready = guest.add_thread(2, ping, "ready", 0);
        blocked = guest.add_thread(3, pong, "blocked", 0);
        guest.set(blocked, thread_type, "switches", 17);
        guest.set(blocked, thread_type, "hot.syscalls", 18);
        guest.set_enumerator(blocked, thread_type, "wait.reason", "ring_entries");
        guest.set(blocked, thread_type, "wait.object", 4);
        guest.set(blocked, thread_type, "wait.deadline", abi::no_deadline);
        const auto cpu0 = guest.address_of("orrery::kernel::cpus");
        guest.set(cpu0, "orrery::kernel::Cpu", "idle", 1);
        pages = guest.register_signals(blocked);
        trap(blocked);
        make_ring();
    }

    // A trap frame on a kernel stack, which only the page tables lead to.
    void trap(std::uint64_t thread)
    {
        const auto stack = guest.allocate_pages();
        guest.map(guest.root_of(ping), 0xffff'c000'0001'0000, stack, false);
        const auto root = guest.address_of("orrery::kernel::(anonymous namespace)::kernel_table");
        guest.put(root, guest.root_of(ping));
        const auto frame = SyntheticGuest::direct_map + stack + 0x100;
        const std::string type = "orrery::kernel::TrapFrame";
        guest.set(frame, type, "rip", 0x40'1234);
        guest.set(frame, type, "rsp", 0x7fff'0000);
        guest.set(frame, type, "rax", 0xaaaa);
        guest.set(frame, type, "r15", 0xf15);
        guest.set(frame, type, "cs", 0x23);
        guest.set(thread, thread_type, "trap_frame", 0xffff'c000'0001'0100);
        guest.set(thread, thread_type, "fs_base", 0x7000'0000);
    }

    void make_ring()
    {
        const std::string type = "orrery::kernel::Ring";
        ring = guest.make(type);
        memory_object = guest.make("orrery::kernel::MemoryObject");
        const auto header = guest.allocate_pages();
        const auto entries = guest.allocate_pages();
        // Frames 0.. are described by an array that starts on a page of its own.
        const auto frames = SyntheticGuest::direct_map + guest.allocate_pages(32);
        const auto frame_size = guest.size_of("orrery::kernel::Frame");
        guest.set(guest.address_of("orrery::kernel::frame_allocator"), "orrery::kernel::FrameAllocator", "frames_", frames);
        const auto leaf = SyntheticGuest::direct_map + guest.allocate_pages();
        constexpr std::uint64_t pinned = 2; // a flag in the slot, not part of the address
        guest.put(leaf, frames + header / 4096 * frame_size + pinned);
        guest.put(leaf + 8, frames + entries / 4096 * frame_size);
        guest.set(memory_object, "orrery::kernel::MemoryObject", "slots_.root_", leaf);
        guest.set(memory_object, "orrery::kernel::MemoryObject", "size_", 3 * 4096);
        guest.set(memory_object, "orrery::kernel::MemoryObject", "number", 12);
        guest.set_enumerator(memory_object, "orrery::kernel::MemoryObject", "kind", "memory");
        guest.set(ring, type, "number", 4);
        guest.set_enumerator(ring, type, "kind", "ring");
        guest.set(ring, type, "entry_size", 64);
        guest.set(ring, type, "capacity", 128);
        guest.set(ring, type, "memory_", memory_object);
        guest.set(ring, type, "header", SyntheticGuest::direct_map + header);
        const auto shared = SyntheticGuest::direct_map + header;
        guest.put(shared + offsetof(abi::RingHeader, magic), abi::ring_magic);
        guest.put(shared + offsetof(abi::RingHeader, producer) + offsetof(abi::RingLine, index), std::uint32_t { 5 });
        guest.put(shared + offsetof(abi::RingHeader, consumer) + offsetof(abi::RingLine, index), std::uint32_t { 3 });
        guest.put(shared + offsetof(abi::RingHeader, consumer) + offsetof(abi::RingLine, waiting), std::uint32_t { 1 });
        guest.put(shared + offsetof(abi::RingHeader, producer) + offsetof(abi::RingLine, wakes), std::uint64_t { 9 });
        guest.put(SyntheticGuest::direct_map + entries + 64, std::uint8_t { 0x5a }); // slot 1, byte 0
        const auto waiter = guest.make("orrery::kernel::Ring::Waiter");
        guest.set(waiter, "orrery::kernel::Ring::Waiter", "thread", blocked);
        guest.set(ring, type, "sleeper_[1]", waiter);
        guest.put(guest.address_of("orrery::kernel::all_rings"), ring);
    }

    void put_word(std::size_t index, std::uint64_t pending, std::uint64_t allowset)
    {
        guest.put(pages.control + offsetof(abi::ThreadControl, words) + index * 8, pending | allowset << 32);
    }
    // A frame at a user address of pong.
    void put_frame(std::uint64_t address, std::uint64_t previous, int signal, std::uint64_t handler)
    {
        const auto page = guest.allocate_pages();
        guest.map(guest.root_of(pong), address & ~std::uint64_t { 0xfff }, page, true);
        const auto frame = SyntheticGuest::direct_map + page + (address & 0xfff);
        using abi::SignalFrame;
        guest.put(frame + offsetof(SignalFrame, magic), abi::signal_frame_magic);
        guest.put(frame + offsetof(SignalFrame, previous), previous);
        guest.put(frame + offsetof(SignalFrame, signal), std::int32_t { signal });
        guest.put(frame + offsetof(SignalFrame, handler), handler);
        guest.put(frame + offsetof(SignalFrame, mask), std::uint64_t { 0xff });
        guest.put(frame + offsetof(SignalFrame, registers) + static_cast<unsigned>(abi::SavedRegister::rip) * 8,
                  std::uint64_t { 0x40'5678 });
    }
};

TEST_F(SnapshotTest, ThreadsHaveTheirStateAndReason)
{
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_THAT(sentences(*snapshot), IsEmpty());
    EXPECT_EQ(snapshot->machine_state, abi::MachineState::running);
    ASSERT_EQ(snapshot->threads.size(), 3u);
    EXPECT_EQ(snapshot->threads[0].id, 1u);
    EXPECT_EQ(snapshot->threads[0].state, "running");
    EXPECT_EQ(snapshot->threads[0].cpu, 1);
    EXPECT_EQ(snapshot->threads[0].space_name, "ping");
    EXPECT_EQ(snapshot->threads[0].why, "runs on CPU 1");
    EXPECT_EQ(snapshot->threads[0].wait_reason, "");
    EXPECT_EQ(snapshot->threads[1].why, "can run, and waits for a CPU (it ran on CPU 0 last)");
    const auto& waiting = *snapshot->thread(3);
    EXPECT_EQ(waiting.why, "waits for entries on ring 4 (consumer side)");
    EXPECT_EQ(waiting.wait_object, 4u);
    EXPECT_EQ(waiting.switches, 17u);
    EXPECT_EQ(waiting.syscalls, 18u);
    EXPECT_EQ(waiting.address, blocked);
    ASSERT_GT(snapshot->wait_reasons.size(), 3u);
    EXPECT_EQ(snapshot->wait_reasons[0], "none");
    EXPECT_THAT(snapshot->space(1)->threads, ElementsAre(1, 2));
}

TEST_F(SnapshotTest, TrappedThreadsHaveTheirUserRegisters)
{
    const auto snapshot = guest.reader().take(Freshness::live);
    const auto& registers = snapshot->thread(3)->registers;
    ASSERT_TRUE(registers);
    EXPECT_EQ(registers->rip(), 0x40'1234u);
    EXPECT_EQ(registers->rsp(), 0x7fff'0000u);
    EXPECT_EQ(registers->general[static_cast<unsigned>(abi::SavedRegister::rax)], 0xaaaau);
    EXPECT_EQ(registers->general[static_cast<unsigned>(abi::SavedRegister::r15)], 0xf15u);
    EXPECT_EQ(registers->fs_base, 0x7000'0000u);
    EXPECT_EQ(registers->cr3, guest.root_of(pong));
    EXPECT_FALSE(snapshot->thread(2)->registers) << "it has no trap frame";
}

TEST_F(SnapshotTest, ARunningThreadHasTheRegistersOfItsCpuOnlyWhileStopped)
{
    trap(running);
    EXPECT_FALSE(guest.reader().take(Freshness::live)->thread(1)->registers) << "the trap frame is an old one";
    RegisterFile cpus[2];
    cpus[1].cs = 0x23;
    cpus[1].general[static_cast<unsigned>(abi::SavedRegister::rip)] = 0x1111;
    const auto in_user = guest.reader().take(Freshness::stopped, cpus);
    EXPECT_EQ(in_user->thread(1)->registers->rip(), 0x1111u);
    EXPECT_EQ(in_user->cpus[1].registers->rip(), 0x1111u);
    cpus[1].cs = 0x8;
    EXPECT_EQ(guest.reader().take(Freshness::stopped, cpus)->thread(1)->registers->rip(), 0x40'1234u);
}

TEST_F(SnapshotTest, CpusTellWhoRuns)
{
    const auto snapshot = guest.reader().take(Freshness::live);
    ASSERT_EQ(snapshot->cpus.size(), 2u);
    EXPECT_TRUE(snapshot->cpus[0].idle);
    EXPECT_EQ(snapshot->cpus[0].thread, 0u);
    EXPECT_FALSE(snapshot->cpus[1].idle);
    EXPECT_EQ(snapshot->cpus[1].thread, 1u);
}

TEST_F(SnapshotTest, SignalWordsAreJoinedToSixtyFourBits)
{
    put_word(0, 1u << 9, 0xffff'fdffu);
    put_word(1, 1u << 2, 0x4u);
    guest.put(pages.process + offsetof(abi::ProcessControl, pending), std::uint64_t { 1u << 14 });
    guest.put(pages.process + offsetof(abi::ProcessControl, actions) + 9 * sizeof(abi::SignalAction), std::uint64_t { 0x40'2000 });
    guest.put(pages.control + offsetof(abi::ThreadControl, slots) + 9 * sizeof(abi::SignalInfo)
                  + offsetof(abi::SignalInfo, process_id), std::uint32_t { 77 });
    guest.put(pages.control + offsetof(abi::ThreadControl, inhibit_depth), std::uint32_t { 2 });
    const auto snapshot = guest.reader().take(Freshness::live);
    const auto& signals = snapshot->thread(3)->signals;
    EXPECT_TRUE(signals.registered);
    EXPECT_EQ(signals.control_address, 0x7000'0000u);
    EXPECT_EQ(signals.trampoline, 0x40'1000u);
    EXPECT_EQ(signals.pending, std::uint64_t { 1 } << 9 | std::uint64_t { 1 } << 34);
    EXPECT_EQ(signals.allowset, 0x4'ffff'fdffu);
    EXPECT_EQ(signals.process_pending, 1u << 14);
    EXPECT_EQ(signals.deliverable(), std::uint64_t { 1 } << 34 | 1u << 14);
    EXPECT_EQ(signals.inhibit_depth, 2u);
    EXPECT_TRUE(signals.actions_known);
    EXPECT_EQ(signals.actions[9].handler, 0x40'2000u);
    ASSERT_EQ(signals.thread_slots.size(), 1u);
    EXPECT_EQ(signals.thread_slots[0].signal, 10);
    EXPECT_EQ(signals.thread_slots[0].info.process_id, 77u);
    ASSERT_EQ(signals.process_slots.size(), 1u);
    EXPECT_EQ(signals.process_slots[0].signal, 15);
    EXPECT_FALSE(snapshot->thread(1)->signals.registered);
}

TEST_F(SnapshotTest, FramesAreNestedNewestFirst)
{
    put_frame(0x7fff'1000, 0, 10, 0x40'2000);
    put_frame(0x7ffe'0800, 0x7fff'1000, 12, guest.address_of("on_signal"));
    guest.put(pages.control + offsetof(abi::ThreadControl, innermost_frame), std::uint64_t { 0x7ffe'0800 });
    guest.put(pages.control + offsetof(abi::ThreadControl, deferred_at), guest.address_of("trampoline") + 3);
    const auto snapshot = guest.reader({ { "pong", guest.kernel() } }).take(Freshness::live);
    EXPECT_THAT(sentences(*snapshot), IsEmpty());
    const auto& frames = snapshot->thread(3)->signals.frames;
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_TRUE(frames[0].valid);
    EXPECT_EQ(frames[0].signal, 12);
    EXPECT_EQ(frames[0].handler_name, "on_signal");
    EXPECT_EQ(frames[0].previous, 0x7fff'1000u);
    EXPECT_EQ(frames[1].signal, 10);
    EXPECT_EQ(frames[1].mask, 0xffu);
    EXPECT_EQ(frames[1].registers[static_cast<unsigned>(abi::SavedRegister::rip)], 0x40'5678u);
    EXPECT_EQ(frames[1].handler_name, "") << "0x402000 is no address of the program";
    EXPECT_EQ(snapshot->thread(3)->signals.deferred_at_name, "trampoline+0x3");
}

TEST_F(SnapshotTest, BadFramesAreShownAsSuch)
{
    const auto frames_from = [this](std::uint64_t innermost) {
        guest.put(pages.control + offsetof(abi::ThreadControl, innermost_frame), innermost);
        return guest.reader().take(Freshness::live)->thread(3)->signals.frames;
    };
    auto frames = frames_from(0x7abc'0000);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_FALSE(frames[0].valid);
    EXPECT_THAT(frames[0].problem, HasSubstr("is not in memory"));
    EXPECT_THAT(frames_from(0x7abc'0001)[0].problem, HasSubstr("no address of the program"));
    EXPECT_THAT(frames_from(0xffff'8000'0000'0000)[0].problem, HasSubstr("no address of the program"));
    put_frame(0x7fff'1000, 0x7fff'1000, 10, 1);
    frames = frames_from(0x7fff'1000);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_THAT(frames[1].problem, HasSubstr("runs in a circle"));
    guest.map(guest.root_of(pong), 0x7ff0'0000, guest.allocate_pages(), true);
    EXPECT_THAT(frames_from(0x7ff0'0000)[0].problem, HasSubstr("there is no signal frame at 0x7ff00000"));
}

TEST_F(SnapshotTest, RingsHaveIndicesEntriesAndSleepers)
{
    const auto snapshot = guest.reader().take(Freshness::live);
    ASSERT_EQ(snapshot->rings.size(), 1u);
    const auto& view = snapshot->rings[0];
    EXPECT_TRUE(view.valid) << view.problem;
    EXPECT_EQ(view.number, 4u);
    EXPECT_EQ(view.used(), 2u);
    EXPECT_EQ(view.producer.wakes, 9u);
    EXPECT_TRUE(view.consumer.waiting);
    EXPECT_EQ(view.consumer.thread, 3u);
    EXPECT_EQ(view.producer.thread, 0u);
    ASSERT_EQ(view.entries.size(), 64u * 128);
    EXPECT_EQ(view.entries[64], 0x5a);
    EXPECT_EQ(view.entries[4096], 0) << "a page that nobody touched yet";
}

TEST_F(SnapshotTest, ARingThatAProgramBrokeIsShownWithASentence)
{
    std::uint64_t header = 0;
    std::memcpy(&header, guest.memory.data() + ring - SyntheticGuest::direct_map
                    + StructReader(*guest.kernel()->structure("orrery::kernel::Ring"), {}).place("header")->offset, 8);
    guest.put(header + offsetof(abi::RingHeader, producer) + offsetof(abi::RingLine, index), std::uint32_t { 1000 });
    EXPECT_THAT(guest.reader().take(Freshness::live)->rings[0].problem,
                HasSubstr("the indices are impossible: 997 entries in a ring of 128"));
    guest.put(header, std::uint32_t { 0 });
    EXPECT_THAT(guest.reader().take(Freshness::live)->rings[0].problem, HasSubstr("overwrote the ring's header"));
    guest.set(ring, "orrery::kernel::Ring", "capacity", 100);
    EXPECT_THAT(guest.reader().take(Freshness::live)->rings[0].problem, HasSubstr("geometry"));
}

TEST_F(SnapshotTest, SpacesHaveMappingsAndHandles)
{
    const auto mappings = guest.make("orrery::kernel::Mapping", 2);
    const std::string mapping_type = "orrery::kernel::Mapping";
    guest.set(mappings, mapping_type, "begin", 0x40'0000);
    guest.set(mappings, mapping_type, "end", 0x40'1000);
    guest.set(mappings, mapping_type, "protection", 5);
    const auto second = mappings + guest.size_of(mapping_type);
    guest.set(second, mapping_type, "begin", 0x50'0000);
    guest.set(second, mapping_type, "end", 0x50'3000);
    guest.set(second, mapping_type, "object", memory_object);
    guest.set(ping, space_type, "mappings_", mappings);
    guest.set(ping, space_type, "mapping_count_", 2);
    const auto slots = guest.make("orrery::kernel::HandleSlot", 4);
    const auto slot_size = guest.size_of("orrery::kernel::HandleSlot");
    const auto fill = [&](unsigned index, std::uint64_t object, unsigned rights) {
        guest.set(slots + index * slot_size, "orrery::kernel::HandleSlot", "object", object);
        guest.set(slots + index * slot_size, "orrery::kernel::HandleSlot", "rights", rights);
    };
    fill(1, pong, abi::right_signal);
    fill(3, ring, abi::right_produce);
    guest.set(ping, space_type, "handles.slots_", slots);
    guest.set(ping, space_type, "handles.capacity_", 4);
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_THAT(sentences(*snapshot), IsEmpty());
    const auto& space = *snapshot->space(1);
    EXPECT_EQ(space.name, "ping");
    EXPECT_EQ(space.cr3, guest.root_of(ping));
    EXPECT_FALSE(space.ended);
    ASSERT_EQ(space.mappings.size(), 2u);
    EXPECT_EQ(space.mappings[0].begin, 0x40'0000u);
    EXPECT_EQ(space.mappings[0].protection, 5u);
    EXPECT_EQ(space.mappings[1].object, "ring 4") << "the ring's memory";
    ASSERT_EQ(space.handles.size(), 2u);
    EXPECT_EQ(space.handles[0].number, 1u);
    EXPECT_EQ(space.handles[0].kind, "space");
    EXPECT_EQ(space.handles[0].label, "space 2 (pong)");
    EXPECT_EQ(space.handles[0].rights, abi::right_signal);
    EXPECT_EQ(space.handles[1].label, "ring 4");
}

TEST_F(SnapshotTest, SpacesHaveAnAccountOfMemory)
{
    const std::string account_type = "orrery::kernel::MemoryAccount";
    const auto own = guest.make(account_type), above = guest.make(account_type);
    guest.set(own, account_type, "charged_", 43);
    guest.set(own, account_type, "pages", 30);
    guest.set(own, account_type, "limit_", 0xffff'ffff);
    guest.set(own, account_type, "above_", above);
    guest.set(above, account_type, "charged_", 180);
    guest.set(above, account_type, "limit_", 200);
    guest.set(ping, space_type, "account.object_", own);
    guest.set(pong, space_type, "account.object_", above);
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_THAT(sentences(*snapshot), IsEmpty());
    const auto& account = snapshot->space(1)->account;
    EXPECT_TRUE(account.known);
    EXPECT_EQ(account.charged, 43u);
    EXPECT_EQ(account.objects, 30u);
    EXPECT_FALSE(account.limit);
    EXPECT_EQ(account.charged_above, 180u);
    EXPECT_EQ(account.limit_above, 200u);
    EXPECT_EQ(snapshot->space(2)->account.limit, 200u);
    guest.set(ping, space_type, "account.object_", 0x1234);
    EXPECT_FALSE(guest.reader().take(Freshness::live)->space(1)->account.known) << "a pointer to nowhere";
}

TEST_F(SnapshotTest, AnEndedSpaceHasItsStatus)
{
    guest.set_enumerator(pong, space_type, "state", "ended");
    guest.set(pong, space_type, "exit_status", abi::ExitStatus { 0, 11 }.word());
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_TRUE(snapshot->space(2)->ended);
    EXPECT_EQ(snapshot->space(2)->exit_status.signal, 11);
}

TEST_F(SnapshotTest, NumbersCountUp)
{
    auto reader = guest.reader();
    EXPECT_EQ(reader.take(Freshness::live)->number, 1u);
    EXPECT_EQ(reader.take(Freshness::live)->number, 2u);
}

TEST_F(SnapshotTest, ListsThatChangeUnderTheReaderAreReadAgain)
{
    const auto topology = guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, topology);
    int reads = 0;
    guest.on_read = [&](std::uint64_t) {
        if (++reads == 5) guest.put(topology, std::uint64_t { 2 });
    };
    const auto snapshot = guest.reader().take(Freshness::live);
    EXPECT_EQ(snapshot->freshness, Freshness::live) << "the second attempt was quiet";
    EXPECT_EQ(snapshot->threads.size(), 3u);
}

TEST_F(SnapshotTest, ListsThatAlwaysChangeAreTorn)
{
    const auto topology = guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, topology);
    std::uint64_t counter = 0;
    guest.on_read = [&](std::uint64_t) { guest.put(topology, counter += 2); };
    EXPECT_EQ(guest.reader().take(Freshness::live)->freshness, Freshness::torn);
    guest.on_read = nullptr;
    guest.put(topology, std::uint64_t { 7 }); // odd: stopped in the middle of a change
    EXPECT_EQ(guest.reader().take(Freshness::stopped)->freshness, Freshness::torn);
    guest.put(topology, std::uint64_t { 8 });
    EXPECT_EQ(guest.reader().take(Freshness::stopped)->freshness, Freshness::stopped);
}

TEST(StudentKernel, AMissingFieldDisablesOnlyItsView)
{
    SyntheticGuest guest(STUDENT_GUEST_PATH);
    guest.describe(1);
    const auto space = guest.add_space(1, "ping");
    guest.add_thread(1, space, "ready", 0);
    const auto snapshot = guest.reader().take(Freshness::stopped);
    ASSERT_EQ(snapshot->threads.size(), 1u) << "the rest is still there";
    EXPECT_EQ(snapshot->threads[0].state, "ready");
    EXPECT_FALSE(snapshot->threads[0].signals.registered);
    EXPECT_THAT(sentences(*snapshot),
                testing::UnorderedElementsAre("threads: orrery::kernel::Thread has no field 'switches'",
                                              "signals: orrery::kernel::Thread has no field 'control_page'",
                                              "mappings: orrery::kernel::AddressSpace has no field 'mapping_count_'"));
}

} // namespace
} // namespace orrery::inspector
