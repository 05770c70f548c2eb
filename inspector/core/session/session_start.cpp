// How a session begins and ends: QEMU is started or joined, and left behind clean.
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspector/core/ram/shared_memory.h"
#include "inspector/core/ram/stub_memory.h"
#include "inspector/core/session/keeper.h"
#include "inspector/core/session/qemu_command.h"
#include "inspector/core/session/runtime_directory.h"
#include "inspector/core/session/session.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {
constexpr std::size_t remembered_standard_error = 4096;
constexpr unsigned most_memory_mebibytes = 1u << 16, most_cpus = 64;

Result<Descriptor> memory_file(const char* name)
{
    Descriptor file { ::memfd_create(name, MFD_CLOEXEC) };
    if (!file) return failure(ErrorCode::system, std::string("can't make a memory file: ") + std::strerror(errno));
    return file;
}

Result<void> check_file(const std::filesystem::path& path, const char* what, const char* advice)
{
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        return failure(
            ErrorCode::invalid_argument, std::string("there is no ") + what + " at " + path.string() + "; " + advice);
    if (::access(path.c_str(), R_OK) != 0)
        return failure(ErrorCode::invalid_argument,
            std::string("the ") + what + " " + path.string() + " can't be read: " + std::strerror(errno));
    return {};
}

Result<void> check(const LaunchOptions& options)
{
    TRY(check_file(options.kernel, "kernel", "build it with `./orrery build`, or name another one"));
    if (options.initrd)
        TRY(check_file(*options.initrd, "initrd", "build it with `./orrery build`, or name another one"));
    if (options.memory_mebibytes == 0 || options.memory_mebibytes > most_memory_mebibytes)
        return failure(ErrorCode::invalid_argument,
            "a guest can't have " + std::to_string(options.memory_mebibytes) + " MiB of memory; choose 1 to "
                + std::to_string(most_memory_mebibytes));
    if (options.cpus == 0 || options.cpus > most_cpus)
        return failure(ErrorCode::invalid_argument,
            "a guest can't have " + std::to_string(options.cpus) + " CPUs; choose 1 to " + std::to_string(most_cpus));
    if (options.icount_shift && *options.icount_shift > 10)
        return failure(ErrorCode::invalid_argument,
            "QEMU takes an icount shift of 0 to 10, and not " + std::to_string(*options.icount_shift));
    return {};
}

std::string end_of(const Console& file)
{
    const auto size = file.size();
    return file.text(
        size > remembered_standard_error ? size - remembered_standard_error : 0, remembered_standard_error);
}
} // namespace

Session::Session() = default;
Session::~Session() { close(); }

Result<std::unique_ptr<Session>> Session::launch(LaunchOptions options)
{
    std::unique_ptr<Session> session(new Session());
    TRY(session->start(options));
    return session;
}

Result<std::unique_ptr<Session>> Session::attach(AttachTarget target)
{
    std::unique_ptr<Session> session(new Session());
    TRY(session->join(target));
    return session;
}

