// Devices: configuration spaces that lie, registers, interrupts that come late or never, and memory that is given and taken.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <thread>

#include "kernel/cpu/apic.h"
#include "kernel/device/device.h"
#include "kernel/device/interrupt.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

constexpr PciLocation location = 3 << 3;

// A sound function: 16 KiB of registers at region 0, and a table of four interrupts at their second page.
PciFunction sound_function()
{
    PciFunction function;
    function.words[0] = 0x1044'1af4;
    function.words[1] = pci::status_capabilities;
    function.writable[1] = 0xffff;
    function.writable[4] = ~std::uint32_t { 0x3fff };
    function.words[0x34 / 4] = 0x40;
    function.words[0x40 / 4] = 3u << 16 | 0x11;
    function.writable[0x40 / 4] = 0xc000'0000;
    function.words[0x44 / 4] = 0x1000;
    function.words[0x48 / 4] = 0x2000;
    return function;
}

class Devices : public testing::Test {
protected:
    ~Devices() override { pci_functions.clear(); }
    Ref<Device> make()
    {
        auto* device = new Device(1, location);
        device->handle_opened(0);
        return Ref<Device>::adopt(device);
    }
    std::uint32_t* table() { return reinterpret_cast<std::uint32_t*>(device_page(place() + 0x1000)); }
    PhysicalAddress place() const { return pci_functions[location].words[4] & ~std::uint32_t { 15 }; }

    Machine machine_;
};

TEST_F(Devices, registers_get_a_place_and_lose_the_interrupt_pages)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    ASSERT_NE(place(), 0u);
    EXPECT_EQ(place() % 0x4000, 0u);
    const auto registers = *device->registers(0);
    EXPECT_EQ(registers->size(), 0x4000u);
    EXPECT_EQ(*registers->register_page(0), place());
    EXPECT_EQ(*registers->register_page(0x3000), place() + 0x3000);
    for (const std::uint64_t forbidden : { 0x1000u, 0x1ff8u, 0x2000u })
        EXPECT_EQ(registers->register_page(forbidden).error(), Error::access_denied) << forbidden;
    EXPECT_EQ(registers->register_page(0x4000).error(), Error::invalid_argument);
    EXPECT_EQ(registers->page(0).error(), Error::access_denied);
    EXPECT_EQ(registers->pin(0).error(), Error::access_denied);
    EXPECT_EQ(registers->borrow(0, false).error(), Error::access_denied);
    EXPECT_EQ(registers->clone(0, page_size).error(), Error::access_denied);
    const auto memory = *MemoryObject::create(page_size);
    EXPECT_EQ(registers->replace(0, *memory, 0), std::unexpected(Error::access_denied));
    EXPECT_EQ(memory->replace(0, *registers, 0), std::unexpected(Error::access_denied));
    EXPECT_EQ(device->registers(1).error(), Error::not_found);
    EXPECT_EQ(device->registers(6).error(), Error::not_found);
    EXPECT_TRUE(pci_functions[location].words[1] & pci::command_memory);

    const auto space = machine_.make_space();
    const VirtualAddress at = *space->map(registers, 0, 0, 0x4000, read_write);
    EXPECT_TRUE(space->resolve_fault(at, abi::protection_write));
    const auto entry = *page_table_entry(space->page_table_root(), at);
    EXPECT_EQ(entry & 0x000f'ffff'ffff'f000, place());
    EXPECT_EQ(entry & 0x18, 0x18u) << "uncached";
    EXPECT_EQ(space->resolve_fault(at + 0x1000, abi::protection_read), std::unexpected(Error::access_denied));
    EXPECT_TRUE(space->unmap(at, 0x4000));
}

