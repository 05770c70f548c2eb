// Chooses the way to a kernel address: image, direct map or page tables.
#include "inspector/core/osmodel/kernel_memory.h"

#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector {

namespace {
constexpr std::uint64_t kernel_half = std::uint64_t { 1 } << 63;
} // namespace

void KernelMemory::set_direct_map(std::uint64_t base, std::uint64_t size)
{
    // A lying descriptor must not make the sums below wrap around.
    const bool sane = base >= kernel_half && size <= ~std::uint64_t { 0 } - base;
    direct_map_ = sane ? base : 0;
    direct_map_size_ = sane ? size : 0;
}

bool KernelMemory::in_direct_map(std::uint64_t address, std::uint64_t size) const
{
    return address >= direct_map_ && address - direct_map_ < direct_map_size_
        && size <= direct_map_size_ - (address - direct_map_);
}

bool KernelMemory::holds_objects(std::uint64_t address, std::uint64_t size) const
{
    if (address % 8 != 0 || size == 0) return false;
    if (in_direct_map(address, size)) return true;
    const auto last = address + (size - 1);
    return last >= address && kernel_.physical_address(address) && kernel_.physical_address(last);
}

bool KernelMemory::read(std::uint64_t address, std::span<std::byte> target) const
{
    if (target.empty()) return true;
    if (in_direct_map(address, target.size())) return physical_.read_physical(address - direct_map_, target);
    const auto first = kernel_.physical_address(address);
    const auto last = kernel_.physical_address(address + (target.size() - 1));
    if (first && last && *last - *first == target.size() - 1) return physical_.read_physical(*first, target);
    if (root_ == 0 || address < kernel_half) return false;
    return ram::AddressSpace(physical_, root_).read(address, target);
}

} // namespace orrery::inspector
