// Futex buckets.
//
// Race notes:
// (1) A waiter is in exactly one bucket from the test of the word on until somebody takes it out under that bucket's
// lock:
//     a waker, or itself. Which bucket that is changes only under the locks of both (requeue); so whoever wants to take
// a
//     waiter out looks which one it is, locks it, and looks again.
// (2) A waker counts whom it took out itself. Whoever finds itself out has been counted, whatever else woke it.
#include "kernel/thread/futex.h"

#include <algorithm>

#include "kernel/memory/address_space.h"
#include "kernel/memory/user_access.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    // The place in the memory object: the same for every mapping of it, and it stays when the page is copied or
    // replaced.
    struct Key {
        const MemoryObject* object;
        std::uint64_t offset;
        bool operator==(const Key&) const = default;
    };

    struct Bucket;

    struct FutexWaiter {
        Thread* thread;
        Ref<MemoryObject> object; // so that no other can have its address meanwhile
        std::uint64_t offset;
        std::atomic<Bucket*> bucket; // (1)
        ListLink<FutexWaiter> link;
        bool waits_for(const Key& key) const { return object.get() == key.object && offset == key.offset; }
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

    constexpr WaitReason reason_of(abi::FutexWord word)
    {
        return word == abi::FutexWord::owned ? WaitReason::futex_owned : WaitReason::futex;
    }

    constexpr std::uint64_t wakes_at_once = 64; // under one lock, with interrupts off

    Result<AddressSpace::Place> place_of(VirtualAddress address, std::uint64_t size)
    {
        if (address % size != 0) return fail(Error::invalid_argument);
        return current_thread().space->locate(address, abi::protection_read);
    }

    // Both, in the order of their addresses; they may be one and the same.
    class TwoBuckets {
    public:
        TwoBuckets(Bucket& a, Bucket& b) : first_(std::min(&a, &b)), second_(std::max(&a, &b)) {}
        void acquire() NO_THREAD_SAFETY_ANALYSIS
        {
            first_->lock.acquire();
            if (second_ != first_) second_->lock.acquire_beside(first_->lock);
        }
        void release() NO_THREAD_SAFETY_ANALYSIS
        {
            if (second_ != first_) second_->lock.release_beside();
            first_->lock.release();
        }

    private:
        Bucket* const first_;
        Bucket* const second_;
    };

    // Takes the lock if the word has the value: would_block, bad_address, out_of_memory, interrupted. Under a lock
    // nobody can wait for a pager; the page may be gone again afterwards, so this may take several turns.
    template <typename Word, typename Lock>
    Status acquire_if_equal(Lock&& lock, VirtualAddress address, Word expected) NO_THREAD_SAFETY_ANALYSIS
    {
        for (;;) {
            lock.acquire();
            const Result<Word> value = read_user<Word>(address);
            if (value && *value == expected) [[likely]]
                return {};
            lock.release();
            if (value) return fail(Error::would_block);
            const Status present = current_thread().space->make_present(address, sizeof(Word), abi::protection_read);
            if (!present) return fail(copy_error(present.error()));
            if (!preemption_point()) return fail(Error::interrupted);
        }
    }

    template <typename Word>
    Status wait(VirtualAddress address, Word expected, std::uint64_t deadline, abi::FutexWord word) NO_THREAD_SAFETY_ANALYSIS
    {
        TRY(place, place_of(address, sizeof(Word)));
        Bucket& bucket = bucket_of({ place.object.get(), place.offset });
        FutexWaiter waiter { &current_thread(), std::move(place.object), place.offset, &bucket, {} };
        TRY_STATUS(acquire_if_equal(bucket.lock, address, expected));
        bucket.waiters.push_back(&waiter);
        const Error result = sleep(bucket.lock, { reason_of(word), address, expected, deadline, 0 });
        for (;;) {
            Bucket* const present = waiter.bucket.load(std::memory_order_acquire);
            Guard guard(present->lock);
            if (waiter.bucket.load(std::memory_order_relaxed) != present) continue; // (1)
            const bool was_woken = !waiter.link.linked;
            present->waiters.remove(&waiter);
            if (was_woken || result == Error::none) return {}; // (2)
            return fail(result);
        }
    }

    // At most `count` of those in the bucket, first come first woken.
    std::uint64_t wake_some(Bucket& bucket, const Key& key, std::uint64_t count) REQUIRES(bucket.lock)
    {
        std::uint64_t woken = 0;
        for (FutexWaiter* waiter = bucket.waiters.first(); waiter && woken < count;) {
            FutexWaiter* const next = bucket.waiters.next(waiter);
            if (waiter->waits_for(key)) {
                bucket.waiters.remove(waiter);
                wake(*waiter->thread, Error::none);
                ++woken;
            }
            waiter = next;
        }
        return woken;
    }

} // namespace

