// The life of a space as a whole: threads join and leave, SIGSTOP and SIGCONT hold and release it, and at last it ends.
#include <algorithm>
#include <utility>

#include "kernel/boot/registry.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/heap.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {

// Frees what a dead space holds. Also called by the destructor, for a space that never had a thread.
void AddressSpace::finish_end()
{
    for (Ref<AddressSpace> child; (child = find_unstarted_space(number, child.get()));) child->end({});
    handles.close_all();
    for (;;) {
        Removed removed;
        {
            Guard guard(lock_);
            if (mapping_count_ == 0) {
                // A handle or a CPU may keep the space long after its end.
                delete[] std::exchange(mappings_, nullptr);
                mappings_charge_.drop(heap_pages(std::exchange(mapping_capacity_, 0) * sizeof(Mapping)));
                break;
            }
            const std::size_t count = std::min(mapping_count_, Removed::most);
            remove(mapping_count_ - count, count, removed);
        }
        forget(removed);
    }
}

Status AddressSpace::join(Thread& thread)
{
    Guard guard(membership_lock);
    if (state != SpaceState::alive) return fail(Error::terminated);
    if (threads.size() >= limit(abi::SpaceLimit::threads)) return fail(Error::limit_reached);
    threads.push_back(&thread);
    started = true;
    if (stopped.load(std::memory_order_seq_cst))
        thread.hot.attention.fetch_or(attention_stop, std::memory_order_seq_cst);
    return {};
}

void AddressSpace::end(abi::ExitStatus status)
{
    bool empty = false;
    {
        Guard guard(membership_lock);
        if (state != SpaceState::alive) return;
        exit_status = status.word();
        empty = threads.empty();
        state = empty ? SpaceState::ended : SpaceState::ending;
        for (Thread* thread = threads.first(); thread; thread = threads.next(thread)) {
            set_attention(*thread, attention_end);
            wake(*thread, Error::interrupted);
        }
    }
    ORRERY_TRACE(space, ended, 0, number, status.word(), 0);
    if (!empty) return;
    finish_end();
    Guard guard(waiters_lock_);
    while (Waiter* waiter = waiters_.pop_front()) wake(*waiter->thread, Error::none);
}

void AddressSpace::stop_threads()
{
    stopped.store(true, std::memory_order_seq_cst);
    for (Thread* thread = threads.first(); thread; thread = threads.next(thread))
        set_attention(*thread, attention_stop);
}

// POSIX 2.4.1: a stop signal discards SIGCONT that is pending anywhere in the process, and the other way round.
void AddressSpace::discard_pending(std::uint32_t bits)
{
    for (Thread* thread = threads.first(); thread; thread = threads.next(thread))
        if (abi::ThreadControl* control = __atomic_load_n(&thread->control_page, __ATOMIC_SEQ_CST)) {
            Guard guard(thread->signal_lock);
            if (control->words[0].pending() & bits) control->words[0].clear(bits);
        }
    Guard guard(signal_lock);
    early_pending &= ~std::uint64_t { bits };
    if (abi::ProcessControl* process = process_page.load())
        process->pending.fetch_and(~std::uint64_t { bits }, std::memory_order_seq_cst);
}

void AddressSpace::stop()
{
    Guard guard(membership_lock);
    stop_threads();
}

void AddressSpace::stop_unless_continued(std::uint32_t seen)
{
    Guard guard(membership_lock);
    if (continued == seen) stop_threads();
}

void AddressSpace::discard_for(int number)
{
    constexpr std::uint32_t stop_bits
        = abi::signal_bit(19) | abi::signal_bit(20) | abi::signal_bit(21) | abi::signal_bit(22);
    Guard guard(membership_lock);
    discard_pending(number == abi::signal_continue ? stop_bits : abi::signal_bit(abi::signal_continue));
}

void AddressSpace::proceed()
{
    Guard guard(membership_lock);
    ++continued;
    if (abi::ProcessControl* process = process_page.load())
        process->continued.store(continued, std::memory_order_seq_cst);
    {
        Guard also(waiters_lock_);
        stopped.store(false, std::memory_order_seq_cst);
    }
    for (Thread* thread = threads.first(); thread; thread = threads.next(thread)) wake_if(*thread, WaitReason::stopped);
}

// The flag is tested and the sleep begun under waiters_lock_, under which proceed() clears the flag: whoever finds it
// set is blocked before proceed() looks for sleepers.
void AddressSpace::park_while_stopped()
{
    for (;;) {
        waiters_lock_.acquire();
        if (!stopped.load(std::memory_order_relaxed) || must_end(current_thread())) {
            waiters_lock_.release();
            return;
        }
        (void)sleep(waiters_lock_, { WaitReason::stopped, number, 0, abi::no_deadline, 0 });
    }
}

void AddressSpace::thread_left(Thread& thread)
{
    bool last = false;
    {
        Guard guard(membership_lock);
        threads.remove(&thread);
        last = threads.empty();
        if (last && state == SpaceState::alive) state = SpaceState::ending; // nobody joins what is being taken down
    }
    if (!last) return;
    finish_end();
    {
        Guard guard(membership_lock);
        state = SpaceState::ended;
    }
    Guard guard(waiters_lock_);
    while (Waiter* waiter = waiters_.pop_front()) wake(*waiter->thread, Error::none);
}

Result<abi::ExitStatus> AddressSpace::wait_for_end(std::uint64_t deadline)
{
    Waiter waiter { &current_thread(), {} };
    for (;;) {
        waiters_lock_.acquire();
        if (state.load(std::memory_order_acquire) == SpaceState::ended) {
            waiters_lock_.release();
            return abi::ExitStatus::from_word(exit_status.load(std::memory_order_relaxed));
        }
        waiters_.push_back(&waiter);
        const Error result = sleep(waiters_lock_, { WaitReason::space_end, number, 0, deadline, 0 });
        {
            Guard guard(waiters_lock_);
            waiters_.remove(&waiter);
        }
        if (result != Error::none) return fail(result);
    }
}

} // namespace orrery::kernel
