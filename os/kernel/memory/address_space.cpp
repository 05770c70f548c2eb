// Address spaces: the mapping array, and what the calls that change it do to the page tables.
#include "kernel/memory/address_space.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>

#include "kernel/boot/registry.h"
#include "kernel/memory/heap.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    std::atomic<std::uint32_t> next_number { 1 };

    // Where address 0 in map() begins to look: above what static programs are linked to.
    constexpr VirtualAddress search_begin = 0x1000'0000;

    bool valid_protection(std::uint32_t protection)
    {
        const bool both = (protection & abi::protection_write) && (protection & abi::protection_execute);
        return (protection & ~AddressSpace::all_protections) == 0 && !both;
    }

} // namespace

Result<Ref<AddressSpace>> AddressSpace::create(std::span<const char> name, const AddressSpace* maker)
{
    auto account = MemoryAccount::create(maker ? maker->account.get() : nullptr);
    if (!account) return fail(Error::out_of_memory);
    TRY(table, PageTable::create(account.get()));
    auto* space = new (std::nothrow) AddressSpace(next_number.fetch_add(1, std::memory_order_relaxed), table, account);
    if (!space) {
        table.destroy();
        return fail(Error::out_of_memory);
    }
    if (maker) space->maker = maker->number;
    std::memcpy(space->name, name.data(), std::min(name.size(), name_size - 1));
    constexpr std::uint32_t widest[] = { abi::priority_count - 1, max_threads, HandleTable::max_slots, max_mappings,
        ~std::uint32_t { 0 } };
    static_assert(std::size(widest) == static_cast<unsigned>(abi::SpaceLimit::count));
    for (unsigned which = 0; which < std::size(widest); ++which)
        space->limits[which] = maker ? maker->limits[which].load(std::memory_order_relaxed) : widest[which];
    space->handles.set_limit(space->limit(abi::SpaceLimit::handles));
    register_space(*space);
    return Ref<AddressSpace>::adopt(space);
}

AddressSpace::AddressSpace(std::uint32_t number, PageTable table, Ref<MemoryAccount> payer)
    : Object(object_kind, number), account(std::move(payer)), page_table_(table), mappings_charge_(account.get())
{
    handles.bill(account.get());
}

Status AddressSpace::shrink_limit(abi::SpaceLimit which, std::uint64_t value)
{
    std::atomic<std::uint32_t>& limit = limits[static_cast<unsigned>(which)];
    const auto wanted = static_cast<std::uint32_t>(value);
    Guard guard(lock_); // of two who shrink one limit, the smaller one is what counts everywhere
    if (value > limit.load(std::memory_order_relaxed)) return fail(Error::invalid_argument);
    if (which == abi::SpaceLimit::memory && wanted != MemoryAccount::unlimited) TRY_STATUS(account->set_limit(wanted));
    if (which == abi::SpaceLimit::handles) handles.set_limit(wanted);
    limit.store(wanted, std::memory_order_relaxed);
    return {};
}

AddressSpace::~AddressSpace()
{
    finish_end();
    unregister_space(*this);
    if (process_frame) frame_allocator.release(process_frame);
    Guard guard(lock_);
    page_table_.destroy();
}

// Index of the first mapping that ends above `address`.
std::size_t AddressSpace::lower_bound(VirtualAddress address) const
{
    const Mapping* found = std::partition_point(
        mappings_, mappings_ + mapping_count_, [&](const Mapping& mapping) { return mapping.end <= address; });
    return static_cast<std::size_t>(found - mappings_);
}

Mapping* AddressSpace::search(VirtualAddress address)
{
    const std::size_t index = lower_bound(address);
    if (index == mapping_count_ || mappings_[index].begin > address) return nullptr;
    last_found_ = index;
    return &mappings_[index];
}

Status AddressSpace::insert_at(std::size_t index, const Mapping& mapping)
{
    if (mapping_count_ >= limit(abi::SpaceLimit::mappings)) return fail(Error::limit_reached);
    if (mapping_count_ == mapping_capacity_) {
        const std::size_t capacity = mapping_capacity_ == 0 ? 16 : mapping_capacity_ * 2;
        const std::uint64_t more
            = heap_pages(capacity * sizeof(Mapping)) - heap_pages(mapping_capacity_ * sizeof(Mapping));
        TRY_STATUS(mappings_charge_.add(more));
        auto* mappings = new (std::nothrow) Mapping[capacity];
        if (!mappings) {
            mappings_charge_.drop(more);
            return fail(Error::out_of_memory);
        }
        std::copy_n(mappings_, mapping_count_, mappings);
        delete[] mappings_;
        mappings_ = mappings;
        mapping_capacity_ = capacity;
    }
    std::copy_backward(mappings_ + index, mappings_ + mapping_count_, mappings_ + mapping_count_ + 1);
    mappings_[index] = mapping;
    ++mapping_count_;
    return {};
}