Status futex_wait(VirtualAddress address, std::uint32_t expected, std::uint64_t deadline, abi::FutexWord word)
{
    return wait(address, expected, deadline, word);
}

Status futex_wait_wide(VirtualAddress address, std::uint64_t expected, std::uint64_t deadline)
{
    return wait(address, expected, deadline, abi::FutexWord::plain);
}

Result<std::uint64_t> futex_wake(VirtualAddress address, std::uint64_t count)
{
    TRY(place, place_of(address, sizeof(std::uint32_t)));
    const Key key { place.object.get(), place.offset };
    Bucket& bucket = bucket_of(key);
    for (std::uint64_t woken = 0;;) {
        const std::uint64_t wanted = std::min(count - woken, wakes_at_once);
        std::uint64_t now = 0;
        {
            Guard guard(bucket.lock);
            now = wake_some(bucket, key, wanted);
        }
        woken += now;
        if (now < wakes_at_once || woken == count || !preemption_point()) return woken;
    }
}

Result<std::uint64_t> futex_requeue(VirtualAddress address, std::uint32_t expected, std::uint64_t wakes,
    std::uint64_t moves, VirtualAddress target, abi::FutexWord target_word) NO_THREAD_SAFETY_ANALYSIS
{
    TRY(from, place_of(address, sizeof(std::uint32_t)));
    TRY(to, place_of(target, sizeof(std::uint32_t)));
    const Key source { from.object.get(), from.offset };
    const Key destination { to.object.get(), to.offset };
    if (source == destination) return fail(Error::invalid_argument);
    Bucket& bucket = bucket_of(source);
    Bucket& other = bucket_of(destination);
    wakes = std::min(wakes, wakes_at_once); // who moves the rest wants few awake
    TwoBuckets both(bucket, other);
    TRY_STATUS(acquire_if_equal(both, address, expected));
    const std::uint64_t target_value = read_user<std::uint32_t>(target).value_or(0); // it may be absent; only shown
    const std::uint64_t woken = wake_some(bucket, source, wakes);
    // Who has no more than one bucket's waiters to look at needs no batches: moving one is a handful of instructions.
    std::uint64_t moved = 0;
    const std::size_t present = bucket.waiters.size();
    FutexWaiter* waiter = bucket.waiters.first();
    for (std::size_t seen = 0; seen < present && moved < moves; ++seen) { // in one bucket, what moved is met again behind
        FutexWaiter* const next = bucket.waiters.next(waiter);
        if (waiter->waits_for(source)) {
            bucket.waiters.remove(waiter);
            waiter->object = Ref<MemoryObject>(to.object.get()); // the old one stays: `from` has it
            waiter->offset = to.offset;
            waiter->bucket.store(&other, std::memory_order_release);
            other.waiters.push_back(waiter);
            ++moved;
            Guard guard(waiter->thread->lock);
            waiter->thread->wait.reason = reason_of(target_word); // what it shows that it waits for
            waiter->thread->wait.object = target;
            waiter->thread->wait.value = target_value;
        }
        waiter = next;
    }
    both.release();
    return woken + moved;
}

} // namespace orrery::kernel
