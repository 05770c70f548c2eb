// Wrong use and missing parts: one sentence that says what to do next, and the exit status that the help promises.
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

#include "program_run.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Folder {
public:
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = testing::TempDir() + "orrery-cli-" + std::to_string(getpid());
    void write(const std::string& name, const std::string& text) { std::ofstream(path + "/" + name) << text; }
};

TEST(Usage, HelpNamesTheVerbsAndTheExitStatuses)
{
    const auto help = run_cli({ "--help" });
    EXPECT_EQ(help.status, 0);
    for (const char* verb : { "run", "inspect", "step", "trace", "grade" }) EXPECT_THAT(help.output, HasSubstr(verb));
    EXPECT_THAT(help.output, HasSubstr("Exit status: 0 done, 1 failed, 2 wrong use, 3 the guest panicked, 4 the time was up"));
    EXPECT_THAT(help.problems, IsEmpty());
}

TEST(Usage, NonsenseIsRefusedWithOneSentence)
{
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>> {
             {}, { "dance" }, { "run", "--seconds", "soon" }, { "run", "--seconds", "-1" }, { "inspect", "--cpus", "99" }, { "step", "--count", "0" } }) {
        const auto run = run_cli(arguments);
        EXPECT_EQ(run.status, 2);
        EXPECT_THAT(run.problems, StartsWith("orrery: "));
        EXPECT_EQ(std::ranges::count(run.problems, '\n'), 1) << run.problems;
        EXPECT_THAT(run.output, IsEmpty());
    }
}

TEST(Usage, UnknownPhasesAndSignalsAreNamed)
{
    const auto phase = run_cli({ "step", "--phase", "signal.rised" });
    EXPECT_EQ(phase.status, 2);
    EXPECT_THAT(phase.problems, HasSubstr("there is no phase 'signal.rised'; there are: any, signal.raised"));
    EXPECT_EQ(run_cli({ "trace", "--phase", "x" }).status, 2);
    const auto signal = run_cli({ "step", "--signal", "SIGFOO" });
    EXPECT_EQ(signal.status, 2);
    EXPECT_THAT(signal.problems, HasSubstr("there is no signal 'SIGFOO'"));
}

TEST(MissingParts, NoKernel)
{
    const Folder folder;
    for (const char* verb : { "run", "inspect", "step", "trace" }) {
        const auto run = run_cli({ verb, "--os", folder.path });
        EXPECT_EQ(run.status, 1);
        EXPECT_THAT(run.problems, HasSubstr("there is no kernel at " + folder.path + "/kernel.elf; build it with ./orrery build"));
    }
}

TEST(MissingParts, AKernelThatIsGarbage)
{
    Folder folder;
    folder.write("kernel.elf", "not a kernel");
    const auto run = run_cli({ "inspect", "--os", folder.path });
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.problems, HasSubstr("kernel.elf is not an ELF file"));
}

TEST(Attach, NobodyListens)
{
    const Folder folder;
    std::filesystem::copy_file(CLI_PATH, folder.path + "/kernel.elf"); // any ELF with debug information will do
    const auto path = run_cli({ "inspect", "--os", folder.path, "--attach", folder.path + "/no-socket" });
    EXPECT_EQ(path.status, 1);
    EXPECT_THAT(path.problems, StartsWith("orrery: "));
    EXPECT_EQ(std::ranges::count(path.problems, '\n'), 1) << path.problems;
}

TEST(Attach, APeerThatHangsUpIsSaid)
{
    const Folder folder;
    std::filesystem::copy_file(CLI_PATH, folder.path + "/kernel.elf");
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ASSERT_EQ(listen(listener, 4), 0);
    std::thread peer([listener] {
        const int connection = accept(listener, nullptr, nullptr);
        close(connection);
    });
    const auto run = run_cli({ "inspect", "--os", folder.path, "--attach", "127.0.0.1:" + std::to_string(ntohs(address.sin_port)) });
    peer.join();
    close(listener);
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(std::ranges::count(run.problems, '\n'), 1) << run.problems;
}

} // namespace
} // namespace orrery::inspector
