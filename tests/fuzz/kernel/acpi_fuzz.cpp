// libFuzzer: sound ACPI tables with bytes overwritten, at any address. Physical memory ends where the mapped memory
// ends, so that one byte beyond it is a fault.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/mman.h>

#include "kernel/boot/acpi.h"

using namespace orrery::kernel;

namespace {

constexpr std::size_t memory_size = 2 * page_size;
constexpr PhysicalAddress root_address = 0x100;
constexpr PhysicalAddress rsdt_address = 0x140;
constexpr PhysicalAddress hpet_address = 0x180;
constexpr PhysicalAddress madt_address = 0x1c0;
constexpr PhysicalAddress last_address = memory_size - 0x40; // a MADT that fills memory to its last byte

std::uint8_t* memory()
{
    static auto* const mapped = static_cast<std::uint8_t*>(mmap(to_virtual(0), memory_size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    if (mapped != to_virtual(0)) std::abort();
    return mapped;
}

void put32(PhysicalAddress address, std::uint32_t value) { std::memcpy(memory() + address, &value, sizeof(value)); }
void put_header(PhysicalAddress address, const char* signature, std::uint32_t length)
{
    std::memcpy(memory() + address, signature, 4);
    put32(address + 4, length);
}

void put_sound_tables()
{
    std::memset(memory(), 0, memory_size);
    std::memcpy(memory() + root_address, "RSD PTR ", 8);
    put32(root_address + 16, rsdt_address);
    put_header(rsdt_address, "RSDT", 36 + 12);
    put32(rsdt_address + 36, madt_address);
    put32(rsdt_address + 40, hpet_address);
    put32(rsdt_address + 44, last_address);
    put_header(hpet_address, "HPET", 56);
    for (const PhysicalAddress madt : { madt_address, last_address }) {
        put_header(madt, "APIC", 0x40);
        put32(madt + 44, 0x0001'0800); // processor entry of 8 bytes
        put32(madt + 48, 1);
        put32(madt + 52, 0x0002'0c01); // an entry of another type
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    put_sound_tables();
    PhysicalAddress rsdp = root_address;
    if (size >= 9 && data[0] % 8 == 0) {
        std::memcpy(&rsdp, data + 1, sizeof(rsdp));
        data += 9;
        size -= 9;
    }
    for (; size >= 3; data += 3, size -= 3) {
        const std::size_t place = data[0] | (data[1] & 1u) << 8;
        // The tables at the beginning, or the one at the end.
        memory()[data[1] & 2 ? memory_size - 1 - place % 0x40 : 0x100 + place] = data[2];
    }
    const MachineDescription machine = read_acpi(rsdp, memory_size);
    if (machine.cpu_count > 16) std::abort();
    return 0;
}
