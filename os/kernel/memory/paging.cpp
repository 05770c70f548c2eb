// Paged memory objects: pages come from a pager, changed ones go back to it, and what it has may be dropped.
//
// Race notes:
// (1) Of several threads that miss one page, the first asks the pager; the others sleep in waiting_fetchers_. Both are
// decided
//     under the object's lock, under which the first also takes the others off the list when it has its answer,
// whatever
//     that was. So nobody follows a pointer into a stack that is gone, and whoever sleeps is woken.
// (2) An answer does not mean that the page is there: it may have been dropped again, or the pager may lie. Whoever is
// woken
//     looks, and asks anew.
// (3) A page that is being written back is clean, so that a write is noticed, but it is not dropped: until the pager
// has written
//     it, this is the only copy.
#include <utility>

#include "kernel/memory/memory_object.h"
#include "kernel/memory/reclaim.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

Result<Ref<MemoryObject>> MemoryObject::create_paged(std::uint64_t size, std::unique_ptr<Pager> pager, MemoryAccount* payer)
{
    if (!pager) return fail(Error::out_of_memory);
    TRY(object, create_raw(size, 0, payer));
    object->pager_ = std::move(pager);
    register_discardable(*object);
    return object;
}

Status MemoryObject::fetch(std::uint64_t offset, bool write) NO_THREAD_SAFETY_ANALYSIS
{
    offset = round_down(offset, page_size);
    if (origin_) return fetch_from_origin(offset);
    if (!pager_) return fail(Error::not_found);
    Fetcher self { &current_thread(), offset, {} };
    lock_.acquire();
    if (const Slot* slot = offset < size_ ? find_slot(offset) : nullptr; slot && frame_of(*slot)) {
        lock_.release();
        return {};
    }
    for (Fetcher* first = fetchers_.first(); first; first = fetchers_.next(first)) {
        if (first->offset != offset) continue;
        waiting_fetchers_.push_back(&self); // (1)
        const Error woken = sleep(lock_, { WaitReason::page_in, pager_->number(), 0, abi::no_deadline, 0 });
        Guard guard(lock_);
        if (self.link.linked) waiting_fetchers_.remove(&self);
        if (woken != Error::none) return fail(woken);
        return {}; // (2)
    }
    fetchers_.push_back(&self);
    lock_.release();
    const Status fetched = pager_->fetch(offset, write);
    Guard guard(lock_);
    fetchers_.remove(&self);
    for (Fetcher* other = waiting_fetchers_.first(); other;) {
        Fetcher* const next = waiting_fetchers_.next(other);
        if (other->offset == offset) {
            waiting_fetchers_.remove(other);
            wake(*other->thread, Error::none);
        }
        other = next;
    }
    return fetched;
}

// The page of a clone that its origin did not have when the clone was made. A copy at once, which costs less than to
// follow who shares it with whom: programs that only read a file map the file itself.
Status MemoryObject::fetch_from_origin(std::uint64_t offset)
{
    if (offset >= size_) return fail(Error::invalid_argument);
    const auto borrowed = origin_->borrow(origin_offset_ + offset, false);
    if (!borrowed) {
        if (borrowed.error() != Error::not_present) return fail(borrowed.error());
        return origin_->fetch(origin_offset_ + offset, false); // the access comes again
    }
    Frame* const from = *borrowed;
    Frame* const copy = frame_allocator.allocate();
    if (copy) copy_page(copy, from);
    frame_allocator.release(from);
    if (!copy) return fail(Error::out_of_memory);
    Status placed;
    {
        Guard guard(lock_);
        const auto slot = make_slot(offset);
        if (!slot) placed = fail(slot.error());
        else if (**slot != 0) placed = fail(Error::already_exists); // somebody was here meanwhile
        else placed = count_page();
        if (placed) **slot = reinterpret_cast<Slot>(copy);
    }
    if (placed) return {};
    frame_allocator.release(copy);
    if (placed.error() == Error::already_exists) return {};
    return placed;
}

Status MemoryObject::bring(std::uint64_t offset, bool write)
{
    return with_reclaim([&] { return try_bring(offset, write); });
}

Status MemoryObject::try_bring(std::uint64_t offset, bool write)
{
    for (;;) {
        const auto found = access(offset, write);
        if (found && !found->must_copy) return {};
        if (found) {
            TRY_STATUS(make_writable(offset));
            spin_wait_hook(); // a clone may be under way
            continue;
        }
        if (found.error() != Error::not_present) return fail(found.error());
        TRY_STATUS(fetch(offset, write));
        if (must_end(current_thread())) return fail(Error::interrupted);
    }
}

Status MemoryObject::supply(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset)
{
    if (!pager_ || !is_page_range(offset, page_size, size_)) return fail(Error::invalid_argument);
    {
        Guard guard(lock_);
        TRY(slot, make_slot(offset));
        if (*slot != 0) return fail(Error::already_exists);
        TRY_STATUS(count_page()); // now, or the page would be lost if it may not come
    }
    const auto moved = source.take_page(source_offset);
    {
        Guard guard(lock_);
        Slot* const slot = find_slot(offset);
        if (moved && *slot == 0) {
            *slot = reinterpret_cast<Slot>(*moved) | slot_clean;
            return {};
        }
        uncount_page();
    }
    if (!moved) return fail(moved.error());
    frame_allocator.release(*moved); // two that supply one page: what came first may have been changed already
    return fail(Error::already_exists);
}

Result<std::uint64_t> MemoryObject::collect_changed(std::uint64_t offset, std::span<std::uint64_t> offsets)
{
    if (!pager_ || !is_page_aligned(offset) || offset > size_) return fail(Error::invalid_argument);
    constexpr unsigned steps_at_once = 512; // slots
    std::size_t count = 0;
    for (std::uint64_t place = offset; place < size_ && count < offsets.size();) {
        {
            Guard guard(lock_);
            for (unsigned steps = 0; steps < steps_at_once && count < offsets.size(); ++steps, place += page_size) {
                place = next_slot(place);
                if (place >= size_) break;
                Slot& slot = *find_slot(place);
                if (!frame_of(slot) || (slot & (slot_clean | slot_pinned))) continue;
                slot |= slot_clean | slot_writing; // (3)
                offsets[count++] = place;
            }
        }
        if (!preemption_point()) break; // what it has so far counts
    }
    if (count != 0) write_protect_everywhere(offsets[0], offsets[count - 1] + page_size - offsets[0]);
    return count;
}

bool MemoryObject::mark_written(std::uint64_t offset, const Frame& frame)
{
    Guard guard(lock_);
    Slot* const slot = find_slot(offset);
    if (!slot || frame_of(*slot) != &frame) return false;
    *slot &= ~(slot_clean | slot_writing);
    return true;
}

void MemoryObject::mark_changed(std::uint64_t offset)
{
    Guard guard(lock_);
    if (Slot* const slot = find_slot(offset); slot && frame_of(*slot)) *slot &= ~(slot_clean | slot_writing);
}

} // namespace orrery::kernel
