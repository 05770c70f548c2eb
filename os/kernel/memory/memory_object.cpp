// Memory objects: slots that are filled on demand; clones, and replacement of pages.
//
// Race notes:
// (1) A page table entry is made under the space's lock from what access() says under the object's lock. Whoever
// changes
//     a slot changes it first and takes the page out of every table second (unmap_everywhere); an entry made before the
//     change is removed by it, one made later is right.
// (2) The old frame is released only after that, so no CPU can reach memory that belongs to somebody else.
#include "kernel/memory/memory_object.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    std::atomic<std::uint32_t> next_number { 1 };

    constexpr std::uint32_t all_flags = abi::memory_discardable;

} // namespace

// Drops a reference when it goes, which is after the locks of the caller are gone.
class MemoryObject::FrameHolder {
public:
    explicit FrameHolder(Frame* frame = nullptr) : frame_(frame) {}
    FrameHolder(const FrameHolder&) = delete;
    FrameHolder& operator=(const FrameHolder&) = delete;
    ~FrameHolder()
    {
        if (frame_) frame_allocator.release(frame_);
    }
    void hold(Frame* frame) { frame_ = frame; }
    Frame* leak() { return std::exchange(frame_, nullptr); }

private:
    Frame* frame_;
};

MemoryObject::MemoryObject(std::uint64_t size, std::uint32_t flags)
    : Object(object_kind, next_number.fetch_add(1, std::memory_order_relaxed)), size_(size), flags_(flags),
      slots_(size / page_size)
{
}

Result<Ref<MemoryObject>> MemoryObject::create_raw(std::uint64_t size, std::uint32_t flags, MemoryAccount* payer)
{
    if (size == 0 || size > max_size) return fail(Error::invalid_argument);
    auto* object = new (std::nothrow) MemoryObject(round_up(size, page_size), flags);
    if (!object) return fail(Error::out_of_memory);
    Guard guard(object->lock_);
    object->charge_.bill(payer);
    return Ref<MemoryObject>::adopt(object);
}

Result<Ref<MemoryObject>> MemoryObject::create(std::uint64_t size, std::uint32_t flags, MemoryAccount* payer)
{
    if (flags & ~all_flags) return fail(Error::invalid_argument);
    TRY(object, create_raw(size, flags, payer));
    if (flags & abi::memory_discardable) register_discardable(*object);
    return object;
}

MemoryObject::~MemoryObject()
{
    if ((flags_ & abi::memory_discardable) || pager_) unregister_discardable(*this);
    Guard guard(lock_);
    (void)charge_to(nullptr); // before the nodes go
    for (std::uint64_t offset = next_slot(0); offset < size_; offset = next_slot(offset + page_size))
        if (Frame* frame = frame_of(*find_slot(offset))) frame_allocator.release(frame);
    delete[] mappers_;
}

// The slot of a page that exists, made zeroed if it was untouched.
Result<Slot*> MemoryObject::populate(std::uint64_t offset)
{
    if (offset >= size_) return fail(Error::invalid_argument);
    if (registers_ != 0) return fail(Error::access_denied);
    TRY(slot, make_slot(offset));
    if (*slot == slot_discarded) return fail(Error::not_found);
    if (*slot == 0) {
        if (is_paged()) return fail(Error::not_present);
        TRY_STATUS(count_page());
        Frame* frame = frame_allocator.allocate_zeroed();
        if (!frame) {
            uncount_page();
            return fail(Error::out_of_memory);
        }
        *slot = reinterpret_cast<Slot>(frame);
    }
    return slot;
}

Result<MemoryObject::Access> MemoryObject::access(std::uint64_t offset, bool write)
{
    Guard guard(lock_);
    TRY(slot, populate(offset));
    if (write && (*slot & slot_shared)) return Access { .must_copy = true };
    if (write) *slot &= ~slot_clean;
    return Access { .frame = frame_of(*slot), .writable = !(*slot & (slot_shared | slot_clean)) };
}

