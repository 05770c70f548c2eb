// Reading of PCI configuration spaces. Everything in them comes from the device: no value is believed before it was
// checked.
#include "kernel/device/pci.h"

#include <atomic>

namespace orrery::kernel::pci {
namespace {

    // Firmware that assigns no addresses (qboot) leaves us this hole below the I/O APIC, which no q35 puts RAM into.
    constexpr PhysicalAddress window_begin = 0xd000'0000;
    constexpr PhysicalAddress window_end = 0xf000'0000;
    std::atomic<PhysicalAddress> next_place { window_begin };

    constexpr std::uint32_t region_is_port = 1;
    constexpr std::uint32_t region_type = 3u << 1;
    constexpr std::uint32_t region_64_bits = 2u << 1;
    constexpr std::uint32_t region_flags = 15;

    constexpr std::uint8_t capability_interrupt_table = 0x11;

    PhysicalAddress assign(std::uint64_t size)
    {
        PhysicalAddress place = next_place.load();
        PhysicalAddress begin = 0;
        do {
            begin = round_up(place, size);
            if (begin + size > window_end) return 0;
        } while (!next_place.compare_exchange_weak(place, begin + size));
        return begin;
    }

} // namespace

bool is_present(PciLocation location) { return (pci_read(location, identity) & 0xffff) != 0xffff; }
bool has_more_functions(PciLocation location) { return (pci_read(location, header) >> 16 & 0x80) != 0; }
bool is_bridge(PciLocation location) { return (pci_read(location, header) >> 16 & 0x7f) != 0; }

unsigned find_capability(PciLocation location, std::uint8_t id)
{
    if (!(pci_read(location, command) & status_capabilities)) return 0;
    unsigned offset = pci_read(location, capabilities) & 0xfc;
    for (unsigned left = 48; left > 0 && offset >= 0x40; --left) { // as many as fit
        const std::uint32_t entry = pci_read(location, offset);
        if ((entry & 0xff) == id) return offset;
        offset = entry >> 8 & 0xfc;
    }
    return 0;
}

bool is_second_half(PciLocation location, unsigned index)
{
    for (unsigned each = 0; each < index; ++each) {
        const std::uint32_t low = pci_read(location, first_region + 4 * each);
        if (!(low & region_is_port) && (low & region_type) == region_64_bits && ++each == index) return true;
    }
    return false;
}

Region read_region(PciLocation location, unsigned index)
{
    if (index >= region_count || is_bridge(location) || is_second_half(location, index)) return {};
    const unsigned offset = first_region + 4 * index;
    const std::uint32_t low = pci_read(location, offset);
    if (low & region_is_port) return {};
    const bool wide = (low & region_type) == region_64_bits;
    if (wide && index + 1 == region_count) return {};
    const std::uint32_t high = wide ? pci_read(location, offset + 4) : 0;

    // 6.2.5.1: the bits that can't be set tell the size. Nobody may hear the function at the false address meanwhile.
    const std::uint32_t before = pci_read(location, command) & 0xffff;
    pci_write(location, command, before & ~(command_memory | command_master));
    pci_write(location, offset, ~std::uint32_t { 0 });
    if (wide) pci_write(location, offset + 4, ~std::uint32_t { 0 });
    std::uint64_t mask = pci_read(location, offset) & ~region_flags;
    if (wide) mask |= std::uint64_t { pci_read(location, offset + 4) } << 32;
    else if (mask != 0) mask |= std::uint64_t { 0xffff'ffff } << 32;
    Region region { (std::uint64_t { high } << 32 | low) & ~std::uint64_t { region_flags }, ~mask + 1 };
    if (mask == 0 || (region.size & (region.size - 1)) != 0 || region.size > window_end - window_begin) region.size = 0;
    if (region.size != 0 && region.begin == 0) region.begin = assign(region.size < page_size ? page_size : region.size);
    if (region.begin == 0 || !is_page_aligned(region.begin)) region.size = 0; // a page must not show two devices
    pci_write(location, offset, static_cast<std::uint32_t>(region.begin) | (low & region_flags));
    if (wide) pci_write(location, offset + 4, static_cast<std::uint32_t>(region.begin >> 32));
    pci_write(location, command, before);
    return region;
}

std::optional<InterruptTable> find_interrupt_table(PciLocation location)
{
    const unsigned capability = find_capability(location, capability_interrupt_table);
    if (capability == 0) return std::nullopt;
    const std::uint32_t table = pci_read(location, capability + 4);
    const std::uint32_t pending = pci_read(location, capability + 8);
    return InterruptTable { .capability = capability,
        .count = (pci_read(location, capability) >> 16 & 0x7ff) + 1,
        .region = table & 7,
        .offset = table & ~std::uint32_t { 7 },
        .pending_region = pending & 7,
        .pending_offset = pending & ~std::uint32_t { 7 } };
}

} // namespace orrery::kernel::pci