TEST_F(Devices, ram_is_never_shown_as_registers)
{
    const MemoryObject::RegisterHole none[2] {};
    EXPECT_EQ(MemoryObject::create_registers(0x10'0000, page_size, none).error(), Error::access_denied);
    EXPECT_EQ(MemoryObject::create_registers(arena_size - page_size, 2 * page_size, none).error(), Error::access_denied);
    EXPECT_EQ(MemoryObject::create_registers(0, page_size, none).error(), Error::invalid_argument);
    constexpr PhysicalAddress gap = reserved_memory - page_size; // with memory above, as on a machine of 4 GiB
    EXPECT_EQ(MemoryObject::create_registers(gap, page_size, none).error(), Error::access_denied);
    frame_allocator.exclude(gap, gap + page_size);
    EXPECT_TRUE(MemoryObject::create_registers(gap, page_size, none));
    EXPECT_EQ(MemoryObject::create_registers(gap, 2 * page_size, none).error(), Error::access_denied);
    EXPECT_EQ(MemoryObject::create_at(gap, page_size).error(), Error::invalid_argument);
    frame_allocator.frame_at(gap)->state = FrameState::reserved;
    PciFunction function = sound_function();
    function.words[4] = 0x20'0000; // the device's word that its registers are where RAM is
    function.writable[4] = ~std::uint32_t { 0x3fff };
    pci_functions[location] = function;
    EXPECT_EQ(make()->registers(0).error(), Error::access_denied);
}

TEST_F(Devices, interrupts_are_told_once_and_masked_until_somebody_waits)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    EXPECT_EQ(device->status().interrupts, 4u);
    EXPECT_EQ(DeviceInterrupt::create(device, 4).error(), Error::invalid_argument);
    auto interrupt = *DeviceInterrupt::create(device, 2);
    EXPECT_EQ(DeviceInterrupt::create(device, 2).error(), Error::already_exists);
    std::uint32_t* const entry = table() + 2 * 4;
    EXPECT_EQ(entry[0] & 0xfff0'0000, 0xfee0'0000u);
    EXPECT_GE(entry[2], first_device_vector);
    EXPECT_EQ(entry[3], 1u) << "masked";
    EXPECT_EQ(table()[3], 1u) << "the others stay masked";
    EXPECT_TRUE(pci_functions[location].words[1] & pci::command_master);
    const auto vector = static_cast<std::uint8_t>(entry[2]);

    const auto space = machine_.make_space();
    std::uint64_t count = 0;
    machine_.spawn(space, [&] { count = *interrupt->wait(abi::no_deadline); });
    machine_.run_ready();
    EXPECT_EQ(count, 0u);
    EXPECT_EQ(entry[3], 0u) << "somebody waits";
    dispatch_device_interrupt(vector);
    machine_.run_ready();
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(entry[3], 1u);
    interrupt = nullptr;
    dispatch_device_interrupt(vector); // one that was on its way
    EXPECT_TRUE(DeviceInterrupt::create(device, 2));
}

// An interrupt masks itself; as long as anybody waits for the next one, it must not stay so.
TEST_F(Devices, an_interrupt_is_not_masked_while_others_wait_for_it)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    const auto interrupt = *DeviceInterrupt::create(device, 0);
    const auto vector = static_cast<std::uint8_t>(table()[2]);
    const auto space = machine_.make_space();
    int served = 0;
    for (int index = 0; index < 3; ++index)
        machine_.spawn(space, [&] { served += *interrupt->wait(abi::no_deadline) == 1; });
    machine_.run_ready();
    for (int index = 1; index <= 3; ++index) {
        EXPECT_EQ(table()[3], 0u) << index;
        dispatch_device_interrupt(vector);
        EXPECT_EQ(table()[3], 1u) << index;
        machine_.run_ready();
        EXPECT_EQ(served, index);
    }
    EXPECT_EQ(table()[3], 1u) << "nobody waits any more";
}

// A device can be made to write any vector to a processor where interrupts are not remapped: of the processors' own,
// of devices, and of nobody.
TEST_F(Devices, interrupts_without_a_reason_are_harmless)
{
    (void)take_console_output();
    for (unsigned vector = first_interrupt_vector; vector < 256; ++vector) {
        send_interrupt(cpus[0].apic_id, static_cast<std::uint8_t>(vector));
        machine_.run_ready();
        EXPECT_FALSE(interrupt_is_pending(0, static_cast<std::uint8_t>(vector)));
    }
    const std::string told = take_console_output();
    EXPECT_NE(told.find("vector is 0x24\n"), std::string::npos) << told;
    EXPECT_EQ(std::ranges::count(told, '\n'), 1) << "once";
}