Status MemoryObject::make_writable(std::uint64_t offset)
{
    Frame* copy = frame_allocator.allocate(); // before the lock: the contents are copied under it
    FrameHolder unused(copy);
    FrameHolder old;
    {
        Guard guard(lock_);
        TRY(slot, populate(offset));
        if (!(*slot & slot_shared)) return {};   // somebody else did it meanwhile
        copier_turned_away_ = clones_under_way_ != 0;
        if (copier_turned_away_) return {};      // the fault will come again
        Frame* frame = frame_of(*slot);
        // The last one that has the frame keeps it. Nobody can share it anew: that takes this lock.
        if (frame->references.load(std::memory_order_acquire) == 1) {
            *slot &= ~slot_shared;
            return {};
        }
        if (!copy) return fail(Error::out_of_memory);
        copy_page(copy, frame);
        *slot = reinterpret_cast<Slot>(unused.leak()) | (*slot & slot_writing);
        old.hold(frame);
    }
    unmap_everywhere(offset, page_size); // (1)
    return {};                           // (2)
}

Result<Frame*> MemoryObject::page(std::uint64_t offset)
{
    for (;;) {
        TRY(result, access(offset, true));
        if (!result.must_copy) return result.frame;
        TRY_STATUS(make_writable(offset));
        spin_wait_hook(); // a clone may be under way
    }
}

Result<Frame*> MemoryObject::try_borrow(std::uint64_t offset, bool write)
{
    Guard guard(lock_);
    TRY(slot, populate(offset));
    if (write && (*slot & slot_shared)) return fail(Error::would_block);
    if (write) *slot &= ~slot_clean;
    Frame* frame = frame_of(*slot);
    frame_allocator.reference(frame);
    return frame;
}

Result<Frame*> MemoryObject::borrow(std::uint64_t offset, bool write)
{
    for (;;) {
        const auto borrowed = try_borrow(offset, write);
        if (borrowed || borrowed.error() != Error::would_block) return borrowed;
        TRY_STATUS(make_writable(offset));
        spin_wait_hook(); // a clone may be under way
    }
}

Result<Frame*> MemoryObject::pin_own(std::uint64_t offset)
{
    Guard guard(lock_);
    TRY(slot, populate(offset));
    if (*slot & slot_shared) return nullptr;
    *slot = (*slot | slot_pinned) & ~slot_clean;
    Frame* const frame = frame_of(*slot);
    frame_allocator.reference(frame);
    return frame;
}

Result<Frame*> MemoryObject::pin(std::uint64_t offset)
{
    for (;;) {
        TRY(frame, pin_own(offset));
        if (frame) return frame;
        TRY_STATUS(make_writable(offset));
        spin_wait_hook();
    }
}

Result<Frame*> MemoryObject::pin_under_lock(std::uint64_t offset)
{
    TRY(frame, pin_own(offset));
    if (!frame) return fail(Error::not_present);
    return frame;
}

Result<Ref<MemoryObject>> MemoryObject::clone(std::uint64_t offset, std::uint64_t length, MemoryAccount* payer)
{
    if (!is_page_range(offset, length, size_)) return fail(Error::invalid_argument);
    if (registers_ != 0) return fail(Error::access_denied);
    TRY(copy, create_raw(length, flags_, payer));
    if (flags_ & abi::memory_discardable) register_discardable(*copy);
    if (is_paged()) { // what a clone of a paged object lacks, its own clone gets from the same origin: chains stay short
        copy->origin_ = origin_ ? origin_ : Ref<MemoryObject>(this);
        copy->origin_offset_ = origin_offset_ + offset;
    }
    for (std::uint64_t done = 0; done < length;) {
        let_copiers_go_first();
        TRY_STATUS(clone_some(offset, length, *copy, done));
        if (!preemption_point()) return fail(Error::interrupted);
    }
    return copy;
}

// They try again and again and need a moment without clones. Only a moment, or they could keep every clone waiting.
void MemoryObject::let_copiers_go_first()
{
    constexpr unsigned patience = 1000;
    for (unsigned turn = 0; turn < patience; ++turn) {
        {
            Guard guard(lock_);
            if (!copier_turned_away_) return;
        }
        spin_wait_hook();
    }
}

