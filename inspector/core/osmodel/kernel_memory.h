// The kernel's half of guest memory: its image, its direct map of all RAM, and the rest through its page tables.
#pragma once

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/ram/physical_memory.h"

namespace orrery::inspector {

class KernelMemory final : public VirtualMemory {
public:
    // Before the descriptor is known only the kernel's image can be read, at the places its ELF file names.
    KernelMemory(const ram::PhysicalMemory& physical, const DebugInfo& kernel) : physical_(physical), kernel_(kernel) { }

    void set_direct_map(std::uint64_t base, std::uint64_t size);
    // Physical address of any page table whose upper half is the kernel's; kernel stacks can be read from then on.
    void set_page_table(std::uint64_t root) { root_ = root; }

    bool read(std::uint64_t address, std::span<std::byte> target) const override;
    // True if an object of `size` bytes may lie there: aligned to 8, and wholly in the image or the direct map.
    bool holds_objects(std::uint64_t address, std::uint64_t size = 8) const;
    bool in_direct_map(std::uint64_t address, std::uint64_t size) const;
    std::uint64_t direct_map() const { return direct_map_; }
    const ram::PhysicalMemory& physical() const { return physical_; }

private:
    const ram::PhysicalMemory& physical_;
    const DebugInfo& kernel_;
    std::uint64_t direct_map_ = 0, direct_map_size_ = 0, root_ = 0;
};

} // namespace orrery::inspector
