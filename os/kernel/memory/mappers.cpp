// Who maps a memory object: so that a changed page can be taken out of every page table, and somebody is charged for
// it.
#include <algorithm>
#include <new>

#include "kernel/memory/address_space.h"
#include "kernel/memory/memory_object.h"

namespace orrery::kernel {

// The first mapper whose space has this number or a higher one.
MemoryObject::Mapper* MemoryObject::mapper_from(std::uint32_t number)
{
    return std::partition_point(
        mappers_, mappers_ + mapper_count_, [number](const Mapper& mapper) { return mapper.number < number; });
}

Status MemoryObject::attach(AddressSpace& space)
{
    Guard guard(lock_);
    Mapper* place = mapper_from(space.number);
    if (place != mappers_ + mapper_count_ && place->space == &space) {
        ++place->count;
        return {};
    }
    if (mapper_count_ == mapper_capacity_) {
        const std::uint32_t capacity = mapper_capacity_ == 0 ? 2 : mapper_capacity_ * 2;
        auto* mappers = new (std::nothrow) Mapper[capacity];
        if (!mappers) return fail(Error::out_of_memory);
        std::copy_n(mappers_, mapper_count_, mappers);
        place = mappers + (place - mappers_);
        delete[] mappers_;
        mappers_ = mappers;
        mapper_capacity_ = capacity;
    }
    if (mapper_count_ == 0 && !of_machine_) TRY_STATUS(charge_to(space.account.get()));
    std::copy_backward(place, mappers_ + mapper_count_, mappers_ + mapper_count_ + 1);
    *place = { &space, space.number, 1 };
    ++mapper_count_;
    return {};
}

void MemoryObject::detach(AddressSpace& space)
{
    Guard guard(lock_);
    Mapper* const place = mapper_from(space.number);
    if (place == mappers_ + mapper_count_ || place->space != &space || --place->count != 0) return;
    std::copy(place + 1, mappers_ + mapper_count_, place);
    --mapper_count_;
    // Not beyond the limit of that one, who could not have refused.
    if (charge_.account() == space.account.get() && mapper_count_ != 0)
        (void)charge_to(mappers_[0].space->account.get());
}

Status MemoryObject::charge_to(MemoryAccount* payer)
{
    MemoryAccount* const before = charge_.account();
    if (before == payer) return {};
    const std::uint64_t pages = resident_.load(std::memory_order_relaxed);
    if (before) before->pages.fetch_sub(pages, std::memory_order_relaxed); // it may go with the charge
    const Status moved = charge_.move_to(payer);
    if (MemoryAccount* const now = charge_.account()) now->pages.fetch_add(pages, std::memory_order_relaxed);
    return moved;
}

void MemoryObject::count_page_beyond_limits()
{
    charge_.add_beyond_limits(1);
    note_page();
}

void MemoryObject::uncount_page()
{
    charge_.drop(1);
    resident_.fetch_sub(1, std::memory_order_relaxed);
    if (MemoryAccount* const payer = charge_.account()) payer->pages.fetch_sub(1, std::memory_order_relaxed);
}

// Visits every space that maps the object now, in the order of their numbers: the list may change between two visits,
// and a space that joins later sees the new state anyway.
template <typename Visit>
void MemoryObject::for_each_space(Visit visit)
{
    std::uint32_t last = 0;
    for (;;) {
        Ref<AddressSpace> next;
        std::uint32_t skipped = 0; // a space on its way out: it unmaps everything by itself
        {
            Guard guard(lock_);
            const Mapper* const mapper = mapper_from(last + 1);
            if (mapper == mappers_ + mapper_count_) return;
            AddressSpace* const candidate = mapper->space;
            if (candidate->try_reference()) next = Ref<AddressSpace>::adopt(candidate);
            else skipped = candidate->number;
        }
        last = next ? next->number : skipped;
        if (next) visit(*next);
    }
}

void MemoryObject::unmap_everywhere(std::uint64_t offset, std::uint64_t length)
{
    for_each_space([&](AddressSpace& space) { space.object_changed(*this, offset, length, false); });
}

void MemoryObject::write_protect_everywhere(std::uint64_t offset, std::uint64_t length)
{
    for_each_space([&](AddressSpace& space) { space.object_changed(*this, offset, length, true); });
}

} // namespace orrery::kernel
