// Sending signals: POSIX.1-2024 raise, kill, killpg, sigqueue, abort; and Orrery's own, by handle.
#include "posix/runtime/syscall.h"
#include "posix/signal/delivery.h"
#include "posix/signal/peers.h"
#include "posix/signal/trace.h"

#include "abi/handle.h"
#include "abi/phase_probe.h"

#include <cerrno>
#include <cstdlib>
#include <orrery/orrery.h>
#include <signal.h>

namespace orrery::signal {
namespace {

int fail(int error)
{
    errno = error;
    return -1;
}

// SignalWord::raise for who only wants to know whether the signal was pending: then one instruction does it.
bool set_pending(abi::SignalWord& word, int number)
{
    bool was_pending;
    asm volatile("lock btsl %2, %0" : "+m"(word), "=@ccc"(was_pending) : "r"(number - 1) : "memory");
    return was_pending;
}

int send(std::uint32_t handle, int number, abi::SignalCode code, std::uint64_t value)
{
    if (number < 0 || number > abi::signal_count) return fail(EINVAL);
    const abi::SignalInfo info {
        .code = static_cast<std::int32_t>(code),
        .status = 0,
        .process_id = runtime::process_state.process_id,
        .user_id = 0,
        .value = value,
        .address = 0,
        .cause = 0,
    };
    const std::int64_t result = runtime::raw::signal_raise(handle, number, &info);
    if (runtime::failed_with(result, abi::Error::terminated)) return fail(ESRCH);
    return static_cast<int>(runtime::posix_result(result));
}

// Handle of the process that this one calls `pid`: 0 and its own number are itself.
std::uint32_t handle_of(pid_t pid)
{
    if (pid == 0 || pid == static_cast<pid_t>(runtime::process_state.process_id)) return runtime::process_state.space;
    return peer_handle(static_cast<std::uint32_t>(pid));
}

int send_to_pid(pid_t pid, int number, abi::SignalCode code, std::uint64_t value)
{
    const std::uint32_t handle = handle_of(pid);
    if (handle == abi::no_handle) return fail(ESRCH);
    // POSIX kill: a signal that a process sends to itself, and that it allows, is delivered before kill returns. It is:
    // the kernel finds it on this very return.
    return send(handle, number, code, value);
}

} // namespace

// A standard signal to the calling thread, by one locked OR and no system call (but for job control).
extern "C" int raise(int number)
{
    if (number < 1 || number > abi::signal_count) return fail(EINVAL);
    if (number > abi::standard_signal_count) return fail(ENOSYS);
    abi::ThreadControl& control = *runtime::thread_control();
    if (abi::is_job_control_signal(number)) [[unlikely]] // they concern the whole process, so the kernel has a part in them
        return send(control.thread_handle != 0 ? control.thread_handle : runtime::process_state.space, number,
            abi::SignalCode::thread, 0);
    const std::uint32_t bit = abi::signal_bit(number);

    // An InhibitSection by hand, as in sigprocmask.
    const bool outermost = control.inhibit_depth == 0;
    store_in_order(control.inhibit, 1);
    // The first of two that merge keeps its information: self_raised says "no slot, it was me", so it may be set only
    // if nothing was pending. Inhibit keeps the signal from being taken between the two steps.
    if (!set_pending(control.words[0], number)) {
        control.self_raised |= bit;
        ORRERY_USER_PHASE(control, signal, raised, 0, control.thread_number, number, control.thread_number);
    } else {
        ORRERY_USER_PHASE(control, signal, merged, 0, control.thread_number, number, control.thread_number);
    }
    const bool deliver = (control.words[0].allowset() & bit) != 0;
    if (outermost) [[likely]]
        leave_inhibit(control, deliver);
    else if (deliver)
        __atomic_store_n(&control.deferred_at, noticed_by_section, __ATOMIC_RELAXED);
    return 0;
}

extern "C" int kill(pid_t pid, int number)
{
    // Process groups and "everybody" are the process manager's; there is none yet.
    if (pid < 0) return fail(ENOSYS);
    return send_to_pid(pid, number, abi::SignalCode::user, 0);
}

extern "C" int killpg(pid_t group, int number)
{
    return group == 0 || group == static_cast<pid_t>(runtime::process_state.process_id) ? kill(0, number) : fail(ESRCH);
}

extern "C" int sigqueue(pid_t pid, int number, union sigval value)
{
    if (pid <= 0) return fail(pid == 0 ? ESRCH : EINVAL);
    return send_to_pid(pid, number, abi::SignalCode::queue, reinterpret_cast<std::uint64_t>(value.sival_ptr));
}

extern "C" int orrery_kill(orrery_handle_t target, int number)
{
    return send(target, number, abi::SignalCode::user, 0);
}

extern "C" int orrery_sigqueue(orrery_handle_t target, int number, union sigval value)
{
    return send(target, number, abi::SignalCode::queue, reinterpret_cast<std::uint64_t>(value.sival_ptr));
}

// POSIX abort: unblocks SIGABRT, raises it; if a handler returns, the default action comes all the same.
extern "C" void abort()
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    raise(SIGABRT);
    runtime::end_by_signal(SIGABRT);
}

} // namespace orrery::signal