// At most Removed::most of them, and at least one.
void AddressSpace::remove(std::size_t first, std::size_t count, Removed& removed)
{
    removed.count = count;
    std::copy_n(mappings_ + first, count, removed.mappings);
    std::copy(mappings_ + first + count, mappings_ + mapping_count_, mappings_ + first);
    mapping_count_ -= count;
    page_table_.unmap(removed.begin(), removed.end());
    removed.tables = detach_tables(removed.begin(), removed.end());
    ++leaving_;
}

void AddressSpace::shoot_down_leaving(VirtualAddress begin, VirtualAddress end)
{
    shoot_down(*this, begin, end);
    Guard guard(lock_);
    --leaving_;
}

// Objects die here, outside the lock and after no TLB can reach their pages any more.
void AddressSpace::forget(Removed& removed)
{
    shoot_down_leaving(removed.begin(), removed.end());
    page_table_.free(removed.tables);
    for (std::size_t index = 0; index < removed.count; ++index) {
        removed.mappings[index].object->detach(*this);
        removed.mappings[index].object->release();
    }
}

// The tables for a range where nothing is mapped any more. Every table overlaps a mapping, or it would have gone with
// the last one that it overlapped: a fault makes tables inside of mappings only.
DetachedTables AddressSpace::detach_tables(VirtualAddress begin, VirtualAddress end)
{
    constexpr VirtualAddress lower_half_end = VirtualAddress { 1 } << 47; // the last table reaches beyond user_end
    const std::size_t next = lower_bound(begin);
    const VirtualAddress floor = next == 0 ? 0 : mappings_[next - 1].end;
    const VirtualAddress ceiling = next == mapping_count_ ? lower_half_end : mappings_[next].begin;
    return page_table_.detach(begin, end, floor, ceiling);
}

// The first free range from `begin` on, or 0.
VirtualAddress AddressSpace::find_room(VirtualAddress begin, std::uint64_t length) const
{
    for (std::size_t index = lower_bound(begin); index < mapping_count_; ++index) {
        if (mappings_[index].begin >= begin && mappings_[index].begin - begin >= length) break;
        begin = std::max(begin, mappings_[index].end);
    }
    return is_user_range(begin, length) ? begin : 0;
}

Result<VirtualAddress> AddressSpace::map(Ref<MemoryObject> object, std::uint64_t offset, VirtualAddress address,
    std::uint64_t length, std::uint32_t protection, std::uint32_t allowed)
{
    if (length == 0 || length > MemoryObject::max_size || !is_page_aligned(offset) || !is_page_aligned(address)
        || !valid_protection(protection))
        return fail(Error::invalid_argument);
    if (protection & ~allowed) return fail(Error::access_denied);
    length = round_up(length, page_size);
    if (offset > object->size() || length > object->size() - offset) return fail(Error::invalid_argument);
    if (address != 0 && !is_user_range(address, length)) return fail(Error::invalid_argument);

    bool stale = false; // some CPU may still know what was here before
    {
        Guard guard(lock_);
        TRY_STATUS(map_locked(object, offset, address, length, protection, allowed));
        stale = leaving_ != 0;
    }
    if (stale) shoot_down(*this, address, address + length);
    return address;
}

Status AddressSpace::map_locked(Ref<MemoryObject>& object, std::uint64_t offset, VirtualAddress& address,
    std::uint64_t length, std::uint32_t protection, std::uint32_t allowed)
{
    if (address == 0) {
        // Behind the last one that was placed here, so that a program with thousands of mappings pays as little as any;
        // only when the addresses are used up, from the beginning.
        address = find_room(std::max(search_from_, search_begin), length);
        if (address == 0) address = find_room(search_begin, length);
        if (address == 0) return fail(Error::limit_reached);
        search_from_ = address + length;
    }
    const std::size_t index = lower_bound(address);
    if (index < mapping_count_ && mappings_[index].begin < address + length) return fail(Error::already_exists);
    TRY_STATUS(object->attach(*this));
    if (const Status inserted = insert_at(index, { address, address + length, offset, protection, allowed, object.get() });
        !inserted) {
        object->detach(*this);
        return fail(inserted.error());
    }
    (void)object.leak();
    return {};
}

// Makes `address` a border between mappings, if it lies inside one.
Status AddressSpace::split(VirtualAddress address)
{
    const std::size_t index = lower_bound(address);
    if (index == mapping_count_ || mappings_[index].begin >= address) return {};
    Mapping upper = mappings_[index];
    upper.offset += address - upper.begin;
    upper.begin = address;
    TRY_STATUS(insert_at(index + 1, upper));
    upper.object->reference();
    (void)upper.object->attach(*this); // cannot fail: the object knows the space already
    mappings_[index].end = address;
    return {};
}

// Makes [begin, end) a run of whole mappings without a hole and gives the index of the first.
Result<std::size_t> AddressSpace::isolate(VirtualAddress begin, VirtualAddress end)
{
    VirtualAddress covered = begin;
    for (std::size_t index = lower_bound(begin); covered < end; ++index) {
        if (index == mapping_count_ || mappings_[index].begin > covered) return fail(Error::bad_address);
        covered = mappings_[index].end;
    }
    TRY_STATUS(split(begin));
    TRY_STATUS(split(end));
    return lower_bound(begin);
}

