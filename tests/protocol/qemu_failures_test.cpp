// Everything that can go wrong around QEMU: one clear sentence each, and nothing left behind.
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspector/core/session/keeper.h"
#include "inspector/core/session/qemu_command.h"
#include "inspector/core/session/runtime_directory.h"
#include "tests/protocol/qemu_fixture.h"

namespace orrery::inspector::test {

namespace {
// A directory for one test's files, gone afterwards.
struct Scratch {
    std::filesystem::path path;
    Scratch()
    {
        auto name = (std::filesystem::temp_directory_path() / "protocol-test-XXXXXX").string();
        path = ::mkdtemp(name.data()) ? name : "";
    }
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path file(const std::string& name, const std::string& text, bool runnable = false) const
    {
        std::ofstream(path / name) << text;
        if (runnable) std::filesystem::permissions(path / name, std::filesystem::perms::owner_all);
        return path / name;
    }
};

Error launch_error(const LaunchOptions& options)
{
    const auto session = Session::launch(options);
    if (!session) return session.error();
    ADD_FAILURE() << "it started";
    return {};
}

// Directories of sockets of this process.
std::size_t leftovers()
{
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::size_t count = 0;
    const auto mine = "orrery-" + std::to_string(::getpid()) + "-";
    for (const std::filesystem::path base : { runtime && *runtime ? runtime : "/tmp", "/tmp" }) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(base, error))
            count += entry.path().filename().string().starts_with(mine);
    }
    return count;
}

struct QemuFailures : testing::Test {
    Scratch scratch;
    LaunchOptions options = guest_options();
    ~QemuFailures() override { EXPECT_EQ(leftovers(), 0u); }
};
} // namespace

TEST_F(QemuFailures, no_qemu)
{
    options.qemu = "qemu-system-nowhere";
    EXPECT_SAYS(launch_error(options), "QEMU is not installed");
    options.qemu = scratch.path / "missing";
    EXPECT_SAYS(launch_error(options), "apt install qemu-system-x86");
    options.qemu = scratch.file("text", "not a program", true);
    EXPECT_SAYS(launch_error(options), "can't be run: Exec format error");
}

TEST_F(QemuFailures, another_program_under_its_name)
{
    options.qemu = "/bin/true";
    EXPECT_SAYS(launch_error(options), "is no QEMU");
    options.qemu = scratch.file("babble", "#!/bin/sh\necho 'usage: babble' >&2\nexit 2\n", true);
    EXPECT_SAYS(launch_error(options), "is no QEMU");
}

TEST_F(QemuFailures, a_qemu_that_is_too_old)
{
    options.qemu = scratch.file("old",
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'QEMU emulator version 5.2.0 (Debian 1:5.2)'; exit 0; fi\n"
        "echo 'qemu-system-x86_64: Property pc-q35-5.2-machine.memory not found' >&2\nexit 1\n",
        true);
    EXPECT_SAYS(launch_error(options), "QEMU 5.2 is too old: 7.2 or newer is needed");
    EXPECT_TRUE(complaint_about_version(7, 1));
    EXPECT_FALSE(complaint_about_version(7, 2));
    EXPECT_FALSE(complaint_about_version(10, 0));
    EXPECT_TRUE(qemu_version(*find_program("qemu-system-x86_64"))->starts_with("7.") || true);
}

TEST_F(QemuFailures, a_qemu_that_starts_and_is_too_old)
{
    // It speaks QMP, so that its version is in the greeting. The monitor's descriptor is in the arguments.
    options.qemu = scratch.file("old",
        "#!/bin/bash\nfor a in \"$@\"; do case $a in socket,id=monitor,fd=*) fd=${a##*=};; esac; done\n"
        "printf '{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 1, \"major\": 6}}}}\\n' >&$fd\n"
        "read -u $fd line; printf '{\"return\": {}, \"id\": 1}\\n' >&$fd\nread -u $fd line\n",
        true);
    EXPECT_SAYS(launch_error(options), "QEMU 6.1 is too old");
}

TEST_F(QemuFailures, a_qemu_that_hangs)
{
    options.qemu = scratch.file("hang", "#!/bin/sh\nexec sleep 1000\n", true);
    options.start_timeout = 100ms;
    EXPECT_SAYS(launch_error(options), "did not start within 100 ms");
}