TEST_F(Devices, registers_and_interrupts_end_with_the_last_handle)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    const auto old = *device->registers(0);
    EXPECT_EQ((*device->registers(0)).get(), old.get());
    const auto space = machine_.make_space();
    const VirtualAddress at = *space->map(old, 0, 0, 0x4000, read_write);
    ASSERT_TRUE(space->resolve_fault(at, abi::protection_write));
    const auto interrupt = *DeviceInterrupt::create(device, 2);
    const auto vector = static_cast<std::uint8_t>(table()[2 * 4 + 2]);
    Error told = Error::none;
    machine_.spawn(machine_.make_space(), [&] { told = interrupt->wait(abi::no_deadline).error(); });
    machine_.run_ready();
    EXPECT_EQ(table()[2 * 4 + 3], 0u);

    device->handle_closed(0);
    machine_.run_ready();
    EXPECT_EQ(told, Error::peer_closed);
    EXPECT_EQ(table()[2 * 4 + 3], 1u) << "masked";
    EXPECT_FALSE(page_table_entry(space->page_table_root(), at)) << "taken out of the page table";
    EXPECT_EQ(space->resolve_fault(at, abi::protection_read), std::unexpected(Error::peer_closed));
    EXPECT_EQ(old->register_page(0).error(), Error::peer_closed);

    device->handle_opened(0); // by another, who has both anew; the old ones have no part in them
    const auto next = *DeviceInterrupt::create(device, 2);
    EXPECT_TRUE((*device->registers(0))->register_page(0));
    EXPECT_EQ(interrupt->wait(abi::no_deadline).error(), Error::peer_closed);
    EXPECT_EQ(table()[2 * 4 + 3], 1u) << "nobody waits for the new one";
    dispatch_device_interrupt(vector);
    dispatch_device_interrupt(static_cast<std::uint8_t>(table()[2 * 4 + 2]));
    EXPECT_EQ(*next->wait(abi::no_deadline), 1u);
    device->handle_closed(0);
    EXPECT_TRUE(space->unmap(at, 0x4000));
}

TEST_F(Devices, memory_stays_while_the_device_has_it)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    auto memory = *MemoryObject::create_physical(3 * page_size, 3 * page_size, abi::physical_contiguous);
    const auto free_before = frame_allocator.free_frames();
    const PhysicalAddress address = *memory->physical_address(0);
    EXPECT_EQ(*device->map(memory, page_size, 2 * page_size, abi::device_writes), address + page_size);
    const auto movable = *MemoryObject::create(page_size);
    EXPECT_EQ(device->map(movable, 0, page_size, abi::device_reads).error(), Error::access_denied);
    memory = nullptr;
    EXPECT_EQ(frame_allocator.free_frames(), free_before) << "the device still writes there";
    EXPECT_EQ(device->unmap(address), std::unexpected(Error::not_found));
    device->handle_closed(0);
    EXPECT_EQ(frame_allocator.free_frames(), free_before + 3);
    EXPECT_FALSE(pci_functions[location].words[1] & pci::command_master);
}

// A call can be on its way, with a reference to the device, when the last handle goes.
TEST_F(Devices, nothing_can_be_had_of_a_device_that_nobody_has_open)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    const auto memory = *MemoryObject::create_physical(page_size, page_size, 0);
    device->handle_closed(0);
    EXPECT_EQ(device->map(memory, 0, page_size, abi::device_reads).error(), Error::peer_closed);
    EXPECT_EQ(DeviceInterrupt::create(device, 0).error(), Error::peer_closed);
    EXPECT_EQ(device->registers(0).error(), Error::peer_closed);
    EXPECT_FALSE(pci_functions[location].words[1] & pci::command_master);
    device->handle_opened(0);
    EXPECT_TRUE(device->map(memory, 0, page_size, abi::device_reads));
    EXPECT_TRUE(device->unmap(*memory->physical_address(0)));
    device->handle_closed(0);
}

