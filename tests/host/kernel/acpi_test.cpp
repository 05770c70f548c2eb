// ACPI tables, right and wrong, in the reserved first megabyte of the arena. tests/fuzz/kernel has the same parser.
#include "machine.h"

#include <cstring>
#include <gtest/gtest.h>

#include "kernel/boot/acpi.h"
#include "kernel/boot/calendar.h"

namespace orrery::kernel::host {
namespace {

constexpr PhysicalAddress root_address = 0x8000;
constexpr PhysicalAddress rsdt_address = 0x9000;
constexpr PhysicalAddress madt_address = 0xa000;
constexpr PhysicalAddress hpet_address = 0xb000;

template <typename T>
void put(PhysicalAddress address, T value)
{
    std::memcpy(to_virtual(address), &value, sizeof(value));
}
void put_header(PhysicalAddress address, const char* signature, std::uint32_t length)
{
    std::memcpy(to_virtual(address), signature, 4);
    put(address + 4, length);
}
void put_processor(PhysicalAddress address, std::uint8_t id, std::uint32_t flags)
{
    put<std::uint8_t>(address, 0);
    put<std::uint8_t>(address + 1, 8);
    put<std::uint8_t>(address + 3, id);
    put(address + 4, flags);
}

class Acpi : public testing::Test {
protected:
    Acpi()
    {
        std::memset(to_virtual(root_address), 0, 0x10000);
        std::memcpy(to_virtual(root_address), "RSD PTR ", 8);
        put<std::uint32_t>(root_address + 16, rsdt_address);
        put_header(rsdt_address, "RSDT", 36 + 8);
        put<std::uint32_t>(rsdt_address + 36, madt_address);
        put<std::uint32_t>(rsdt_address + 40, hpet_address);
        put_header(madt_address, "APIC", 44 + 3 * 8);
        put_processor(madt_address + 44, 0, 1);
        put_processor(madt_address + 52, 5, 1);
        put_processor(madt_address + 60, 6, 0); // not usable
        put_header(hpet_address, "HPET", 56);
        put<std::uint64_t>(hpet_address + 44, 0xfed0'0000);
    }
    Machine machine_;
    static MachineDescription read() { return read_acpi(root_address, arena_size); }
};

TEST_F(Acpi, finds_processors_and_hpet)
{
    const MachineDescription machine = read();
    ASSERT_EQ(machine.cpu_count, 2u);
    EXPECT_EQ(machine.apic_ids[0], 0u);
    EXPECT_EQ(machine.apic_ids[1], 5u);
    EXPECT_EQ(machine.hpet, 0xfed0'0000u);
}

TEST_F(Acpi, nothing_is_better_than_nonsense)
{
    for (const PhysicalAddress rsdp : { PhysicalAddress { 0 }, arena_size, arena_size - 8, ~PhysicalAddress { 0 },
             ~PhysicalAddress { 0 } - 35, PhysicalAddress { 0x7000 } })
        EXPECT_EQ(read_acpi(rsdp, arena_size).cpu_count, 0u) << rsdp;
    put<std::uint32_t>(root_address + 16, 0xffff'fff0);
    EXPECT_EQ(read().cpu_count, 0u) << "RSDT outside RAM";
    put<std::uint32_t>(root_address + 16, madt_address);
    EXPECT_EQ(read().cpu_count, 0u) << "that is no RSDT";
}

TEST_F(Acpi, lengths_that_lie)
{
    for (const std::uint32_t length : { 0u, 35u, 0xffff'ffffu, 1u << 20 | 1u }) {
        put<std::uint32_t>(madt_address + 4, length);
        EXPECT_EQ(read().cpu_count, 0u) << length;
        EXPECT_NE(read().hpet, 0u) << "the other tables count still";
    }
    put<std::uint32_t>(madt_address + 4, 44 + 3 * 8);
    put<std::uint8_t>(madt_address + 44 + 1, 0);
    EXPECT_EQ(read().cpu_count, 0u) << "an entry of no length would never end";
    put<std::uint8_t>(madt_address + 44 + 1, 200);
    EXPECT_EQ(read().cpu_count, 0u) << "an entry that is longer than its table";
    put<std::uint8_t>(madt_address + 44 + 1, 4);
    EXPECT_EQ(read().cpu_count, 0u) << "too short for a processor, and its flags are not looked at";
    put<std::uint32_t>(hpet_address + 4, 51);
    EXPECT_EQ(read().hpet, 0u);
    put<std::uint32_t>(rsdt_address + 4, 36 + 7);
    EXPECT_EQ(read().cpu_count, 0u) << "one whole pointer is left, and its table's first entry is wrong";
}

TEST_F(Acpi, more_processors_than_places)
{
    put<std::uint32_t>(madt_address + 4, 44 + 40 * 8);
    for (std::uint8_t id = 0; id < 40; ++id) put_processor(madt_address + 44 + id * 8u, id, 1);
    EXPECT_EQ(read().cpu_count, 16u);
}

} // namespace
} // namespace orrery::kernel::host

namespace orrery::kernel::host {
namespace {

TEST(Calendar, dates_in_both_formats)
{
    const auto seconds = [](std::initializer_list<std::uint8_t> registers) {
        std::array<std::uint8_t, 8> all {};
        std::ranges::copy(registers, all.begin());
        const auto date = date_of(all);
        return date ? static_cast<std::int64_t>(*date / 1'000'000'000) : -1;
    };
    EXPECT_EQ(seconds({ 0x00, 0x00, 0x00, 0x01, 0x01, 0x70, 0x02, 0x19 }), 0);
    EXPECT_EQ(seconds({ 0x30, 0x59, 0x23, 0x29, 0x02, 0x24, 0x02, 0x20 }), 1'709'251'170) << "29 February 2024, BCD";
    EXPECT_EQ(seconds({ 30, 59, 23, 29, 2, 24, 0x06, 20 }), 1'709'251'170) << "the same, binary";
    EXPECT_EQ(seconds({ 30, 59, 0x80 | 11, 29, 2, 24, 0x04, 20 }), 1'709'251'170) << "and by twelve hours";
    EXPECT_EQ(seconds({ 30, 59, 12, 29, 2, 24, 0x04, 0 }), 1'709'251'170 - 23 * 3600) << "half an hour after midnight";
    // No dates: a month 13, 30 February, letters in BCD, hour 24, all ones (there is no clock).
    EXPECT_EQ(seconds({ 0, 0, 0, 1, 13, 24, 0x06, 20 }), -1);
    EXPECT_EQ(seconds({ 0, 0, 0, 30, 2, 24, 0x06, 20 }), -1);
    EXPECT_EQ(seconds({ 0, 0x1a, 0, 1, 1, 0x24, 0x02, 0x20 }), -1);
    EXPECT_EQ(seconds({ 0, 0, 24, 1, 1, 24, 0x06, 20 }), -1);
    EXPECT_EQ(seconds({ 0, 0, 0, 1, 1, 24, 0x04, 20 }), -1) << "there is no hour 0 of twelve";
    EXPECT_EQ(seconds({ 30, 59, 23, 29, 2, 24, 0x06, 0xff }), 1'709'251'170) << "a register that holds no century is none";
    EXPECT_EQ(seconds({ 0x30, 0x59, 0x23, 0x29, 0x02, 0x24, 0x02, 0xff }), 1'709'251'170);
    EXPECT_EQ(seconds({ 0, 0, 0, 1, 1, 10, 0x06, 21 }), 4'417'977'600) << "2110";
    EXPECT_EQ(seconds({ 0, 0, 0, 1, 1, 20, 0x06, 21 }), -1) << "2120 is too late for the clock";
    EXPECT_EQ(seconds({ 255, 255, 255, 255, 255, 255, 255, 255 }), -1);
}

} // namespace
} // namespace orrery::kernel::host
