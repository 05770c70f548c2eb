// Building a submission: the bounded compiler, and the initrd that the program goes into.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "inspector/lessons/bounded_command.h"
#include "inspector/lessons/initrd_archive.h"
#include "inspector/lessons/lesson_files.h"
#include "inspector/lessons/program_builder.h"
#include "lesson_folder.h"

namespace orrery::inspector::lessons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

TEST(BoundedCommand, TellsHowItEnded)
{
    EXPECT_TRUE(run_bounded({ "true" }, "/")->succeeded());
    EXPECT_EQ(run_bounded({ "sh", "-c", "echo out; echo err >&2; exit 3" }, "/")->output, "out\nerr\n");
    EXPECT_EQ(run_bounded({ "sh", "-c", "exit 3" }, "/")->exit_status, 3);
    EXPECT_EQ(run_bounded({ "sh", "-c", "kill -TERM $$" }, "/")->signal, 15);
    EXPECT_EQ(run_bounded({ "pwd" }, "/usr")->output, "/usr\n");
    EXPECT_EQ(run_bounded({ "cat" }, "/")->output, "") << "standard input is empty";
    EXPECT_THAT(run_bounded({ "/no/such/program" }, "/").error().sentence,
        HasSubstr("can't start /no/such/program: No such file"));
    EXPECT_THAT(run_bounded({ "true" }, "/no/such/folder").error().sentence, HasSubstr("can't start true"));
    EXPECT_FALSE(run_bounded({}, "/"));
}

TEST(BoundedCommand, IsBounded)
{
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(run_bounded({ "sh", "-c", "sleep 1000 & wait" }, "/", { .wall = 1s })->timed_out);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 100s);
    EXPECT_EQ(run_bounded({ "sh", "-c", "while :; do :; done" }, "/", { .processor_seconds = 1 })->signal, 9);
    EXPECT_EQ(run_bounded({ "sh", "-c", "head -c 1000000 /dev/zero" }, "/", { .output = 100 })->output.size(), 100u);
    const TemporaryFolder folder;
    EXPECT_FALSE(run_bounded({ "sh", "-c", "head -c 1000000 /dev/zero > big" }, folder.path, { .file_size = 1000 })
            ->succeeded());
}

TEST(BoundedCommand, ReachesNoFileOutsideItsConfinement)
{
    if (const auto problem = confinement_problem(); !problem.empty()) GTEST_SKIP() << problem;
    const TemporaryFolder inside, outside;
    inside.write("own", "own\n");
    outside.write("secret", "secret\n");
    CommandLimits limits;
    limits.files = Confinement { .readable = { "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache" }, .writable = { inside.path } };
    const auto secret = (outside.path / "secret").string();
    EXPECT_EQ(run_bounded({ "cat", "own" }, inside.path, limits)->output, "own\n");
    EXPECT_TRUE(run_bounded({ "sh", "-c", "echo more > new && cat new" }, inside.path, limits)->succeeded());
    EXPECT_FALSE(run_bounded({ "cat", secret }, inside.path, limits)->succeeded());
    EXPECT_FALSE(run_bounded({ "sh", "-c", "echo x > " + secret }, inside.path, limits)->succeeded());
    EXPECT_EQ(run_bounded({ "cat", secret }, inside.path)->output, "secret\n") << "unharmed, and read without the fence";
}

TEST(BoundedCommand, LeavesNoChildBehind)
{
    const TemporaryFolder folder;
    // The child closes the output, so that only the end of the group can end it.
    const auto outcome = run_bounded({ "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!" }, "/");
    ASSERT_TRUE(outcome);
    const auto child = std::stoi(outcome->output);
    for (int round = 0; round < 1000 && ::kill(child, 0) == 0; ++round) {
        // It is a zombie until the system's first process has taken note.
        const auto status = read_text_file("/proc/" + std::to_string(child) + "/stat");
        if (!status || status->find(") Z ") != std::string::npos) return;
        run_bounded({ "true" }, "/");
    }
    EXPECT_NE(::kill(child, 0), 0);
}

std::string tar_of(const TemporaryFolder& folder, const std::string& names)
{
    EXPECT_TRUE(run_bounded({ "sh", "-c", "tar --format=ustar -cf t.tar " + names }, folder.path)->succeeded());
    return *read_text_file(folder.path / "t.tar");
}

std::string contents_of(const std::string& archive, const std::string& arguments)
{
    const TemporaryFolder folder;
    folder.write("a.tar", archive);
    const auto outcome = run_bounded({ "sh", "-c", "tar -xOf a.tar " + arguments }, folder.path);
    return outcome->succeeded() ? outcome->output : "tar: " + outcome->output;
}

