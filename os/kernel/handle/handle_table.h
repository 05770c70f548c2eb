// One address space's handles: a growing array of (object, rights); the index is the handle.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/account.h"

namespace orrery::kernel {

struct HandleSlot {
    Object* object = nullptr; // owned reference
    std::uint32_t rights = 0;
};

class HandleTable {
public:
    static constexpr std::uint32_t max_slots = 4096;

    ~HandleTable() { close_all(); }

    void bill(MemoryAccount* account) { charge_.bill(account); } // for the table; before the first handle
    // limit_reached if the table is full or may not grow, out_of_memory if it cannot grow, terminated after close_all:
    // a dead space must not take new references, or one that names itself would keep itself alive.
    Result<abi::Handle> insert(Ref<Object> object, std::uint32_t rights) EXCLUDES(lock_);
    Status close(abi::Handle handle) EXCLUDES(lock_);
    void set_limit(std::uint32_t count) { limit_.store(count, std::memory_order_relaxed); } // of handles held at a time
    void close_all() EXCLUDES(lock_);

    // Checks in this order, because it helps debugging: existence, kind, rights.
    Result<Ref<Object>> find(abi::Handle handle, abi::ObjectKind kind, std::uint32_t rights) EXCLUDES(lock_);
    template <typename T>
    Result<Ref<T>> find(abi::Handle handle, std::uint32_t rights) EXCLUDES(lock_)
    {
        auto object = find(handle, T::object_kind, rights);
        if (!object) return fail(object.error());
        return Ref<T>::adopt(static_cast<T*>(object->leak()));
    }
    struct Entry {
        Ref<Object> object;
        std::uint32_t rights;
    };
    Result<Entry> find_any(abi::Handle handle) EXCLUDES(lock_);
    // True if any handle names the object with these rights. Looks at all of them.
    bool holds(const Object& object, std::uint32_t rights) const EXCLUDES(lock_);
    // How many handles have been closed. The same number as before a find says that what was found is held still.
    std::uint32_t closings() const { return closings_.load(std::memory_order_relaxed); }

private:
    Status grow() REQUIRES(lock_);

    mutable Spinlock lock_ { LockRank::handle_table };
    // Read by the Inspector: slots_[0 .. capacity_).
    HandleSlot* slots_ GUARDED_BY(lock_) = nullptr;
    std::uint32_t capacity_ GUARDED_BY(lock_) = 0;
    Charge charge_;
    std::uint32_t used_ GUARDED_BY(lock_) = 0;
    std::uint32_t search_from_ GUARDED_BY(lock_) = 1;
    bool closed_ GUARDED_BY(lock_) = false;
    std::atomic<std::uint32_t> closings_ { 0 }; // changes under lock_
    std::atomic<std::uint32_t> limit_ { max_slots };
};

} // namespace orrery::kernel
