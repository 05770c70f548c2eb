// An event: a count that goes up when something happens, and threads that wait until it is not 0.
#pragma once

#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"

namespace orrery::kernel {

class Thread;

class Event : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::event;

    static Result<Ref<Event>> create(); // out_of_memory
    // May be called from an interrupt. Adds one; the count stays at its largest value.
    void signal() EXCLUDES(lock_);
    // Waits until the count is not 0, takes all of it and returns it. Several that wait are served one after the other.
    // interrupted, timed_out, peer_closed.
    Result<std::uint64_t> wait(std::uint64_t deadline) EXCLUDES(lock_);
    void close() EXCLUDES(lock_); // nothing will be signalled any more: who waits learns that

protected:
    explicit Event(std::uint32_t number) : Object(object_kind, number) {}
    static std::uint32_t new_number();

private:
    // Somebody waits, and found nothing: whoever signals may tell of the next time.
    virtual void wanted() {}

    struct Waiter { // on the waiting thread's stack
        Thread* thread;
        ListLink<Waiter> link;
    };
    Spinlock lock_ { LockRank::waiters };
    std::uint64_t count_ GUARDED_BY(lock_) = 0;
    bool closed_ GUARDED_BY(lock_) = false;
    List<Waiter, &Waiter::link> waiters_ GUARDED_BY(lock_);
};

} // namespace orrery::kernel
