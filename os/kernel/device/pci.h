// PCI functions: their configuration space, their register regions, and the capability that tells of interrupts
// (PCI Local Bus Specification 3.0, chapter 6).
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/memory/layout.h"

namespace orrery::kernel {

// bus << 8 | device << 3 | function
using PciLocation = std::uint16_t;

// cpu/pci_config.cpp. The offset is a multiple of 4 below 256. What is not there reads as all ones.
std::uint32_t pci_read(PciLocation location, unsigned offset);
void pci_write(PciLocation location, unsigned offset, std::uint32_t value);

namespace pci {

inline constexpr unsigned identity = 0x00;
inline constexpr unsigned command = 0x04;
inline constexpr unsigned header = 0x0c;
inline constexpr unsigned first_region = 0x10;
inline constexpr unsigned capabilities = 0x34;
inline constexpr unsigned region_count = 6;

inline constexpr std::uint32_t command_memory = 1u << 1;
inline constexpr std::uint32_t command_master = 1u << 2; // it may access memory and send interrupts
inline constexpr std::uint32_t command_no_line = 1u << 10; // no interrupts by wire
inline constexpr std::uint32_t status_capabilities = 1u << 20;

struct Region {
    PhysicalAddress begin = 0;
    std::uint64_t size = 0; // 0 = there is none, or it is one of ports
};

// Where a function keeps its table of interrupts (6.8.2).
struct InterruptTable {
    unsigned capability = 0; // offset in the configuration space
    unsigned count = 0;
    unsigned region = 0;
    std::uint64_t offset = 0;
    unsigned pending_region = 0;
    std::uint64_t pending_offset = 0;
};

bool is_present(PciLocation location);
bool has_more_functions(PciLocation location);
bool is_bridge(PciLocation location);
// The offset of a capability, or 0. A list that goes in circles ends.
unsigned find_capability(PciLocation location, std::uint8_t id);
// Finds out how large the region is, and gives it a place if the firmware has not. It must not be in use.
Region read_region(PciLocation location, unsigned index);
bool is_second_half(PciLocation location, unsigned index); // of a region of 64 bits
std::optional<InterruptTable> find_interrupt_table(PciLocation location);

} // namespace pci
} // namespace orrery::kernel
