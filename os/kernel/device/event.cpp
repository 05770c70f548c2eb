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

void Event::close()
{
    Guard guard(lock_);
    closed_ = true;
    for (Waiter* waiter = waiters_.first(); waiter; waiter = waiters_.next(waiter))
        wake(*waiter->thread, Error::peer_closed);
}

Result<std::uint64_t> Event::wait(std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    Waiter waiter { &current_thread(), {} };
    lock_.acquire();
    waiters_.push_back(&waiter);
    for (;;) {
        if (const std::uint64_t count = std::exchange(count_, 0)) {
            waiters_.remove(&waiter);
            const bool others_wait = !waiters_.empty();
            lock_.release();
            if (others_wait) wanted(); // they may have said so before this count came
            return count;
        }
        if (closed_) {
            waiters_.remove(&waiter);
            lock_.release();
            return fail(Error::peer_closed);
        }
        lock_.release();
        wanted(); // before every sleep; whoever takes a count that comes now finds this one in the list
        lock_.acquire();
        if (count_ != 0 || closed_) continue;
        const Error result = sleep(lock_, { WaitReason::event, number, 0, deadline, 0 });
        lock_.acquire();
        if (result == Error::none) continue;
        waiters_.remove(&waiter);
        // Woken for a count that it does not take: the next one shall.
        if (Waiter* const next = waiters_.first(); next && count_ != 0) wake(*next->thread, Error::none);
        lock_.release();
        return fail(result);
    }
}

} // namespace orrery::kernel
