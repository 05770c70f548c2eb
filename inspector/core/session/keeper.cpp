#include "inspector/core/session/keeper.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "inspector/core/session/keeper_process.h"
#include "inspector/core/wait.h"

namespace orrery::inspector {

struct Keeper::Message : keeper_process::Message { };

Result<std::unique_ptr<Keeper>> Keeper::start(const Order& order)
{
    const auto system_error = [](const char* what) {
        return failure(ErrorCode::system, std::string("can't start a process: ") + what + ": " + std::strerror(errno));
    };
    int lifeline[2], status[2];
    if (::pipe2(lifeline, O_CLOEXEC) != 0) return system_error("no pipe");
    Descriptor lifeline_read { lifeline[0] }, lifeline_write { lifeline[1] };
    if (::pipe2(status, O_CLOEXEC) != 0) return system_error("no pipe");
    Descriptor status_read { status[0] }, status_write { status[1] };
    const Descriptor null_device { ::open("/dev/null", O_RDWR | O_CLOEXEC) };
    if (!null_device) return system_error("no /dev/null");

    auto arguments = order.arguments;
    std::vector<char*> argument_pointers;
    for (auto& argument : arguments)
        argument_pointers.push_back(argument.data());
    argument_pointers.push_back(nullptr);
    std::vector<const char*> file_pointers;
    for (const auto& file : order.files)
        file_pointers.push_back(file.c_str());
    const keeper_process::Order prepared { argument_pointers.data(), order.inherited.data(), order.inherited.size(),
        order.standard_error >= 0 ? order.standard_error : null_device.get(), null_device.get(), file_pointers.data(),
        file_pointers.size(), lifeline_read.get(), status_write.get(), order.standard_output_too };

    // No signal handler of ours may run in the keeper before it has put them away.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t keeper = ::fork();
    if (keeper == 0) keeper_process::run(prepared);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    if (keeper < 0) return system_error("fork");
    status_write.reset();
    lifeline_read.reset();

    std::unique_ptr<Keeper> result(new Keeper(keeper, std::move(lifeline_write), std::move(status_read)));
    ::fcntl(result->status_.get(), F_SETFL, O_NONBLOCK);
    const auto first = result->receive(deadline_in(std::chrono::seconds { 10 }));
    if (!first || first->kind != keeper_process::Message::Kind::started) {
        errno = first ? first->number : ETIMEDOUT;
        return system_error("fork");
    }
    result->child_ = first->number;
    return result;
}

Keeper::~Keeper() { terminate(); }

std::optional<Keeper::Message> Keeper::receive(Deadline deadline)
{
    while (true) {
        Message message;
        const auto count = ::read(status_.get(), &message, sizeof message); // so small a message comes whole
        if (count == sizeof message) return message;
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            // Killed itself: QEMU died with it (PR_SET_PDEATHSIG).
            return Message { { keeper_process::Message::Kind::killed, SIGKILL } };
        }
        const auto ready = wait_for({ status_.get() }, POLLIN, deadline);
        if (!ready || *ready != WaitResult::ready) return std::nullopt;
    }
}

std::optional<Keeper::Exit> Keeper::wait(Deadline deadline)
{
    if (exit_) return exit_;
    const auto message = receive(deadline);
    if (!message) return std::nullopt;
    using Kind = keeper_process::Message::Kind;
    switch (message->kind) {
    case Kind::exited: exit_ = Exit { false, message->number }; break;
    case Kind::cannot_execute: exit_ = Exit { false, 127, message->number }; break;
    case Kind::killed:
    case Kind::started: exit_ = Exit { true, message->number }; break;
    }
    reap();
    return exit_;
}

Keeper::Exit Keeper::terminate()
{
    lifeline_.reset();
    // The keeper's own grace is two seconds; it can't be held up by anything but a machine that stands still.
    auto exit = wait(deadline_in(std::chrono::seconds { 20 }));
    if (!exit) {
        ::kill(keeper_, SIGKILL); // QEMU dies with it
        exit_ = exit = Exit { true, SIGKILL };
        reap();
    }
    return *exit;
}

void Keeper::reap()
{
    if (keeper_ < 0) return;
    while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) { }
    keeper_ = -1;
}

} // namespace orrery::inspector
