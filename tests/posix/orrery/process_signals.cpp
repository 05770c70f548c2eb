// Signals between processes, by handle and by number, and how processes end: Orrery only, because processes are made
// with its spawn. The program starts itself again as the other process.
#include "../check.h"

#include "abi/phase.h"
#include "common/ustar.h"
#include "posix/process/initrd.h"
#include "posix/process/spawn.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

#include "posix/signal/delivery.h"
#include <cerrno>
#include <pthread.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <orrery/orrery.h>
#include <sched.h>
#include <unistd.h>

namespace {

using namespace orrery;

volatile sig_atomic_t handled = 0;
siginfo_t seen;
void note(int, siginfo_t* info, void*)
{
    seen = *info;
    handled = handled + 1;
}

void install(int number)
{
    struct sigaction action {};
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
}

std::span<const std::byte> initrd;
std::uint32_t next_number = 100;

process::SpawnedProcess start(const char* role)
{
    const auto file = common::UstarArchive(initrd).find("test-process-signals");
    const char* const arguments[] = { "test-process-signals", role };
    const process::GivenHandle handles[] = {
        { abi::Auxiliary::console_handle, runtime::process_state.console, abi::right_write },
        { abi::Auxiliary::parent_space_handle, runtime::process_state.space, abi::right_signal },
    };
    const abi::AuxiliaryEntry entries[] = {
        { static_cast<std::uint64_t>(abi::Auxiliary::parent_process_id), static_cast<std::uint64_t>(getpid()) },
    };
    const auto process = process::spawn({ .file = file.value(),
        .arguments = arguments,
        .environment = {},
        .handles = handles,
        .auxiliary = entries,
        .process_id = next_number++ });
    if (!process) {
        std::printf("spawning failed: %s\n", process.error().sentence());
        std::exit(99);
    }
    return *process;
}

abi::ExitStatus end_of(const process::SpawnedProcess& process)
{
    const auto status = process::wait_for_end(process);
    CHECK(status.has_value());
    return status.value_or(abi::ExitStatus { .code = 255, .signal = 255 });
}

// Waits with the signal blocked from before the other process starts, so that none can be missed.
void wait_for_handler()
{
    sigset_t none;
    sigemptyset(&none);
    while (handled == 0)
        sigsuspend(&none);
}

void set_blocked(int number, bool blocked)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

void a_child_signals_its_parent()
{
    install(SIGUSR1);
    set_blocked(SIGUSR1, true);
    const auto child = start("signal-parent");
    wait_for_handler();
    CHECK_EQUAL(seen.si_code, SI_QUEUE);
    CHECK_EQUAL(seen.si_value.sival_int, 321);
    CHECK_EQUAL(seen.si_pid, static_cast<pid_t>(child.process_id));
    CHECK_EQUAL(end_of(child).shell_status(), 0);
    set_blocked(SIGUSR1, false);
}

void a_parent_ends_its_child()
{
    for (const int number : { SIGTERM, SIGKILL, SIGUSR2 }) {
        install(SIGUSR1);
        set_blocked(SIGUSR1, true);
        const auto child = start("wait");
        wait_for_handler(); // it is up
        CHECK_EQUAL(
            number == SIGUSR2 ? orrery_kill(child.space, number) : kill(static_cast<pid_t>(child.process_id), number),
            0);
        const abi::ExitStatus status = end_of(child);
        CHECK_EQUAL(status.signal, number);
        CHECK_EQUAL(status.shell_status(), 128 + number);
        set_blocked(SIGUSR1, false);
    }
}

void a_child_that_busily_loops_can_be_ended()
{
    install(SIGUSR1);
    set_blocked(SIGUSR1, true);
    for (const char* role : { "loop", "loop-inhibited" }) {
        handled = 0;
        const auto child = start(role);
        wait_for_handler();
        CHECK_EQUAL(orrery_kill(child.space, SIGKILL), 0);
        CHECK_EQUAL(end_of(child).signal, SIGKILL);
    }
    set_blocked(SIGUSR1, false);
}

void a_stopped_child_goes_on(const char* role)
{
    install(SIGUSR1);
    set_blocked(SIGUSR1, true);
    const auto child = start(role);
    wait_for_handler(); // it is up and sends SIGUSR1 every now and then
    for (const int number : { SIGSTOP, SIGTSTP }) {
        CHECK_EQUAL(orrery_kill(child.space, number), 0);
        // Until nothing more comes: two quiet periods in a row, each much longer than the child's.
        const timespec period { .tv_sec = 0, .tv_nsec = 60'000'000 };
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        int quiet = 0;
        for (int i = 0; i < 50 && quiet < 2; i++)
            quiet = sigtimedwait(&set, nullptr, &period) == -1 ? quiet + 1 : 0;
        CHECK_EQUAL(quiet, 2);
        CHECK_EQUAL(orrery_kill(child.space, SIGCONT), 0);
        siginfo_t info {};
        CHECK_EQUAL(sigwaitinfo(&set, &info), SIGUSR1); // it goes on
    }
    CHECK_EQUAL(orrery_kill(child.space, SIGSTOP), 0);
    CHECK_EQUAL(orrery_kill(child.space, SIGKILL), 0); // a stopped process can be killed
    CHECK_EQUAL(end_of(child).signal, SIGKILL);
    set_blocked(SIGUSR1, false);
}

void a_stopped_child_goes_on() { a_stopped_child_goes_on("count"); }
void a_stopped_child_stops_with_all_its_threads() { a_stopped_child_goes_on("count-in-thread"); }

void how_a_process_ends_is_seen()
{
    const struct {
        const char* role;
        int code;
        int signal;
    } ends[] = { { "exit-7", 7, 0 }, { "abort", 0, SIGABRT }, { "null-write", 0, SIGSEGV }, { "illegal", 0, SIGILL },
        { "divide", 0, SIGFPE }, { "blocked-fault", 0, SIGSEGV }, { "ignored-fault", 0, SIGSEGV },
        { "overflow", 0, SIGSEGV }, { "bad-state", 0, SIGSEGV } };
    for (const auto& end : ends) {
        const abi::ExitStatus status = end_of(start(end.role));
        if (status.code != end.code || status.signal != end.signal)
            std::printf("%s: status %d, signal %d\n", end.role, status.code, status.signal);
        CHECK_EQUAL(status.code, end.code);
        CHECK_EQUAL(status.signal, end.signal);
    }
}

void what_is_gone_cannot_be_signalled()
{
    const auto child = start("exit-7");
    while (kill(static_cast<pid_t>(child.process_id), 0) == 0)
        sched_yield();
    CHECK_EQUAL(errno, ESRCH);
    end_of(child);
    errno = 0;
    CHECK_EQUAL(kill(static_cast<pid_t>(child.process_id), SIGTERM), -1);
    CHECK_EQUAL(errno, ESRCH);
    errno = 0;
    CHECK_EQUAL(orrery_kill(0, SIGTERM), -1);
    CHECK_EQUAL(errno, EBADF);
    errno = 0;
    CHECK_EQUAL(orrery_kill(runtime::process_state.console, SIGTERM), -1);
    CHECK(errno == EBADF || errno == EPERM);
    errno = 0;
    CHECK_EQUAL(kill(getpid(), SIGRTMIN), -1);
    CHECK_EQUAL(errno, ENOSYS); // not provided yet, and says so
}

// Of two that merge the first keeps its information, also if the thread itself is the second sender.
void a_raise_does_not_replace_what_was_pending()
{
    install(SIGALRM);
    set_blocked(SIGALRM, true);
    CHECK_EQUAL(orrery_signal_timer(1, 0, SIGALRM), 0); // long ago: at once, at this thread
    sigset_t pending;
    do
        sigpending(&pending);
    while (sigismember(&pending, SIGALRM) != 1);
    raise(SIGALRM);
    set_blocked(SIGALRM, false);
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen.si_code, SI_TIMER);
}