// One opens, maps and closes again and again, and must find what it has mapped as long as it has the device; another
// does without a handle what a late call would.
TEST_F(Devices, closing_and_mapping_at_once_leave_nothing_behind)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    device->handle_closed(0);
    const auto memory = *MemoryObject::create_physical(page_size, page_size, 0);
    const auto other = *MemoryObject::create_physical(page_size, page_size, 0);
    std::atomic<bool> done { false };
    std::thread late([&] {
        const CpuBinding cpu(1);
        while (!done) (void)device->map(other, 0, page_size, abi::device_reads);
    });
    const PhysicalAddress address = *memory->physical_address(0);
    int lost = 0;
    for (int round = 0; round < 20000; ++round) {
        device->handle_opened(0);
        // The other may have taken all the room.
        if (device->map(memory, 0, page_size, abi::device_reads) && !device->unmap(address)) ++lost;
        (void)device->map(memory, 0, page_size, abi::device_reads);
        device->handle_closed(0);
    }
    done = true;
    late.join();
    EXPECT_EQ(lost, 0);
    for (const auto& each : { memory, other })
        EXPECT_EQ((*each->page(0))->references.load(), 1u) << "only the object's own";
    EXPECT_FALSE(pci_functions[location].words[1] & pci::command_master);
}

TEST_F(Devices, mappings_have_a_limit)
{
    pci_functions[location] = sound_function();
    const auto device = make();
    const auto memory = *MemoryObject::create_physical(page_size, page_size, 0);
    for (unsigned index = 0; index < Device::max_mappings; ++index)
        ASSERT_TRUE(device->map(memory, 0, page_size, abi::device_reads));
    EXPECT_EQ(device->map(memory, 0, page_size, abi::device_reads).error(), Error::limit_reached);
    EXPECT_TRUE(device->unmap(*memory->physical_address(0)));
    EXPECT_TRUE(device->map(memory, 0, page_size, abi::device_reads));
    device->handle_closed(0);
}

// Whatever a configuration space holds: no crash, no endless walk, and no page that is not the device's.
TEST_F(Devices, configuration_spaces_that_lie)
{
    std::mt19937 random(5);
    for (int round = 0; round < 3000; ++round) {
        PciFunction function = round % 3 == 0 ? PciFunction {} : sound_function();
        for (int change = 0; change < 1 + round % 40; ++change) {
            const auto word = random() % 64;
            (random() % 4 == 0 ? function.writable : function.words)[word] = random() % 2 == 0 ? random() : random() % 0x100;
        }
        pci_functions[location] = function;
        const auto device = make();
        (void)device->status();
        for (unsigned region = 0; region < 7; ++region) {
            const auto registers = device->registers(region);
            if (!registers) continue;
            EXPECT_LE((*registers)->size(), 0x2000'0000u);
            const auto page = (*registers)->register_page(0);
            if (page) EXPECT_GE(*page, arena_size);
        }
        for (unsigned index = 0; index < 3; ++index) (void)DeviceInterrupt::create(device, index);
        device->handle_closed(0);
    }
}

TEST(Events, counts_are_taken_whole_and_waiters_leave_nothing_behind)
{
    Machine machine;
    const auto space = machine.make_space();
    const auto event = *Event::create();
    std::vector<std::uint64_t> taken;
    for (int index = 0; index < 3; ++index)
        machine.spawn(space, [&] { taken.push_back(*event->wait(abi::no_deadline)); });
    machine.run_ready();
    event->signal();
    event->signal();
    machine.run_ready();
    EXPECT_EQ(taken, (std::vector<std::uint64_t> { 2 })) << "the first takes all";
    event->signal();
    machine.run_ready();
    EXPECT_EQ(taken.size(), 2u);
    space->end({}); // over the third
    machine.run_ready();
    event->signal(); // nobody is in the list any more
    EXPECT_EQ(space->state, SpaceState::ended);
}

} // namespace
} // namespace orrery::kernel::host
