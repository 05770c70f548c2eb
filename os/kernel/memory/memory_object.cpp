// Memory objects: a two-level table of slots, filled on demand; clones, replacement and dropping of pages.
//
// Race notes:
// (1) A page table entry is made under the space's lock from what access() says under the object's lock. Whoever changes
//     a slot changes it first and takes the page out of every table second (unmap_everywhere); an entry made before the
//     change is removed by it, one made later is right.
// (2) The old frame is released only after that, so no CPU can reach memory that belongs to somebody else.
#include "kernel/memory/memory_object.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"

namespace orrery::kernel {
namespace {

    std::atomic<std::uint32_t> next_number { 1 };

    constexpr std::uint32_t all_flags = abi::memory_discardable;

    bool is_page_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size)
    {
        return is_page_aligned(offset) && is_page_aligned(length) && length != 0 && offset <= size
            && length <= size - offset;
    }

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

MemoryObject::MemoryObject(std::uint64_t size, std::uint32_t flags, Slot** leaves)
    : Object(object_kind, next_number.fetch_add(1, std::memory_order_relaxed)), size_(size), flags_(flags),
      leaves_(leaves)
{
}

Result<Ref<MemoryObject>> MemoryObject::create_raw(std::uint64_t size, std::uint32_t flags)
{
    if (size == 0 || size > max_size) return fail(Error::invalid_argument);
    size = round_up(size, page_size);
    const std::uint64_t leaf_count = round_up(size, leaf_span) / leaf_span;
    auto** leaves = new (std::nothrow) Slot*[leaf_count];
    if (!leaves) return fail(Error::out_of_memory);
    std::fill_n(leaves, leaf_count, nullptr);
    auto* object = new (std::nothrow) MemoryObject(size, flags, leaves);
    if (!object) {
        delete[] leaves;
        return fail(Error::out_of_memory);
    }
    return Ref<MemoryObject>::adopt(object);
}

Result<Ref<MemoryObject>> MemoryObject::create(std::uint64_t size, std::uint32_t flags)
{
    if (flags & ~all_flags) return fail(Error::invalid_argument);
    TRY(object, create_raw(size, flags));
    if (flags & abi::memory_discardable) register_discardable(*object);
    return object;
}

Result<Ref<MemoryObject>> MemoryObject::create_at(PhysicalAddress begin, std::uint64_t size)
{
    if (!is_page_aligned(begin)) return fail(Error::invalid_argument);
    TRY(object, create_raw(size, 0));
    Guard guard(object->lock_);
    for (std::uint64_t offset = 0; offset < object->size_; offset += page_size) {
        Frame* frame = frame_allocator.frame_at(begin + offset);
        if (!frame || frame->state != FrameState::reserved) return fail(Error::invalid_argument);
        TRY(slot, object->make_slot(offset));
        frame_allocator.reference(frame);
        *slot = reinterpret_cast<Slot>(frame) | slot_pinned;
        ++object->resident_;
    }
    return object;
}

// Takes the largest blocks that fit what is still missing, and smaller ones when those are gone: a long request becomes
// a scatter-gather list instead of failing.
Result<Ref<MemoryObject>> MemoryObject::create_physical(
    std::uint64_t minimum, std::uint64_t maximum, std::uint32_t flags)
{
    if (minimum == 0 || maximum < minimum || maximum > max_size
        || (flags & ~(abi::physical_contiguous | abi::physical_below_4g)) != 0)
        return fail(Error::invalid_argument);
    minimum = round_up(minimum, page_size);
    maximum = round_up(maximum, page_size);
    const PhysicalAddress below = flags & abi::physical_below_4g ? std::uint64_t { 4 } << 30 : ~PhysicalAddress { 0 };
    const bool contiguous = (flags & abi::physical_contiguous) != 0;

    struct Block {
        Frame* first;
        std::uint64_t pages;
    };
    constexpr std::size_t max_blocks = 512;
    auto* blocks = new (std::nothrow) Block[max_blocks];
    if (!blocks) return fail(Error::out_of_memory);
    std::size_t block_count = 0;
    std::uint64_t pages = 0;
    const std::uint64_t wanted = maximum / page_size;
    unsigned order = FrameAllocator::max_order;
    // "As much as there is" leaves the rest of the system something to live on, page tables and the object included.
    constexpr std::size_t spared_frames = 512;
    while (pages < wanted && block_count < max_blocks && !(contiguous && block_count == 1)) {
        // Contiguous memory rounds up to a block and gives the rest back; a list takes only what it needs.
        while (order > 0 && (std::uint64_t { 1 } << (contiguous ? order - 1 : order)) > (contiguous ? wanted - 1 : wanted - pages))
            --order;
        const bool enough = frame_allocator.free_frames() > (std::size_t { 1 } << order) + spared_frames;
        Frame* block = enough ? frame_allocator.allocate(order, below) : nullptr;
        if (!block) {
            if (order == 0) break;
            --order;
            continue;
        }
        frame_allocator.split_block(block);
        std::uint64_t count = std::uint64_t { 1 } << order;
        for (; count > wanted - pages; --count) frame_allocator.release(block + count - 1);
        blocks[block_count++] = { block, count };
        pages += count;
    }

    Result<Ref<MemoryObject>> object = pages * page_size < minimum ? fail(Error::out_of_memory)
                                                                   : create_raw(pages * page_size, 0);
    std::uint64_t offset = 0;
    for (std::size_t index = 0; index < block_count; ++index) {
        for (std::uint64_t page = 0; page < blocks[index].pages; ++page, offset += page_size) {
            Frame* frame = blocks[index].first + page;
            std::memset(frame_allocator.memory_of(frame), 0, page_size);
            bool placed = false;
            if (object) {
                MemoryObject& target = **object;
                Guard guard(target.lock_);
                if (const auto slot = target.make_slot(offset)) {
                    **slot = reinterpret_cast<Slot>(frame) | slot_pinned;
                    ++target.resident_;
                    placed = true;
                }
            }
            if (placed) continue;
            frame_allocator.release(frame);
            if (object) object = fail(Error::out_of_memory);
        }
    }
    delete[] blocks;
    return object;
}

MemoryObject::~MemoryObject()
{
    if (flags_ & abi::memory_discardable) unregister_discardable(*this);
    Guard guard(lock_);
    const std::uint64_t leaf_count = round_up(size_, leaf_span) / leaf_span;
    for (std::uint64_t index = 0; index < leaf_count; ++index) {
        Slot* leaf = leaves_[index];
        if (!leaf) continue;
        for (std::uint64_t page = 0; page < pages_per_leaf; ++page)
            if (Frame* frame = frame_of(leaf[page])) frame_allocator.release(frame);
        delete[] leaf;
    }
    delete[] leaves_;
    delete[] mappers_;
}

MemoryObject::Slot* MemoryObject::find_slot(std::uint64_t offset)
{
    Slot* leaf = leaves_[offset / leaf_span];
    return leaf ? &leaf[offset % leaf_span / page_size] : nullptr;
}

Result<MemoryObject::Slot*> MemoryObject::make_slot(std::uint64_t offset)
{
    Slot*& leaf = leaves_[offset / leaf_span];
    if (!leaf) {
        leaf = new (std::nothrow) Slot[pages_per_leaf];
        if (!leaf) return fail(Error::out_of_memory);
        std::fill_n(leaf, pages_per_leaf, Slot { 0 });
    }
    return &leaf[offset % leaf_span / page_size];
}

// The slot of a page that exists, made zeroed if it was untouched.
Result<MemoryObject::Slot*> MemoryObject::populate(std::uint64_t offset)
{
    if (offset >= size_) return fail(Error::invalid_argument);
    TRY(slot, make_slot(offset));
    if (*slot == slot_discarded) return fail(Error::not_found);
    if (*slot == 0) {
        Frame* frame = frame_allocator.allocate_zeroed();
        if (!frame) return fail(Error::out_of_memory);
        *slot = reinterpret_cast<Slot>(frame);
        resident_.fetch_add(1, std::memory_order_relaxed);
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
        if (clones_under_way_ != 0) return {};   // the fault will come again
        Frame* frame = frame_of(*slot);
        // The last one that has the frame keeps it. Nobody can share it anew: that takes this lock.
        if (frame->references.load(std::memory_order_acquire) == 1) {
            *slot &= ~slot_shared;
            return {};
        }
        if (!copy) return fail(Error::out_of_memory);
        std::memcpy(frame_allocator.memory_of(copy), frame_allocator.memory_of(frame), page_size);
        *slot = reinterpret_cast<Slot>(unused.leak());
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

Result<Frame*> MemoryObject::borrow(std::uint64_t offset, bool write)
{
    for (;;) {
        {
            Guard guard(lock_);
            TRY(slot, populate(offset));
            if (!write || !(*slot & slot_shared)) {
                if (write) *slot &= ~slot_clean;
                Frame* frame = frame_of(*slot);
                frame_allocator.reference(frame);
                return frame;
            }
        }
        TRY_STATUS(make_writable(offset));
        spin_wait_hook(); // a clone may be under way
    }
}

Result<Frame*> MemoryObject::pin(std::uint64_t offset)
{
    for (;;) {
        {
            Guard guard(lock_);
            TRY(slot, populate(offset));
            if (!(*slot & slot_shared)) {
                *slot = (*slot | slot_pinned) & ~slot_clean;
                Frame* frame = frame_of(*slot);
                frame_allocator.reference(frame);
                return frame;
            }
        }
        TRY_STATUS(make_writable(offset));
        spin_wait_hook();
    }
}

Result<Ref<MemoryObject>> MemoryObject::clone(std::uint64_t offset, std::uint64_t length)
{
    if (!is_page_range(offset, length, size_)) return fail(Error::invalid_argument);
    TRY(copy, create_raw(length, flags_));
    if (flags_ & abi::memory_discardable) register_discardable(*copy);
    Status status {};
    {
        Guard guard(lock_);
        ++clones_under_way_;
    }
    for (std::uint64_t place = 0; place < length && status;) {
        // Rank: two memory objects are never locked together. The page is taken out under the one lock and put in under
        // the other; the new object is known to nobody yet.
        Slot taken = 0;
        {
            Guard guard(lock_);
            Slot* slot = find_slot(offset + place);
            if (!slot) { // a leaf that was never touched
                place = round_down(offset + place, leaf_span) + leaf_span - offset;
                continue;
            }
            if (*slot == slot_discarded) {
                taken = slot_discarded;
            } else if (*slot & slot_pinned) { // stays where it is: the clone gets a copy now
                if (Frame* frame = frame_allocator.allocate()) {
                    std::memcpy(frame_allocator.memory_of(frame), frame_allocator.memory_of(frame_of(*slot)), page_size);
                    taken = reinterpret_cast<Slot>(frame);
                } else {
                    status = fail(Error::out_of_memory);
                }
            } else if (*slot != 0) {
                *slot |= slot_shared;
                frame_allocator.reference(frame_of(*slot));
                taken = *slot & ~slot_clean;
            }
        }
        if (taken != 0) {
            Guard guard(copy->lock_);
            if (const auto slot = copy->make_slot(place)) {
                **slot = taken;
                if (frame_of(taken)) ++copy->resident_;
            } else {
                if (Frame* frame = frame_of(taken)) frame_allocator.release(frame);
                status = fail(Error::out_of_memory);
            }
        }
        place += page_size;
    }
    write_protect_everywhere(offset, length);
    {
        Guard guard(lock_);
        --clones_under_way_;
    }
    if (!status) return fail(status.error());
    return copy;
}

Status MemoryObject::replace(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset)
{
    if (!is_page_range(offset, page_size, size_) || !is_page_range(source_offset, page_size, source.size_)
        || &source == this)
        return fail(Error::invalid_argument);
    TRY_STATUS(source.page(source_offset)); // its own copy, if it was shared
    Slot moved = 0;
    {
        Guard guard(source.lock_);
        Slot* slot = source.find_slot(source_offset);
        if (!slot || !frame_of(*slot) || (*slot & slot_shared)) return fail(Error::would_block); // changed meanwhile
        if (*slot & slot_pinned) return fail(Error::already_exists);
        moved = std::exchange(*slot, Slot { 0 });
        --source.resident_;
    }
    source.unmap_everywhere(source_offset, page_size); // nobody writes to the page any more
    FrameHolder old(frame_of(moved));
    const Status placed = place(offset, moved, old);
    if (placed) {
        unmap_everywhere(offset, page_size);
        return {};
    }
    Guard guard(source.lock_);
    Slot* slot = source.find_slot(source_offset);
    if (slot && *slot == 0) { // else somebody has touched the place meanwhile, and the page is lost
        *slot = moved;
        ++source.resident_;
        (void)old.leak();
    }
    return placed;
}

// Puts a page where another may have been, which goes to `old`; on failure `old` keeps what it holds.
Status MemoryObject::place(std::uint64_t offset, Slot page, FrameHolder& old)
{
    Guard guard(lock_);
    TRY(slot, make_slot(offset));
    if (*slot & slot_pinned) return fail(Error::already_exists);
    old.hold(frame_of(*slot));
    if (!frame_of(*slot)) ++resident_;
    *slot = page;
    return {};
}

Status MemoryObject::advise(std::uint64_t offset, std::uint64_t length, abi::Advice advice)
{
    if (!is_page_range(offset, length, size_)) return fail(Error::invalid_argument);
    const bool about_dropping
        = advice == abi::Advice::clean || advice == abi::Advice::keep || advice == abi::Advice::restore;
    if (about_dropping && !(flags_ & abi::memory_discardable)) return fail(Error::invalid_argument);

    if (advice == abi::Advice::populate) {
        for (std::uint64_t place = offset; place < offset + length; place += page_size) {
            Guard guard(lock_);
            TRY_STATUS(populate(place));
        }
        return {};
    }
    for (std::uint64_t place = offset; place < offset + length; place += page_size) {
        FrameHolder old;
        {
            Guard guard(lock_);
            Slot* slot = find_slot(place);
            if (!slot) { // a leaf that was never touched
                place = round_down(place, leaf_span) + leaf_span - page_size;
                continue;
            }
            switch (advice) {
            case abi::Advice::forget:
                if (*slot & slot_pinned) continue;
                if (frame_of(*slot)) --resident_;
                old.hold(frame_of(*slot));
                *slot = 0;
                break;
            case abi::Advice::clean:
                if (frame_of(*slot) && !(*slot & slot_pinned)) *slot |= slot_clean;
                continue; // write protection comes once for the range
            case abi::Advice::keep: *slot &= ~slot_clean; continue;
            case abi::Advice::restore:
                if (*slot == slot_discarded) *slot = 0;
                continue;
            default: return fail(Error::invalid_argument);
            }
        }
        unmap_everywhere(place, page_size);
    }
    if (advice == abi::Advice::clean) write_protect_everywhere(offset, length);
    return {};
}

std::uint64_t MemoryObject::drop_clean(std::uint64_t count)
{
    std::uint64_t dropped = 0;
    for (std::uint64_t place = 0; place < size_ && dropped < count; place += page_size) {
        FrameHolder old;
        {
            Guard guard(lock_);
            Slot* slot = find_slot(place);
            if (!slot) {
                place = round_down(place, leaf_span) + leaf_span - page_size;
                continue;
            }
            if (!(*slot & slot_clean) || (*slot & slot_pinned)) continue;
            old.hold(frame_of(*slot));
            *slot = slot_discarded;
            --resident_;
        }
        unmap_everywhere(place, page_size);
        ++dropped;
    }
    return dropped;
}

Result<PhysicalAddress> MemoryObject::physical_address(std::uint64_t offset)
{
    Guard guard(lock_);
    if (offset >= size_) return fail(Error::invalid_argument);
    Slot* slot = find_slot(offset);
    if (!slot || !(*slot & slot_pinned)) return fail(Error::access_denied);
    return frame_allocator.address_of(frame_of(*slot)) + offset % page_size;
}

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
    return {};
}

void MemoryObject::detach(AddressSpace& space)
{
    Guard guard(lock_);
    for (std::uint32_t index = 0; index < mapper_count_; ++index) {
        if (mappers_[index].space != &space) continue;
        if (--mappers_[index].count == 0) mappers_[index] = mappers_[--mapper_count_];
        return;
    }
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
