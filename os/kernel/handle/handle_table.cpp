// Handle table: lookup with rights, growth by doubling, and closing.
#include "kernel/handle/handle_table.h"

#include <algorithm>
#include <new>

#include "kernel/memory/heap.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint64_t pages_of(std::uint32_t capacity) { return heap_pages(capacity * sizeof(HandleSlot)); }

} // namespace

Status HandleTable::grow()
{
    if (capacity_ == max_slots) return fail(Error::limit_reached);
    const std::uint32_t capacity = capacity_ == 0 ? 32 : std::min(capacity_ * 2, max_slots);
    const std::uint64_t more = pages_of(capacity) - pages_of(capacity_);
    TRY_STATUS(charge_.add(more));
    auto* slots = new (std::nothrow) HandleSlot[capacity];
    if (!slots) {
        charge_.drop(more);
        return fail(Error::out_of_memory);
    }
    std::copy_n(slots_, capacity_, slots);
    delete[] slots_;
    slots_ = slots;
    capacity_ = capacity;
    return {};
}

Result<abi::Handle> HandleTable::insert(Ref<Object> object, std::uint32_t rights)
{
    abi::Handle handle = abi::no_handle;
    {
        Guard guard(lock_);
        if (closed_) return fail(Error::terminated);
        if (used_ >= limit_.load(std::memory_order_relaxed)) return fail(Error::limit_reached);
        if (used_ + 1 >= capacity_) TRY_STATUS(grow());
        for (std::uint32_t step = 0; step < capacity_; ++step) {
            const std::uint32_t index = (search_from_ + step) % capacity_;
            if (index == abi::no_handle || slots_[index].object) continue;
            // Before anybody can close it: the other order would tell of the end first, of an object that may be gone.
            object->handle_opened(rights);
            slots_[index] = { object.leak(), rights };
            ++used_;
            search_from_ = index + 1;
            handle = index;
            break;
        }
    }
    if (handle == abi::no_handle) return fail(Error::limit_reached);
    return handle;
}

Status HandleTable::close(abi::Handle handle)
{
    HandleSlot slot;
    {
        Guard guard(lock_);
        if (handle >= capacity_ || !slots_[handle].object) return fail(Error::bad_handle);
        slot = std::exchange(slots_[handle], {});
        --used_;
        search_from_ = std::min(search_from_, handle);
        closings_.fetch_add(1, std::memory_order_relaxed);
    }
    slot.object->handle_closed_by(*this, slot.rights);
    slot.object->release();
    return {};
}

void HandleTable::close_all()
{
    HandleSlot* slots = nullptr;
    std::uint32_t capacity = 0;
    {
        Guard guard(lock_);
        closed_ = true;
        charge_.drop(pages_of(capacity_));
        slots = std::exchange(slots_, nullptr);
        capacity = std::exchange(capacity_, 0);
        used_ = 0;
        closings_.fetch_add(1, std::memory_order_relaxed);
    }
    for (std::uint32_t index = 0; index < capacity; ++index) {
        if (!slots[index].object) continue;
        slots[index].object->handle_closed_by(*this, slots[index].rights);
        slots[index].object->release();
    }
    delete[] slots;
}

Result<HandleTable::Entry> HandleTable::find_any(abi::Handle handle)
{
    Guard guard(lock_);
    if (handle >= capacity_ || !slots_[handle].object) return fail(Error::bad_handle);
    return Entry { Ref<Object>(slots_[handle].object), slots_[handle].rights };
}

Result<Ref<Object>> HandleTable::find(abi::Handle handle, abi::ObjectKind kind, std::uint32_t rights)
{
    Guard guard(lock_);
    if (handle >= capacity_ || !slots_[handle].object) return fail(Error::bad_handle);
    const HandleSlot& slot = slots_[handle];
    if (slot.object->kind != kind) return fail(Error::wrong_kind);
    if ((slot.rights & rights) != rights) return fail(Error::access_denied);
    return Ref<Object>(slot.object);
}

bool HandleTable::holds(const Object& object, std::uint32_t rights) const
{
    Guard guard(lock_);
    return std::any_of(slots_, slots_ + capacity_, [&](const HandleSlot& slot) {
        return slot.object == &object && (slot.rights & rights) == rights;
    });
}

} // namespace orrery::kernel