// The thread's own flight recorder tells the whole way of a signal that never entered the kernel, in order.
void the_recorder_tells_the_way_of_a_signal()
{
    install(SIGUSR1);
    const abi::ThreadControl& control = *runtime::thread_control();
    orrery_trace_enable(1);
    const std::uint64_t first = control.user_trace_next.load();
    raise(SIGUSR1);
    orrery_trace_enable(0);
    const abi::Phase wanted[] = { abi::Phase::signal_raised, abi::Phase::signal_framed, abi::Phase::signal_handled,
        abi::Phase::signal_returned, abi::Phase::signal_resumed };
    CHECK_EQUAL(control.user_trace_next.load() - first, std::size(wanted));
    std::uint64_t time = 0;
    for (std::uint64_t i = 0; i < std::size(wanted); i++) {
        const abi::UserTraceRecord& record = control.user_trace[(first + i) % abi::user_trace_capacity];
        CHECK_EQUAL(record.sequence, first + i + 1);
        CHECK_EQUAL(record.phase, static_cast<std::uint32_t>(wanted[i]));
        CHECK_EQUAL(record.arguments[1], static_cast<std::uint64_t>(SIGUSR1));
        CHECK(record.time >= time);
        time = record.time;
    }
}

volatile int never = 0;
int use_stack(int depth)
{
    volatile char room[2048];
    room[0] = static_cast<char>(depth);
    return never != 0 ? depth : use_stack(depth + 1) + room[0];
}

