// The IOMMU (Intel VT-d 3.x): it translates the addresses that devices use, and refuses what no table has. One for the
// whole machine; where there is none, devices reach all memory and their drivers must be trusted.
#pragma once

#include <cstdint>
#include <memory>

#include "kernel/base/error.h"
#include "kernel/device/pci.h"

namespace orrery::kernel {

// Turns translation on, for all devices: from then on none reaches anything that no domain gives it. `registers` is
// where ACPI says that the unit is; 0 = there is none.
void initialize_iommu(PhysicalAddress registers);
bool iommu_is_on();
void handle_iommu_faults(); // from its interrupt

// What one device can reach. Not locked: the device orders its changes.
class DmaDomain {
public:
    static Result<std::unique_ptr<DmaDomain>> create(PciLocation location); // out_of_memory
    DmaDomain(const DmaDomain&) = delete;
    DmaDomain& operator=(const DmaDomain&) = delete;
    ~DmaDomain(); // the device reaches nothing any more; all pages must have been unmapped

    // Shows one page at `address` to the device, with abi::DeviceAccess. The frame's reference becomes the domain's.
    // out_of_memory.
    Status map(std::uint64_t address, PhysicalAddress target, std::uint64_t access);
    // Takes the pages away, waits until the device can't reach them, and releases the frames.
    void unmap(std::uint64_t begin, std::uint64_t end);

private:
    DmaDomain(PciLocation location, PhysicalAddress root) : location_(location), root_(root) {}
    std::uint64_t* entry_of(std::uint64_t address, bool make);

    const PciLocation location_;
    const PhysicalAddress root_;
};

} // namespace orrery::kernel