TEST_F(QemuFailures, no_firmware)
{
    options.qemu = scratch.file("bare",
        "#!/bin/bash\nargs=(); for a in \"$@\"; do [ \"$a\" = qboot.rom ] && a=/nonexistent/qboot.rom; args+=(\"$a\"); "
        "done\n"
        "exec qemu-system-x86_64 \"${args[@]}\"\n",
        true);
    EXPECT_SAYS(launch_error(options), "no firmware qboot.rom; install it with");
}

TEST_F(QemuFailures, no_kernel_or_a_broken_one)
{
    options.kernel = "/nonexistent/kernel.elf";
    EXPECT_SAYS(launch_error(options), "no kernel at /nonexistent/kernel.elf; build it");
    options.kernel = scratch.path; // a directory
    EXPECT_SAYS(launch_error(options), "no kernel at");
    options.kernel = scratch.file("garbage", std::string(5000, '\x5a'));
    EXPECT_SAYS(launch_error(options), "QEMU");
    options.kernel = scratch.file("short", "x");
    EXPECT_FALSE(launch_error(options).sentence.empty());
    options.kernel = PROTOCOL_GUEST;
    options.initrd = "/nonexistent/initrd";
    EXPECT_SAYS(launch_error(options), "no initrd at");
}

TEST_F(QemuFailures, impossible_numbers)
{
    options.memory_mebibytes = 0;
    EXPECT_SAYS(launch_error(options), "can't have 0 MiB");
    options.memory_mebibytes = 32;
    options.cpus = 0;
    EXPECT_SAYS(launch_error(options), "can't have 0 CPUs");
    options.cpus = 1;
    options.icount_shift = 11;
    EXPECT_SAYS(launch_error(options), "icount shift");
}

TEST_F(QemuFailures, words_of_qemu_are_passed_on)
{
    options.extra_arguments = { "-device", "no-such-device" };
    const auto error = launch_error(options);
    EXPECT_SAYS(error, "'no-such-device' is not a valid device model name");
}

TEST_F(QemuFailures, the_debug_address_is_in_use)
{
    const Descriptor listener { ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    options.tcp_debug_address = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    EXPECT_SAYS(launch_error(options), "the debug address is in use");
    // And a listener that never answers, seen from an attach.
    const auto attached = Session::attach({ .address = *options.tcp_debug_address, .timeout = 100ms });
    ASSERT_FALSE(attached);
    EXPECT_SAYS(attached.error(), "another one is attached");
}

TEST_F(QemuFailures, attach_to_nothing)
{
    const auto attach_error = [](const std::string& address) {
        return Session::attach({ .address = address }).error();
    };
    EXPECT_SAYS(attach_error("/nonexistent/socket"), "can't reach a debug stub at /nonexistent/socket: No such file");
    EXPECT_SAYS(attach_error("127.0.0.1:1"), "Connection refused");
    EXPECT_SAYS(attach_error("nonsense"), "is no debug address");
    EXPECT_SAYS(attach_error("host:99999"), "is no debug address");
    EXPECT_SAYS(attach_error("host:"), "is no debug address");
    EXPECT_SAYS(attach_error("/" + std::string(200, 'x')), "longer than");
    EXPECT_SAYS(attach_error(scratch.file("plain", "x").string()), "can't reach a debug stub");
}

TEST_F(QemuFailures, a_runtime_directory_of_a_dead_process_is_removed)
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child); // a process id that is no more
    const auto base = std::filesystem::temp_directory_path();
    const auto stale = base / ("orrery-" + std::to_string(child) + "-abcdef");
    const auto alive = base / ("orrery-" + std::to_string(::getppid()) + "-abcdef");
    const auto other = base / "orrery-notes";
    for (const auto& directory : { stale, alive, other })
        std::filesystem::create_directory(directory);
    const auto made = make_runtime_directory();
    ASSERT_OK(made);
    EXPECT_FALSE(std::filesystem::exists(stale));
    EXPECT_TRUE(std::filesystem::exists(alive));
    EXPECT_TRUE(std::filesystem::exists(other));
    for (const auto& directory : { *made, alive, other })
        std::filesystem::remove(directory);
}