Status AddressSpace::unmap(VirtualAddress address, std::uint64_t length)
{
    if (length == 0 || !is_page_aligned(address) || !is_user_range(address, length))
        return fail(Error::invalid_argument);
    const VirtualAddress end = address + round_up(length, page_size);
    for (VirtualAddress begin = address;;) {
        Removed removed;
        {
            Guard guard(lock_);
            if (begin == address) TRY_STATUS(isolate(address, end));
            const std::size_t first = lower_bound(begin);
            std::size_t last = first;
            while (last < mapping_count_ && last - first < Removed::most && mappings_[last].begin < end) ++last;
            if (last == first) return {};
            remove(first, last - first, removed);
        }
        forget(removed);
        begin = removed.end();
        if (begin >= end) return {};
        if (!preemption_point()) return fail(Error::interrupted);
    }
}

Status AddressSpace::protect(VirtualAddress address, std::uint64_t length, std::uint32_t protection)
{
    if (length == 0 || !is_page_aligned(address) || !is_user_range(address, length) || !valid_protection(protection))
        return fail(Error::invalid_argument);
    const VirtualAddress end = address + round_up(length, page_size);
    {
        Guard guard(lock_);
        for (std::size_t index = lower_bound(address); index < mapping_count_ && mappings_[index].begin < end; ++index)
            if (protection & ~mappings_[index].allowed) return fail(Error::access_denied);
        TRY(first, isolate(address, end));
        for (std::size_t index = first; index < mapping_count_ && mappings_[index].begin < end; ++index) {
            Mapping& mapping = mappings_[index];
            mapping.protection = protection;
            // More rights come by faults, because a page may be shared copy-on-write; fewer take effect here.
            if (protection == abi::protection_none) page_table_.unmap(mapping.begin, mapping.end);
            else page_table_.restrict(mapping.begin, mapping.end, rights_of(protection));
        }
    }
    shoot_down(*this, address, end);
    return {};
}

Result<VirtualAddress> AddressSpace::move(VirtualAddress from, std::uint64_t length, VirtualAddress to)
{
    if (length == 0 || !is_page_aligned(from) || !is_page_aligned(to) || !is_user_range(from, length)
        || !is_user_range(to, length))
        return fail(Error::invalid_argument);
    length = round_up(length, page_size);
    if (from < to + length && to < from + length) return fail(Error::already_exists);
    DetachedTables tables;
    bool stale = false; // some CPU may still know what was at the new place before
    {
        Guard guard(lock_);
        const std::size_t taken = lower_bound(to);
        if (taken < mapping_count_ && mappings_[taken].begin < to + length) return fail(Error::already_exists);
        TRY(first, isolate(from, from + length));
        std::size_t last = first;
        while (last < mapping_count_ && mappings_[last].begin < from + length) ++last;
        for (std::size_t index = first; index < last; ++index) {
            mappings_[index].begin += to - from;
            mappings_[index].end += to - from;
        }
        // The array stays sorted by turning the moved run past those in between; sizes do not change.
        if (to > from) {
            const std::size_t target = std::partition_point(mappings_ + last, mappings_ + mapping_count_,
                                           [&](const Mapping& mapping) { return mapping.end <= to; })
                - mappings_;
            std::rotate(mappings_ + first, mappings_ + last, mappings_ + target);
        } else {
            const std::size_t target = std::partition_point(mappings_, mappings_ + first,
                                           [&](const Mapping& mapping) { return mapping.end <= to; })
                - mappings_;
            std::rotate(mappings_ + target, mappings_ + first, mappings_ + last);
        }
        page_table_.unmap(from, from + length);
        tables = detach_tables(from, from + length);
        stale = leaving_++ != 0;
    }
    shoot_down_leaving(from, from + length);
    if (stale) shoot_down(*this, to, to + length);
    page_table_.free(tables);
    return to;
}

Status AddressSpace::advise(VirtualAddress address, std::uint64_t length, abi::Advice advice)
{
    if (length == 0 || !is_page_aligned(address) || !is_user_range(address, length))
        return fail(Error::invalid_argument);
    const VirtualAddress end = address + round_up(length, page_size);
    while (address < end) {
        Ref<MemoryObject> object;
        std::uint64_t offset = 0;
        std::uint64_t span = 0;
        {
            Guard guard(lock_);
            const Mapping* mapping = find(address);
            if (!mapping) return fail(Error::bad_address);
            // All advice but `populate` can change what the pages hold.
            if (advice != abi::Advice::populate && !(mapping->allowed & abi::protection_write))
                return fail(Error::access_denied);
            object = Ref<MemoryObject>(mapping->object);
            offset = mapping->offset + (address - mapping->begin);
            span = std::min(end, mapping->end) - address;
        }
        TRY_STATUS(object->advise(offset, span, advice));
        address += span;
    }
    return {};
}

} // namespace orrery::kernel
