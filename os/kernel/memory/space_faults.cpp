// Address spaces: pages come into the page tables when they are touched, and leave them when their memory object
// changes.
#include <algorithm>

#include "kernel/cpu/cpu.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

Status AddressSpace::resolve_fault(VirtualAddress address, std::uint32_t access)
{
    const VirtualAddress page = round_down(address, page_size);
    Ref<MemoryObject> object;
    std::uint64_t offset = 0;
    {
        Guard guard(lock_);
        Mapping* mapping = find(address);
        if (!mapping) return fail(Error::bad_address);
        if ((mapping->protection & access) == 0) return fail(Error::access_denied);
        offset = mapping->offset + (page - mapping->begin);
        if (mapping->object->has_registers()) [[unlikely]] {
            TRY(registers, mapping->object->register_page(offset));
            PageRights rights = rights_of(mapping->protection);
            rights.uncached = true;
            return page_table_.map(page, registers, rights);
        }
        TRY(place, mapping->object->access(offset, access == abi::protection_write));
        if (!place.must_copy) {
            PageRights rights = rights_of(mapping->protection);
            rights.write = rights.write && place.writable;
            return page_table_.map(page, frame_allocator.address_of(place.frame), rights);
        }
        // Under another lock nobody may drop what may be the last reference to a space or an object, as this would.
        if (this_cpu().held_lock_ranks != 1u << static_cast<unsigned>(LockRank::space)) return fail(Error::would_block);
        object = Ref<MemoryObject>(mapping->object);
    }
    // The instruction is executed again afterwards and faults once more, into the branch above.
    return object->make_writable(offset);
}

Status AddressSpace::make_present(VirtualAddress address, std::uint64_t length, std::uint32_t access)
{
    if (!is_user_range(address, length)) return fail(Error::bad_address);
    constexpr unsigned pages_at_once = 64; // the range is as long as a program likes
    const VirtualAddress end = address + length;
    unsigned count = 0;
    for (VirtualAddress page = round_down(address, page_size); page < end;) {
        const Status resolved = with_reclaim([&] { return resolve_fault(page, access); });
        if (resolved) {
            page += page_size;
            if (++count % pages_at_once == 0 && !preemption_point()) return fail(Error::interrupted);
            continue;
        }
        if (resolved.error() != Error::not_present) return resolved;
        TRY(place, locate(page, access));
        TRY_STATUS(with_reclaim([&] { return place.object->fetch(place.offset, access == abi::protection_write); }));
    }
    return {};
}

void AddressSpace::object_changed(
    const MemoryObject& object, std::uint64_t offset, std::uint64_t length, bool protect_only)
{
    VirtualAddress lowest = abi::user_end;
    VirtualAddress highest = 0;
    {
        Guard guard(lock_);
        if (leaving_ != 0) {
            lowest = 0;
            highest = abi::user_end;
        }
        for (std::size_t index = 0; index < mapping_count_; ++index) {
            const Mapping& mapping = mappings_[index];
            if (mapping.object != &object) continue;
            const std::uint64_t begin = std::max(offset, mapping.offset);
            const std::uint64_t end = std::min(offset + length, mapping.offset + (mapping.end - mapping.begin));
            if (begin >= end) continue;
            const VirtualAddress from = mapping.begin + (begin - mapping.offset);
            const VirtualAddress to = mapping.begin + (end - mapping.offset);
            PageRights rights = rights_of(mapping.protection);
            rights.write = false;
            if (protect_only) page_table_.restrict(from, to, rights);
            else page_table_.unmap(from, to);
            lowest = std::min(lowest, from);
            highest = std::max(highest, to);
        }
    }
    if (lowest < highest) shoot_down(*this, lowest, highest);
}

Result<AddressSpace::Place> AddressSpace::locate(VirtualAddress address, std::uint32_t access)
{
    Guard guard(lock_);
    Mapping* mapping = find(address);
    if (!mapping || (mapping->protection & access) == 0) return fail(Error::bad_address);
    return Place { Ref<MemoryObject>(mapping->object), mapping->offset + (address - mapping->begin) };
}

} // namespace orrery::kernel
