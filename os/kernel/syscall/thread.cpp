// System calls on threads.
#include "kernel/memory/address_space.h"
#include "kernel/memory/reclaim.h"
#include "kernel/memory/user_access.h"
#include "kernel/signal/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/thread_end.h"
#include "kernel/thread/futex.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {

    // What a program may do with its own threads.
    constexpr std::uint32_t thread_rights
        = abi::right_signal | abi::right_wait | abi::right_duplicate | abi::right_manage;

    Result<abi::Handle> create(abi::Handle handle, const Thread::Start& start)
    {
        AddressSpace& own = *current_thread().space;
        TRY(space, own.handles.find<AddressSpace>(handle, abi::right_manage));
        TRY(thread, with_reclaim([&] { return Thread::create(space, start); }));
        thread->hot.filter = current_thread().hot.filter; // or a thread could make another one that may do more
        // The handle first: a thread that runs although the call failed would be out of anybody's reach.
        TRY(inserted, own.handles.insert(thread, thread_rights));
        if (const Status started = thread->start(); !started) {
            (void)own.handles.close(inserted);
            return fail(started.error());
        }
        return inserted;
    }

    Status change_priority(abi::Handle handle, std::uint64_t priority)
    {
        TRY(thread, current_thread().space->handles.find<Thread>(handle, abi::right_manage));
        if (priority >= abi::priority_count) return fail(Error::invalid_argument);
        if (priority > thread->space->limit(abi::SpaceLimit::priority)) return fail(Error::access_denied);
        set_own_priority(*thread, static_cast<unsigned>(priority));
        return {};
    }

    Status change_affinity(abi::Handle handle, std::uint64_t cpu_set)
    {
        TRY(thread, current_thread().space->handles.find<Thread>(handle, abi::right_manage));
        return set_allowed_cpus(*thread, cpu_set);
    }

} // namespace

SyscallValue syscall_thread_set_priority(
    std::uint64_t thread, std::uint64_t priority, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(change_priority(to_handle(thread), priority));
}

SyscallValue syscall_thread_set_affinity(
    std::uint64_t thread, std::uint64_t cpu_set, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(change_affinity(to_handle(thread), cpu_set));
}

void end_thread()
{
    Thread& thread = current_thread();
    if (thread.exit_word != 0) {
        const std::uint32_t zero = 0;
        // A bad address hurts only the program that gave it: nobody is woken.
        if (copy_to_user(thread.exit_word, &zero, sizeof(zero))) (void)futex_wake(thread.exit_word, UINT64_MAX);
    }
    {
        Guard guard(thread.signal_lock);
        cancel_timer(thread.signal_timer);
        thread.signal_timer_interval = 0;
    }
    ORRERY_TRACE(thread, ended, 0, thread.number, thread.space->number, 0);
    thread.space->thread_left(thread);
    hand_on_process_signals(thread, true);
    end_current_thread();
}

SyscallValue syscall_thread_yield(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    schedule();
    return 0;
}

SyscallValue syscall_thread_create(
    std::uint64_t space, std::uint64_t entry, std::uint64_t stack_pointer, std::uint64_t argument,
    std::uint64_t thread_pointer, std::uint64_t)
{
    return to_value(create(to_handle(space), { entry, stack_pointer, argument, thread_pointer }));
}

SyscallValue syscall_thread_self(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    Thread& self = current_thread();
    return to_value(self.space->handles.insert(Ref<Thread>(&self), thread_rights));
}

SyscallValue syscall_thread_filter(
    std::uint64_t allowed, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    current_thread().hot.filter &= allowed;
    return 0;
}

SyscallValue syscall_thread_end(
    std::uint64_t exit_word, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    current_thread().exit_word = exit_word % 4 == 0 ? exit_word : 0;
    end_thread();
}

} // namespace orrery::kernel
