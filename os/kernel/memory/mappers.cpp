// Who maps a memory object: so that a changed page can be taken out of every page table, and somebody is charged for it.
#include <algorithm>
#include <new>

#include "kernel/memory/address_space.h"
#include "kernel/memory/memory_object.h"

namespace orrery::kernel {

Status MemoryObject::attach(AddressSpace& space)
{
    Guard guard(lock_);
    for (std::uint32_t index = 0; index < mapper_count_; ++index) {
        if (mappers_[index].space != &space) continue;
        ++mappers_[index].count;
        return {};
    }
    if (mapper_count_ == mapper_capacity_) {
        const std::uint32_t capacity = mapper_capacity_ == 0 ? 2 : mapper_capacity_ * 2;
        auto* mappers = new (std::nothrow) Mapper[capacity];
        if (!mappers) return fail(Error::out_of_memory);
        std::copy_n(mappers_, mapper_count_, mappers);
        delete[] mappers_;
        mappers_ = mappers;
        mapper_capacity_ = capacity;
    }
    mappers_[mapper_count_++] = { &space, 1 };
    if (!account_) charge(space.account.get());
    return {};
}

void MemoryObject::detach(AddressSpace& space)
{
    Guard guard(lock_);
    for (std::uint32_t index = 0; index < mapper_count_; ++index) {
        if (mappers_[index].space != &space) continue;
        if (--mappers_[index].count != 0) return;
        mappers_[index] = mappers_[--mapper_count_];
        // Whoever maps it now has it. If nobody does, it stays with the last: handles keep it.
        if (account_.get() == space.account.get() && mapper_count_ != 0) charge(mappers_[0].space->account.get());
        return;
    }
}

void MemoryObject::charge(MemoryAccount* account)
{
    const std::uint64_t pages = resident_.load(std::memory_order_relaxed);
    if (account_) account_->pages.fetch_sub(pages, std::memory_order_relaxed);
    account_ = Ref<MemoryAccount>(account);
    if (account) account->pages.fetch_add(pages, std::memory_order_relaxed);
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
            AddressSpace* candidate = nullptr;
            for (std::uint32_t index = 0; index < mapper_count_; ++index) {
                AddressSpace* space = mappers_[index].space;
                if (space->number > last && (!candidate || space->number < candidate->number)) candidate = space;
            }
            if (!candidate) return;
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
