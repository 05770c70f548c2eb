// What the kernel wants from ACPI: the processors, the HPET, the IOMMU, and how the battery clock counts. (ACPI
// specification 6.5, chapter 5.2.)
#pragma once

#include <cstdint>

#include "kernel/memory/layout.h"

namespace orrery::kernel {

struct MachineDescription {
    std::uint32_t apic_ids[16] = {};
    unsigned cpu_count = 0;
    PhysicalAddress hpet = 0;  // 0 = none
    std::uint8_t century_register = 0; // of the battery clock; 0 = none
    PhysicalAddress iommu = 0; // registers of the unit for the devices; 0 = none
};

// `rsdp` is a physical address, or 0. Tables that lie outside RAM below `physical_end` or have a wrong length are
// skipped.
MachineDescription read_acpi(PhysicalAddress rsdp, PhysicalAddress physical_end);

} // namespace orrery::kernel