Result<void> Session::start(const LaunchOptions& options)
{
    TRY(check(options));
    const auto program = TRY(find_program(options.qemu));
    const auto ram_bytes = std::uint64_t { options.memory_mebibytes } << 20;

    // RAM, console and stderr are memory files: no file is left behind, whoever dies, and no disk can be full.
    auto ram_file = TRY(memory_file("orrery-ram"));
    if (::ftruncate(ram_file.get(), static_cast<off_t>(ram_bytes)) != 0)
        return failure(ErrorCode::system,
            "can't make " + std::to_string(options.memory_mebibytes) + " MiB of guest memory: " + std::strerror(errno)
                + "; give the guest less");
    auto console_file = TRY(memory_file("orrery-console"));
    standard_error_ = TRY(memory_file("orrery-stderr"));
    int monitor[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, monitor) != 0)
        return failure(ErrorCode::system, std::string("can't make a socket: ") + std::strerror(errno));
    Descriptor our_monitor { monitor[0] }, its_monitor { monitor[1] };

    const auto directory = TRY(make_runtime_directory());
    console_socket_ = (directory / "console").string();
    debug_address_ = options.tcp_debug_address.value_or((directory / "debug").string());
    control_is_ours_ = !options.tcp_debug_address;
    const auto arguments = qemu_arguments(
        program, options, { ram_file.get(), its_monitor.get(), console_file.get(), console_socket_, debug_address_ });
    auto keeper = Keeper::start({ .arguments = arguments,
        .inherited = { ram_file.get(), its_monitor.get(), console_file.get() },
        .standard_error = standard_error_.get(),
        .files = { console_socket_, (directory / "debug").string(), directory.string() } });
    if (!keeper) {
        std::error_code ignored;
        std::filesystem::remove(directory, ignored);
        return std::unexpected(keeper.error());
    }
    keeper_ = std::move(*keeper);
    its_monitor.reset(); // or its end would never be seen
    memory_ = TRY(ram::SharedMemory::map(ram_file, ram_bytes));
    console_ = Console(std::move(console_file));

    auto client = qmp::Client::adopt(std::move(our_monitor), deadline_in(options.start_timeout));
    if (!client) {
        // Either it died, or it hangs; the keeper ends it either way.
        const bool hangs = client.error().code != ErrorCode::connection_lost;
        if (hangs) {
            keeper_->terminate();
            return failure(ErrorCode::timed_out,
                "QEMU did not start within " + std::to_string(options.start_timeout.count())
                    + " ms; the machine is overloaded, or " + program.string() + " is no QEMU");
        }
        const auto exit = keeper_->terminate();
        if (exit.execute_error != 0)
            return failure(ErrorCode::cannot_connect,
                program.string() + " can't be run: " + std::strerror(exit.execute_error)
                    + "; install QEMU with `apt install qemu-system-x86`");
        const QemuExit facts { exit.by_signal, exit.number, end_of(Console(std::move(standard_error_))) };
        return failure(
            ErrorCode::cannot_connect, explain_failed_start(program, options, facts.standard_error, facts.sentence()));
    }
    qmp_ = std::move(*client);
    if (auto complaint = complaint_about_version(qmp_->version().major, qmp_->version().minor))
        return failure(ErrorCode::unsupported, *complaint);
    const auto status = TRY(qmp_->status());
    state_ = status.running ? GuestState::running : GuestState::stopped;
    return {};
}

Result<void> Session::join(const AttachTarget& target)
{
    debug_address_ = target.address;
    if (target.qmp_path) qmp_ = TRY(qmp::Client::connect(*target.qmp_path, deadline_in(target.timeout)));
    rsp_ = TRY(rsp::Client::attach(target.address, { .connect_timeout = target.timeout }));
    if (rsp_->state() == rsp::RunState::ended) return failure(ErrorCode::ended, "the guest has ended already");
    memory_ = std::make_unique<ram::StubMemory>(*rsp_);
    threads_ = TRY(rsp_->threads());
    TRY(note_stop(*rsp_->last_stop(), false));
    // What the stub answers at attach is why it stopped last; that it stands now is our doing.
    reported_.clear();
    last_stop_->reason = Stop::Reason::paused;
    return {};
}

void Session::close()
{
    if (std::exchange(closed_, true)) return;
    if (keeper_) {
        rsp_.reset();
        qmp_.reset();
        keeper_->terminate();
    } else if (rsp_) {
        // Without this the guest would stop at our breakpoints later, with nobody there.
        [[maybe_unused]] const auto left = rsp_->detach();
    }
    if (state_ != GuestState::ended) ++generation_;
    state_ = GuestState::ended;
}

Result<QemuExit> Session::exit_status()
{
    if (!keeper_)
        return failure(ErrorCode::unsupported, "this session did not start QEMU, so it can't tell how it ended");
    const auto exit = keeper_->wait(deadline_in(std::chrono::seconds { state_ == GuestState::ended ? 10 : 0 }));
    if (!exit) return failure(ErrorCode::busy, "QEMU still runs");
    const auto said = standard_error_.get() >= 0 ? Console(Descriptor(::dup(standard_error_.get()))) : Console();
    return QemuExit { exit->by_signal, exit->number, end_of(said) };
}

} // namespace orrery::inspector
