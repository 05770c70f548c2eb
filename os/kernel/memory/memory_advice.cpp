// What programs say of their pages, and pages that are dropped: in batches, each with one TLB shootdown, and between
// two of them others may run.
#include <algorithm>
#include <utility>

#include "kernel/memory/memory_object.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    constexpr std::size_t batch_size = 64;       // pages
    constexpr std::uint64_t all_pages = ~std::uint64_t { 0 };
    constexpr std::size_t steps_at_once = 512; // slots
    constexpr std::uint64_t range_at_once = std::uint64_t { 1 } << 30; // bytes of page tables to walk

    // Frames that are in no slot any more. They go when the batch does: after every page table has forgotten them, and
    // outside of the object's lock.
    class FrameBatch {
    public:
        FrameBatch() = default;
        FrameBatch(const FrameBatch&) = delete;
        FrameBatch& operator=(const FrameBatch&) = delete;
        ~FrameBatch()
        {
            for (std::size_t index = 0; index < count_; ++index) frame_allocator.release(frames_[index]);
        }
        void take(Frame* frame) { frames_[count_++] = frame; }
        std::size_t size() const { return count_; }
        bool full() const { return count_ == batch_size; }

    private:
        Frame* frames_[batch_size];
        std::size_t count_ = 0;
    };

} // namespace

// Visits the slots of a range in pieces, under the lock; `visit` gets each and the batch for what it takes out.
template <typename Visit>
Status MemoryObject::for_slots(std::uint64_t offset, std::uint64_t end, std::uint64_t most, Visit visit)
{
    std::uint64_t taken = 0;
    for (std::uint64_t place = offset; place < end && taken < most;) {
        FrameBatch old;
        const std::uint64_t begin = place;
        {
            Guard guard(lock_);
            for (std::size_t steps = 0; place < end && !old.full() && taken + old.size() < most && steps < steps_at_once;
                 ++steps, place += page_size) {
                place = next_slot(place);
                if (place < end) visit(*find_slot(place), old);
            }
            place = std::min(place, end);
        }
        taken += old.size();
        if (old.size() != 0) unmap_everywhere(begin, place - begin);
        if (!preemption_point()) return fail(Error::interrupted);
    }
    return {};
}

Status MemoryObject::forget(std::uint64_t offset, std::uint64_t end)
{
    return for_slots(offset, end, all_pages, [this](Slot& slot, FrameBatch& old) NO_THREAD_SAFETY_ANALYSIS {
        if (slot & slot_pinned) return;
        if (Frame* frame = frame_of(std::exchange(slot, Slot { 0 }))) {
            uncount_page();
            old.take(frame);
        }
    });
}

Status MemoryObject::settle(std::uint64_t offset, std::uint64_t length, abi::Settlement settlement)
{
    if (!pager_ || !is_page_range(offset, length, size_)) return fail(Error::invalid_argument);
    if (settlement == abi::Settlement::gone) return forget(offset, offset + length);
    return for_slots(offset, offset + length, all_pages, [](Slot& slot, FrameBatch&) { slot &= ~slot_writing; });
}

Status MemoryObject::advise(std::uint64_t offset, std::uint64_t length, abi::Advice advice)
{
    if (!is_page_range(offset, length, size_)) return fail(Error::invalid_argument);
    const bool about_dropping
        = advice == abi::Advice::clean || advice == abi::Advice::keep || advice == abi::Advice::restore;
    if (about_dropping && !(flags_ & abi::memory_discardable)) return fail(Error::invalid_argument);
    const std::uint64_t end = offset + length;

    switch (advice) {
    case abi::Advice::populate:
        for (std::uint64_t place = offset; place < end; place += page_size) {
            TRY_STATUS(bring(place, false));
            if ((place - offset) % (batch_size * page_size) == 0 && !preemption_point()) return fail(Error::interrupted);
        }
        return {};
    case abi::Advice::forget:
        if (pager_) return fail(Error::invalid_argument); // what is changed must go to the pager first
        return forget(offset, end);
    case abi::Advice::clean:
        TRY_STATUS(for_slots(offset, end, all_pages, [](Slot& slot, FrameBatch&) {
            if (frame_of(slot) && !(slot & slot_pinned)) slot |= slot_clean;
        }));
        for (std::uint64_t place = offset; place < end; place += range_at_once) {
            write_protect_everywhere(place, std::min(range_at_once, end - place));
            if (!preemption_point()) return fail(Error::interrupted);
        }
        return {};
    case abi::Advice::keep:
        return for_slots(offset, end, all_pages, [](Slot& slot, FrameBatch&) { slot &= ~slot_clean; });
    case abi::Advice::restore:
        return for_slots(offset, end, all_pages, [](Slot& slot, FrameBatch&) {
            if (slot == slot_discarded) slot = 0;
        });
    default: return fail(Error::invalid_argument);
    }
}

std::uint64_t MemoryObject::drop_clean(std::uint64_t count)
{
    std::uint64_t dropped = 0;
    (void)for_slots(0, size_, count, [&](Slot& slot, FrameBatch& old) NO_THREAD_SAFETY_ANALYSIS {
        if (!(slot & slot_clean) || (slot & (slot_pinned | slot_writing))) return;
        old.take(frame_of(std::exchange(slot, pager_ ? Slot { 0 } : slot_discarded)));
        uncount_page();
        ++dropped;
    });
    return dropped;
}

} // namespace orrery::kernel
