#include "inspector/core/session/keeper_process.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::inspector::keeper_process {

namespace {
constexpr int grace_milliseconds = 2000; // QEMU ends within 10 ms of SIGTERM, unless it hangs
constexpr int look_milliseconds = 50; // between two looks, on a kernel without pidfd

void tell(int status, Message::Kind kind, int number)
{
    const Message message { kind, number };
    [[maybe_unused]] const auto written = ::write(status, &message, sizeof message);
}

bool is_kept(int number, const Order& order, bool for_child)
{
    if (number == order.status) return true; // closes at exec
    if (!for_child && number == order.lifeline) return true;
    if (for_child && (number == order.standard_error || number == order.null_device)) return true;
    for (std::size_t i = 0; for_child && i < order.inherited_count; ++i)
        if (order.inherited[i] == number) return true;
    return false;
}

// Sockets of the parent's other work must not stay open here, or their peers would never see an end.
void close_all_but_kept(const Order& order, bool for_child, int highest)
{
    for (int number = for_child ? 3 : 0; number <= highest; ++number)
        if (!is_kept(number, order, for_child)) ::close(number);
    ::syscall(SYS_close_range, static_cast<unsigned>(highest + 1), ~0u, 0u);
}

int highest_kept(const Order& order)
{
    int highest = 2;
    const auto raise = [&](int number) { highest = number > highest ? number : highest; };
    raise(order.standard_error);
    raise(order.null_device);
    raise(order.lifeline);
    raise(order.status);
    for (std::size_t i = 0; i < order.inherited_count; ++i)
        raise(order.inherited[i]);
    return highest;
}

[[noreturn]] void become_child(const Order& order, pid_t keeper)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) ::_exit(127); // it died before the line above
    ::dup2(order.null_device, 0);
    ::dup2(order.standard_output_too ? order.standard_error : order.null_device, 1);
    ::dup2(order.standard_error, 2);
    for (std::size_t i = 0; i < order.inherited_count; ++i)
        ::fcntl(order.inherited[i], F_SETFD, 0);
    ::fcntl(order.status, F_SETFD, FD_CLOEXEC);
    tell(order.status, Message::Kind::started, ::getpid()); // by the child, so that it comes before a failure
    ::execv(order.arguments[0], order.arguments);
    tell(order.status, Message::Kind::cannot_execute, errno);
    ::_exit(127);
}

void reset_signals()
{
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// True when the child has ended within the time; `lifeline` < 0: only the child is watched.
bool wait_for_child(pid_t child, int pidfd, int lifeline, int milliseconds, bool& asked, int& status)
{
    int left = milliseconds;
    while (true) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) return true;
        if (left == 0) return false;
        pollfd polled[2] = { { lifeline, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
        const int slice = pidfd >= 0 ? left : (left < 0 || left > look_milliseconds ? look_milliseconds : left);
        const int ready = ::poll(polled, 2, slice);
        if (ready == 0 && left > 0) left -= slice;
        if (ready > 0 && lifeline >= 0 && polled[0].revents != 0) {
            asked = true;
            return false;
        }
    }
}
} // namespace

void run(const Order& order)
{
    // Away from the terminal: ^C there is for the front end, which then decides.
    ::setsid();
    ::prctl(PR_SET_NAME, "orrery-keeper");
    reset_signals();
    const int highest = highest_kept(order);

    const pid_t keeper = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        close_all_but_kept(order, true, highest);
        become_child(order, keeper);
    }
    if (child < 0) {
        tell(order.status, Message::Kind::cannot_execute, errno);
    } else {
        ::signal(SIGPIPE, SIG_IGN); // the parent may be gone when it is told of the end
        close_all_but_kept(order, false, highest);
        const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
        int status = 0;
        bool asked = false;
        if (!wait_for_child(child, pidfd, order.lifeline, -1, asked, status) && asked) {
            ::kill(child, SIGTERM);
            if (!wait_for_child(child, pidfd, -1, grace_milliseconds, asked, status)) {
                ::kill(child, SIGKILL);
                wait_for_child(child, pidfd, -1, -1, asked, status);
            }
        }
        // Files first: who hears of the end may look for them.
        for (std::size_t i = 0; i < order.file_count; ++i)
            if (::unlink(order.files[i]) != 0 && errno == EISDIR) ::rmdir(order.files[i]);
        if (WIFSIGNALED(status))
            tell(order.status, Message::Kind::killed, WTERMSIG(status));
        else
            tell(order.status, Message::Kind::exited, WEXITSTATUS(status));
    }
    ::_exit(0);
}

} // namespace orrery::inspector::keeper_process
