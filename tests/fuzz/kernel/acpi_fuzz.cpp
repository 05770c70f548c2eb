// libFuzzer: any bytes as the whole of physical memory, and any address as the one where the tables begin.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

#include "kernel/boot/acpi.h"

using namespace orrery::kernel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // The input ends where the mapped memory ends, so that one byte beyond it is a fault.
    constexpr std::size_t memory_size = 16 * page_size;
    static auto* memory = static_cast<std::uint8_t*>(mmap(to_virtual(0), memory_size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    if (memory != to_virtual(0)) std::abort();
    PhysicalAddress rsdp = memory_size - 64;
    if (size < sizeof(rsdp) || size > memory_size) return 0;
    if (data[0] & 1) std::memcpy(&rsdp, data, sizeof(rsdp)); // else a good one: most random addresses lead nowhere
    std::memset(memory, 0, memory_size);
    std::memcpy(memory + memory_size - size, data, size);
    std::memcpy(memory + memory_size - 64, "RSD PTR ", 8);
    // Only addresses within RAM can be read at all; the parser gets 32 bits of any kind.
    const MachineDescription machine = read_acpi(rsdp, memory_size);
    if (machine.cpu_count > 16) std::abort();
    return 0;
}