// The next pages, and how far that is: between two calls others may run, which they must not while a clone is under
// way.
Status MemoryObject::clone_some(std::uint64_t offset, std::uint64_t length, MemoryObject& copy, std::uint64_t& done)
{
    constexpr unsigned pages_at_once = 64;
    Status status {};
    const std::uint64_t begin = done;
    std::uint64_t place = done;
    {
        Guard guard(lock_);
        ++clones_under_way_;
        copier_turned_away_ = false;
    }
    for (unsigned count = 0; count < pages_at_once && place < length && status; ++count) {
        // Rank: two memory objects are never locked together. The page is taken out under the one lock and put in under
        // the other; the new object is known to nobody yet.
        Slot taken = 0;
        {
            Guard guard(lock_);
            place = next_slot(offset + place) - offset;
            if (place >= length) break;
            Slot* slot = find_slot(offset + place);
            if (*slot == slot_discarded) {
                taken = slot_discarded;
            } else if (*slot & slot_pinned) { // stays where it is: the clone gets a copy now
                if (Frame* frame = frame_allocator.allocate()) {
                    copy_page(frame, frame_of(*slot));
                    taken = reinterpret_cast<Slot>(frame);
                } else {
                    status = fail(Error::out_of_memory);
                }
            } else if (*slot != 0) {
                *slot |= slot_shared;
                frame_allocator.reference(frame_of(*slot));
                taken = *slot & ~(slot_clean | slot_writing);
            }
        }
        if (taken != 0) {
            Guard guard(copy.lock_);
            const auto slot = copy.make_slot(place);
            if (!slot) status = fail(slot.error());
            else if (frame_of(taken)) status = copy.count_page();
            if (status) **slot = taken;
            else if (Frame* frame = frame_of(taken)) frame_allocator.release(frame);
        }
        place += page_size;
    }
    done = std::min(place, length);
    if (done != begin) write_protect_everywhere(offset + begin, done - begin);
    Guard guard(lock_);
    --clones_under_way_;
    return status;
}

// Takes the page out of the object, which reads as zero there afterwards; the frame is the caller's. No CPU can reach
// it any more.
Result<Frame*> MemoryObject::take_page(std::uint64_t offset)
{
    if (!is_page_range(offset, page_size, size_) || pager_) return fail(Error::invalid_argument);
    TRY_STATUS(page(offset)); // its own copy, if it was shared
    Frame* taken = nullptr;
    {
        Guard guard(lock_);
        Slot* slot = find_slot(offset);
        if (!slot || !frame_of(*slot) || (*slot & slot_shared)) return fail(Error::would_block); // changed meanwhile
        if (*slot & slot_pinned) return fail(Error::already_exists);
        taken = frame_of(std::exchange(*slot, Slot { 0 }));
        uncount_page();
    }
    unmap_everywhere(offset, page_size); // nobody writes to the page any more
    return taken;
}

Status MemoryObject::replace(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset)
{
    if (!is_page_range(offset, page_size, size_) || &source == this) return fail(Error::invalid_argument);
    TRY(moved, source.take_page(source_offset));
    FrameHolder old(moved);
    const Status placed = place(offset, reinterpret_cast<Slot>(moved), old);
    if (placed) {
        unmap_everywhere(offset, page_size);
        return {};
    }
    Guard guard(source.lock_);
    Slot* slot = source.find_slot(source_offset);
    if (slot && *slot == 0) { // else somebody has touched the place meanwhile, and the page is lost
        *slot = reinterpret_cast<Slot>(moved);
        source.count_page_beyond_limits(); // it had it before
        (void)old.leak();
    }
    return placed;
}

// Puts a page where another may have been, which goes to `old`; on failure `old` keeps what it holds.
Status MemoryObject::place(std::uint64_t offset, Slot page, FrameHolder& old)
{
    if (registers_ != 0) return fail(Error::access_denied);
    Guard guard(lock_);
    TRY(slot, make_slot(offset));
    if (*slot & slot_pinned) return fail(Error::already_exists);
    if (!frame_of(*slot)) TRY_STATUS(count_page());
    old.hold(frame_of(*slot));
    *slot = page;
    return {};
}

} // namespace orrery::kernel