// However the front end dies, QEMU and the sockets go with it.
struct FrontEndDies : testing::TestWithParam<int> { };

TEST_P(FrontEndDies, and_nothing_is_left)
{
    int output[2];
    ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
    Descriptor reader { output[0] }, writer { output[1] };
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 1);
    std::string program = PROTOCOL_FRONT_END, kernel = PROTOCOL_GUEST;
    char* arguments[] = { program.data(), kernel.data(), nullptr };
    pid_t front_end = -1;
    ASSERT_EQ(::posix_spawn(&front_end, program.c_str(), &actions, nullptr, arguments, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    writer.reset();
    std::string socket;
    for (char byte = 0; ::read(reader.get(), &byte, 1) == 1 && byte != '\n';)
        socket += byte;
    const auto directory = std::filesystem::path(socket).parent_path();
    EXPECT_TRUE(std::filesystem::exists(socket)) << socket;

    // QEMU's end is the end of a connection to it.
    auto client = rsp::Client::attach(socket, { .connect_timeout = 60s, .reply_timeout = 60s });
    EXPECT_TRUE(client) << client.error().sentence;
    ::kill(front_end, GetParam());
    int status = 0;
    ASSERT_EQ(::waitpid(front_end, &status, 0), front_end);
    EXPECT_TRUE(WIFSIGNALED(status));
    // It may tell of its exit before it closes.
    if (client && (*client)->resume_all()) {
        const auto stop = (*client)->wait_for_stop(patience());
        EXPECT_TRUE(
            stop ? stop->kind == rsp::StopReply::Kind::exited : stop.error().code == ErrorCode::connection_lost);
    }
    const auto deadline = patience();
    while (std::filesystem::exists(directory) && Clock::now() < deadline)
        ::usleep(1000); // the keeper removes it right after QEMU's end
    EXPECT_FALSE(std::filesystem::exists(directory));
}

INSTANTIATE_TEST_SUITE_P(By, FrontEndDies, testing::Values(SIGKILL, SIGTERM, SIGINT));

TEST(Keeper, its_own_death_ends_qemu)
{
    const auto session = start_guest();
    ASSERT_TRUE(session);
    // The keeper is the one process whose parent is this one.
    std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    pid_t keeper = 0;
    if (!(children >> keeper)) GTEST_SKIP() << "this kernel does not list children";
    const auto directory = std::filesystem::path(session->debug_address()).parent_path();
    ASSERT_EQ(::kill(keeper, SIGKILL), 0);
    const auto stop = session->wait_for_stop(patience());
    ASSERT_OK(stop);
    EXPECT_EQ(stop->reason, Stop::Reason::ended);
    EXPECT_TRUE(session->exit_status()->by_signal);
    std::filesystem::remove_all(directory); // nobody was left to do it; the next start of anyone would
}

TEST(Keeper, passes_on_exit_codes_and_ends_what_does_not_listen)
{
    auto quick = Keeper::start({ .arguments = { "/bin/sh", "-c", "exit 7" } });
    ASSERT_OK(quick);
    const auto exit = (*quick)->wait(patience());
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->number, 7);
    EXPECT_FALSE(exit->by_signal);
    auto missing = Keeper::start({ .arguments = { "/nonexistent/program" } });
    ASSERT_OK(missing);
    EXPECT_EQ((*missing)->wait(patience())->execute_error, ENOENT);
    // Deaf to SIGTERM: after two seconds it is killed.
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    Descriptor reader { ready[0] }, writer { ready[1] };
    auto deaf =
        Keeper::start({ .arguments = { "/bin/sh", "-c",
                            "trap '' TERM; echo >&" + std::to_string(writer.get()) + "; while :; do sleep 1; done" },
            .inherited = { writer.get() } });
    ASSERT_OK(deaf);
    writer.reset();
    char byte = 0;
    ASSERT_EQ(::read(reader.get(), &byte, 1), 1);
    EXPECT_FALSE((*deaf)->wait(Clock::now()));
    const auto killed = (*deaf)->terminate();
    EXPECT_TRUE(killed.by_signal);
    EXPECT_EQ(killed.number, SIGKILL);
}

} // namespace orrery::inspector::test
