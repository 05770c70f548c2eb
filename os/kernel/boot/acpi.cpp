// A walk over RSDT, MADT and HPET.
#include "kernel/boot/acpi.h"

#include <cstring>

namespace orrery::kernel {
namespace {

    struct [[gnu::packed]] Header {
        char signature[4];
        std::uint32_t length;
        std::uint8_t rest[28];
    };
    static_assert(sizeof(Header) == 36);

    constexpr std::uint32_t longest_table = 1u << 20;

    const Header* table_at(PhysicalAddress address, PhysicalAddress physical_end)
    {
        if (address == 0 || address + sizeof(Header) > physical_end) return nullptr;
        const auto* header = static_cast<const Header*>(to_virtual(address));
        const bool fits = header->length >= sizeof(Header) && header->length <= longest_table
            && address + header->length <= physical_end;
        return fits ? header : nullptr;
    }

    template <typename T>
    T load(const std::uint8_t* bytes)
    {
        T value;
        std::memcpy(&value, bytes, sizeof(T));
        return value;
    }

    // Multiple APIC Description Table, 5.2.12: entries of type 0 are processors.
    void read_madt(const Header& table, MachineDescription& machine)
    {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&table);
        for (std::uint32_t offset = 44; offset + 2 <= table.length;) {
            const std::uint8_t type = bytes[offset];
            const std::uint8_t length = bytes[offset + 1];
            if (length < 2 || offset + length > table.length) return;
            if (type == 0 && length >= 8 && machine.cpu_count < 16 && (load<std::uint32_t>(bytes + offset + 4) & 1))
                machine.apic_ids[machine.cpu_count++] = bytes[offset + 3];
            offset += length;
        }
    }

    // DMA Remapping Reporting Table (Intel VT-d, 8.1): structures of type 0 are units.
    void read_dmar(const Header& table, MachineDescription& machine)
    {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&table);
        for (std::uint32_t offset = 48; offset + 16 <= table.length;) {
            const auto type = load<std::uint16_t>(bytes + offset);
            const auto length = load<std::uint16_t>(bytes + offset + 2);
            if (length < 16 || offset + length > table.length) return;
            // One for all that no other is for, or, as QEMU has it, the only one, with a list of all buses.
            const bool for_all_others = (bytes[offset + 4] & 1) != 0;
            if (type == 0 && (machine.iommu == 0 || for_all_others))
                machine.iommu = load<std::uint64_t>(bytes + offset + 8);
            offset += length;
        }
    }

} // namespace

MachineDescription read_acpi(PhysicalAddress rsdp, PhysicalAddress physical_end)
{
    MachineDescription machine;
    if (rsdp == 0 || physical_end < 36 || rsdp > physical_end - 36) return machine;
    const auto* root = static_cast<const std::uint8_t*>(to_virtual(rsdp));
    if (std::memcmp(root, "RSD PTR ", 8) != 0) return machine;
    const Header* rsdt = table_at(load<std::uint32_t>(root + 16), physical_end);
    if (!rsdt || std::memcmp(rsdt->signature, "RSDT", 4) != 0) return machine;
    const auto* pointers = reinterpret_cast<const std::uint8_t*>(rsdt) + sizeof(Header);
    for (std::uint32_t index = 0; index < (rsdt->length - sizeof(Header)) / 4; ++index) {
        const Header* table = table_at(load<std::uint32_t>(pointers + index * 4), physical_end);
        if (!table) continue;
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(table);
        if (std::memcmp(table->signature, "APIC", 4) == 0) read_madt(*table, machine);
        if (std::memcmp(table->signature, "FACP", 4) == 0 && table->length > 108) machine.century_register = bytes[108]; // 5.2.9
        if (std::memcmp(table->signature, "DMAR", 4) == 0) read_dmar(*table, machine);
        if (std::memcmp(table->signature, "HPET", 4) == 0 && table->length >= 52)
            machine.hpet = load<std::uint64_t>(bytes + 44); // generic address structure at 40, address at +4
    }
    return machine;
}

} // namespace orrery::kernel
