// Futex buckets.
#include "kernel/thread/futex.h"

#include "kernel/memory/address_space.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    struct FutexWaiter {
        Thread* thread;
        PhysicalAddress key;
        ListLink<FutexWaiter> link;
    };

    struct Bucket {
        Spinlock lock { LockRank::futex };
        List<FutexWaiter, &FutexWaiter::link> waiters GUARDED_BY(lock);
    };
    constexpr std::size_t bucket_count = 256;
    Bucket buckets[bucket_count];

    Bucket& bucket_of(PhysicalAddress key) { return buckets[(key >> 2 ^ key >> 12) % bucket_count]; }

    class PinnedWord { // keeps the word's frame while its physical address is used as a key
    public:
        explicit PinnedWord(Frame* frame, VirtualAddress address)
            : frame_(frame), key_(frame_allocator.address_of(frame) + address % page_size)
        {
        }
        ~PinnedWord() { frame_allocator.release(frame_); }
        PinnedWord(const PinnedWord&) = delete;
        PinnedWord& operator=(const PinnedWord&) = delete;
        PhysicalAddress key() const { return key_; }
        std::uint32_t value() const
        {
            return __atomic_load_n(static_cast<const std::uint32_t*>(to_virtual(key_)), __ATOMIC_SEQ_CST);
        }

    private:
        Frame* frame_;
        PhysicalAddress key_;
    };

} // namespace

Status futex_wait(VirtualAddress address, std::uint32_t expected, std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    if (address % 4 != 0) return fail(Error::invalid_argument);
    TRY(frame, current_thread().space->pin(address, abi::protection_read));
    PinnedWord word(frame, address);
    Bucket& bucket = bucket_of(word.key());
    FutexWaiter waiter { &current_thread(), word.key(), {} };
    bucket.lock.acquire();
    if (word.value() != expected) {
        bucket.lock.release();
        return fail(Error::would_block);
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
    TRY(frame, current_thread().space->pin(address, abi::protection_read));
    const PinnedWord word(frame, address);
    Bucket& bucket = bucket_of(word.key());
    std::uint64_t woken = 0;
    Guard guard(bucket.lock);
    for (FutexWaiter* waiter = bucket.waiters.first(); waiter && woken < count;) {
        FutexWaiter* next = bucket.waiters.next(waiter);
        if (waiter->key == word.key()) {
            bucket.waiters.remove(waiter);
            wake(*waiter->thread, Error::none);
            ++woken;
        }
        waiter = next;
    }
    return woken;
}

} // namespace orrery::kernel
