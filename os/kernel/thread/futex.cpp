// Futex buckets.
#include "kernel/thread/futex.h"

#include "kernel/memory/address_space.h"
#include "kernel/memory/user_access.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    // The key is the place in the memory object: the same for every mapping of it, and it stays when the page is copied
    // or replaced. The object is referenced while somebody waits, so no other can have its address.
    struct Key {
        const MemoryObject* object;
        std::uint64_t offset;
        bool operator==(const Key&) const = default;
    };

    struct FutexWaiter {
        Thread* thread;
        Key key;
        ListLink<FutexWaiter> link;
    };

    struct Bucket {
        Spinlock lock { LockRank::futex };
        List<FutexWaiter, &FutexWaiter::link> waiters GUARDED_BY(lock);
    };
    constexpr std::size_t bucket_count = 256;
    Bucket buckets[bucket_count];

    Bucket& bucket_of(const Key& key)
    {
        return buckets[(key.object->number * 31 + (key.offset >> 2) + (key.offset >> 12)) % bucket_count];
    }

} // namespace

Status futex_wait(VirtualAddress address, std::uint32_t expected, std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    if (address % 4 != 0) return fail(Error::invalid_argument);
    TRY(place, current_thread().space->locate(address, abi::protection_read));
    const Key key { place.object.get(), place.offset };
    Bucket& bucket = bucket_of(key);
    FutexWaiter waiter { &current_thread(), key, {} };
    for (;;) {
        bucket.lock.acquire();
        const Result<std::uint32_t> value = read_user<std::uint32_t>(address);
        if (value && *value == expected) break;
        bucket.lock.release();
        if (value) return fail(Error::would_block);
        // Under the lock nobody can wait for a pager. It may be gone again afterwards, so this may take several turns.
        if (!current_thread().space->make_present(address, sizeof(expected), abi::protection_read) || !preemption_point())
            return fail(Error::bad_address);
    }
    bucket.waiters.push_back(&waiter);
    const Error result = sleep(bucket.lock, { WaitReason::futex, address, expected, deadline, 0 });
    bool was_woken = false;
    {
        Guard guard(bucket.lock);
        was_woken = !waiter.link.linked;
        bucket.waiters.remove(&waiter);
    }
    // A waker that took us off the list has counted us: then the wait succeeded, even if a signal came as well.
    if (was_woken || result == Error::none) return {};
    return fail(result);
}

Result<std::uint64_t> futex_wake(VirtualAddress address, std::uint64_t count)
{
    if (address % 4 != 0) return fail(Error::invalid_argument);
    TRY(place, current_thread().space->locate(address, abi::protection_read));
    const Key key { place.object.get(), place.offset };
    Bucket& bucket = bucket_of(key);
    std::uint64_t woken = 0;
    Guard guard(bucket.lock);
    for (FutexWaiter* waiter = bucket.waiters.first(); waiter && woken < count;) {
        FutexWaiter* next = bucket.waiters.next(waiter);
        if (waiter->key == key) {
            bucket.waiters.remove(waiter);
            wake(*waiter->thread, Error::none);
            ++woken;
        }
        waiter = next;
    }
    return woken;
}

} // namespace orrery::kernel
