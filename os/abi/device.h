// Devices: what a driver can ask of one, and what the kernel tells of a device that reached where it may not.
#pragma once

#include <cstdint>

namespace orrery::abi {

// device_map: what the device may do with the memory.
enum DeviceAccess : std::uint64_t {
    device_reads = 1u << 0,
    device_writes = 1u << 1,
};
inline constexpr std::uint64_t device_map_maximum = std::uint64_t { 4 } << 20; // bytes a call

// device_status.
struct DeviceStatus {
    std::uint32_t identity;    // vendor in the low half, device in the high one (PCI Local Bus 3.0, 6.1)
    std::uint32_t location;    // bus << 8 | device << 3 | function
    std::uint32_t confined;    // 1: its accesses to memory go through an IOMMU, and reach what device_map has given it
    std::uint32_t interrupts;  // how many it can tell apart; 0 = none
    std::uint64_t faults;      // accesses that the IOMMU has refused
    std::uint64_t fault_address; // of the last one, as the device gave it
    std::uint32_t fault_reason;  // Intel VT-d 3.x, appendix A: 5 = write, 6 = read without permission
    std::uint32_t fault_writes;  // 1: it wanted to write
};
static_assert(sizeof(DeviceStatus) == 40);

} // namespace orrery::abi