void break_state(int, siginfo_t*, void* context)
{
    static_cast<ucontext_t*>(context)->uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(
        reinterpret_cast<char*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs) + 8);
}

int tell_parent()
{
    sigval value {};
    value.sival_int = 321;
    return sigqueue(getppid(), SIGUSR1, value);
}

void* count_for_ever(void* beside_the_first)
{
    if (beside_the_first != nullptr) set_blocked(SIGTSTP, true);
    while (true) {
        tell_parent();
        const timespec time { .tv_sec = 0, .tv_nsec = 5'000'000 };
        nanosleep(&time, nullptr);
    }
}

// What the other process does. Returns its exit status, if it gets so far.
int play(const char* role)
{
    const auto is = [&](const char* name) { return std::strcmp(role, name) == 0; };
    if (is("signal-parent")) return tell_parent();
    if (is("exit-7")) return 7;
    if (is("abort")) std::abort();
    if (is("null-write")) *reinterpret_cast<volatile int*>(never) = 1;
    if (is("illegal")) asm volatile("ud2");
    if (is("divide")) asm volatile("xorl %%ecx, %%ecx\n idivl %%ecx" ::: "eax", "ecx", "edx");
    if (is("blocked-fault")) {
        set_blocked(SIGSEGV, true);
        *reinterpret_cast<volatile int*>(never) = 1;
    }
    if (is("ignored-fault")) {
        ::signal(SIGSEGV, SIG_IGN);
        *reinterpret_cast<volatile int*>(never) = 1;
    }
    if (is("overflow")) return use_stack(0);
    if (is("bad-state")) {
        struct sigaction action {};
        action.sa_sigaction = break_state;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGUSR1, &action, nullptr);
        raise(SIGUSR1);
    }
    if (is("wait")) {
        tell_parent();
        while (true)
            pause();
    }
    if (is("loop")) {
        tell_parent();
        while (never == 0) { }
    }
    if (is("loop-inhibited")) {
        tell_parent();
        const orrery::signal::InhibitSection section;
        while (never == 0) { }
    }
    if (is("count")) count_for_ever(nullptr);
    if (is("count-in-thread")) { // the first thread takes the stop signals, and they hold the other one too
        pthread_t thread {};
        if (pthread_create(&thread, nullptr, count_for_ever, &thread) != 0) return 97;
        while (true)
            pause();
    }
    return 98;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc > 1) return play(argv[1]);
    const auto mapped = process::map_initrd();
    if (!mapped) {
        std::printf("no initrd: %s\n", abi::sentence(mapped.error()));
        return 99;
    }
    initrd = *mapped;
    constexpr posix_test::Test tests[] = {
        { "a child signals its parent", a_child_signals_its_parent },
        { "a parent ends its child", a_parent_ends_its_child },
        { "a child that busily loops can be ended", a_child_that_busily_loops_can_be_ended },
        { "a stopped child goes on", a_stopped_child_goes_on },
        { "a stopped child stops with all its threads", a_stopped_child_stops_with_all_its_threads },
        { "how a process ends is seen", how_a_process_ends_is_seen },
        { "a raise does not replace what was pending", a_raise_does_not_replace_what_was_pending },
        { "the recorder tells the way of a signal", the_recorder_tells_the_way_of_a_signal },
        { "what is gone cannot be signalled", what_is_gone_cannot_be_signalled },
    };
    return posix_test::run(tests);
}
