// Access to PCI configuration space through the two ports that every PC has (PCI Local Bus Specification 3.0,
// 3.2.2.3.2).
#include "kernel/base/spinlock.h"
#include "kernel/cpu/machine.h"
#include "kernel/device/pci.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint16_t address_port = 0xcf8;
    constexpr std::uint16_t data_port = 0xcfc;
    Spinlock ports_lock { LockRank::pci };

    constexpr std::uint32_t address_of(PciLocation location, unsigned offset)
    {
        return std::uint32_t { 1 } << 31 | std::uint32_t { location } << 8 | (offset & 0xfc);
    }

} // namespace

std::uint32_t pci_read(PciLocation location, unsigned offset)
{
    Guard guard(ports_lock);
    out32(address_port, address_of(location, offset));
    return in32(data_port);
}

void pci_write(PciLocation location, unsigned offset, std::uint32_t value)
{
    Guard guard(ports_lock);
    out32(address_port, address_of(location, offset));
    out32(data_port, value);
}

} // namespace orrery::kernel
