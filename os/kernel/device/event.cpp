// Events: counting and waiting.
#include "kernel/device/event.h"

#include <new>

#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {
    std::atomic<std::uint32_t> next_number { 1 };
}

std::uint32_t Event::new_number() { return next_number.fetch_add(1, std::memory_order_relaxed); }

Result<Ref<Event>> Event::create()
{
    auto* event = new (std::nothrow) Event(new_number());
    if (!event) return fail(Error::out_of_memory);
    return Ref<Event>::adopt(event);
}

void Event::signal()
{
    Guard guard(lock_);
    if (count_ != UINT64_MAX) ++count_;
    if (Waiter* const first = waiters_.first()) { // it stays in the list until it runs, so that the next signal wakes it again
        wake(*first->thread, Error::none);
    }
}

Result<std::uint64_t> Event::wait(std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    Waiter waiter { &current_thread(), {} };
    wanted();
    for (;;) {
        lock_.acquire();
        if (const std::uint64_t count = std::exchange(count_, 0)) {
            lock_.release();
            return count;
        }
        waiters_.push_back(&waiter);
        const Error result = sleep(lock_, { WaitReason::event, number, 0, deadline, 0 });
        {
            Guard guard(lock_);
            waiters_.remove(&waiter);
            // Woken for a count that it does not take: the next one shall.
            if (result != Error::none && count_ != 0)
                if (Waiter* const next = waiters_.first()) wake(*next->thread, Error::none);
        }
        if (result != Error::none) return fail(result);
    }
}

} // namespace orrery::kernel