TEST(InitrdArchive, AddsAndReplacesWhatTarThenReads)
{
    const TemporaryFolder folder;
    folder.write("init", std::string(700, 'i'));
    folder.write("anatomy", "old");
    const auto archive = tar_of(folder, "init anatomy");
    const auto added = with_file(archive, "lesson", "new program");
    ASSERT_TRUE(added) << added.error().sentence;
    EXPECT_EQ(contents_of(*added, "lesson"), "new program");
    EXPECT_EQ(contents_of(*added, "init"), std::string(700, 'i'));
    const auto replaced = with_file(archive, "anatomy", std::string(512, 'n'));
    ASSERT_TRUE(replaced);
    EXPECT_EQ(contents_of(*replaced, "anatomy"), std::string(512, 'n'));
    EXPECT_EQ(contents_of(*with_file("", "only", ""), "only"), "");
    EXPECT_EQ(*with_file(archive, "lesson", "x"), *with_file(archive, "lesson", "x")) << "equal in, equal out";
}

TEST(InitrdArchive, RefusesWhatIsNoArchive)
{
    const TemporaryFolder folder;
    folder.write("init", std::string(700, 'i'));
    auto archive = tar_of(folder, "init");
    EXPECT_THAT(with_file("garbage" + std::string(600, 'x'), "a", "b").error().sentence,
        StartsWith("the initrd is not a ustar archive"));
    EXPECT_THAT(with_file(archive.substr(0, 1000), "a", "b").error().sentence, StartsWith("the initrd is cut off"));
    archive[3] ^= 1;
    EXPECT_THAT(with_file(archive, "a", "b").error().sentence, HasSubstr("at byte 0 has a bad header"));
    EXPECT_FALSE(with_file("", "", "b"));
    EXPECT_FALSE(with_file("", std::string(101, 'n'), "b"));
}

TEST(GuestProgramBuilder, SaysWhatIsMissing)
{
    const TemporaryFolder folder;
    folder.write("program.c", "int main(void) { return 0; }\n");
    GuestProgramBuilder nothing_built(ORRERY_SOURCE_DIR, folder.path / "nowhere");
    EXPECT_THAT(nothing_built.build(folder.path, { "program.c" }, "x", folder.path / "out").error().sentence,
        HasSubstr("the guest's runtime is not built"));
    folder.write("os/posix/liborrery_posix.a", "!<arch>\n");
    folder.write("os/newlib/lib/libc.a", "!<arch>\n");
    folder.write("os/newlib/lib/libm.a", "!<arch>\n");
    GuestProgramBuilder no_compiler(ORRERY_SOURCE_DIR, folder.path / "os", "no-such-compiler");
    EXPECT_THAT(no_compiler.build(folder.path, { "program.c" }, "x", folder.path / "out").error().sentence,
        HasSubstr("can't start no-such-compiler"));
    GuestProgramBuilder builder(ORRERY_SOURCE_DIR, folder.path / "os");
    const auto problem = [&](std::string_view text) {
        folder.write("program.c", text);
        const auto built = builder.build(folder.path, { "program.c" }, "x", folder.path / "out");
        return built ? built->problem : "error: " + built.error().sentence;
    };
    EXPECT_THAT(
        problem("int main(void) { return 0 }\n"), StartsWith("the program does not compile:\nprogram.c:1:26: error: "));
    EXPECT_THAT(problem("int missing(void);\nint _start(void) { return missing(); }\n"),
        HasSubstr("the program does not link:\n"));
    if (confinement_problem().empty()) {
        const TemporaryFolder outside;
        outside.write("solution.c", "int other;\n");
        EXPECT_THAT(problem("#include \"" + (outside.path / "solution.c").string() + "\"\n"), HasSubstr("solution.c"))
            << "a hand-in cannot take in files from elsewhere";
        EXPECT_THAT(problem("__asm__(\".incbin \\\"" + (outside.path / "solution.c").string() + "\\\"\");\n"),
            HasSubstr("incbin"));
    }
    EXPECT_THAT(problem("#error " + std::string(5000, 'x') + "\n"), HasSubstr("... (cut)"));
    const auto missing = builder.build(folder.path, { "other.c" }, "x", folder.path / "out");
    ASSERT_TRUE(missing);
    EXPECT_THAT(missing->problem, StartsWith("the submission: can't find \"other.c\""));
}

} // namespace
} // namespace orrery::inspector::lessons
