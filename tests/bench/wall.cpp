// Times what a person waits for: boots, edits and builds.
#include "wall.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/session/session.h"
#include "support/guest_run.h"

namespace orrery::bench {

using namespace inspector;
using namespace std::chrono_literals;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

std::string seconds(Milliseconds time)
{
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f s", time.count() / 1000);
    return text;
}

std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

// A shell command in the source directory; its output goes to `log`.
Result<Milliseconds> time_command(const std::string& command, const std::filesystem::path& log)
{
    const std::string whole = "cd " + quoted(ORRERY_SOURCE_DIR) + " && export CCACHE_DISABLE=1 && { " + command + " ; } >"
        + quoted(log) + " 2>&1";
    const auto start = Clock::now();
    const int status = std::system(whole.c_str());
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return failure("The timed command failed: " + command + " (its output: " + log.string() + ")");
    return Clock::now() - start;
}

Result<Milliseconds> one_start(std::uint64_t first_instruction_word)
{
    const auto start = Clock::now();
    auto session = TRY(Session::launch(guest_test::launch_options({})));
    while (TRY(session->memory().value<std::uint64_t>(first_instruction_word)) == 0) {
        if (Clock::now() - start > 60s) return failure("The guest did not reach its first program");
        std::this_thread::yield();
    }
    const Milliseconds time = Clock::now() - start;
    session->close();
    return time;
}

std::filesystem::path programs() { return guest_test::guest_directory() / "programs"; }

// Processor time of QEMU for one run of live-load, with snapshots at 60 Hz if `watched`. The keeper process waits for
// QEMU and the session for the keeper, so QEMU's time is among that of the children once the session is closed.
Result<Milliseconds> one_load(const DebugInfoPointer& kernel, const ProgramMap& map, bool watched)
{
    const auto children = [] {
        rusage usage {};
        getrusage(RUSAGE_CHILDREN, &usage);
        return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    };
    const auto before = children();
    {
        auto session = TRY(Session::launch(guest_test::launch_options({ .program = "live-load", .cpus = 1 })));
        SnapshotReader reader(kernel, map, session->memory());
        for (auto next = Clock::now(); session->state() != GuestState::ended; next += std::chrono::microseconds(16667)) {
            if (watched) (void)reader.take(Freshness::live);
            if (Clock::now() - next > 60s) return failure("The guest program live-load did not end");
            std::this_thread::sleep_until(next + std::chrono::microseconds(16667));
        }
        session->close();
    }
    return children() - before;
}

Result<void> wait_for_demonstration(Session& guest)
{
    const auto kernel = TRY(DebugInfo::load(guest_test::kernel_path()));
    SnapshotReader reader(kernel, load_programs(programs()), guest.memory());
    for (const auto end = Clock::now() + 60s; reader.take(Freshness::live)->rings.empty();) {
        if (Clock::now() > end || guest.state() == GuestState::ended)
            return failure("The demonstration did not start");
        std::this_thread::yield();
    }
    return {};
}

} // namespace

Result<WallFigure> attach_to_first_picture()
{
    const auto guest = TRY(Session::launch(guest_test::launch_options({})));
    TRY(wait_for_demonstration(*guest)); // a guest that still boots has nothing to show
    std::vector<Milliseconds> times;
    for (int i = 0; i < 5; ++i) {
        const auto start = Clock::now();
        auto session = TRY(Session::attach({ .address = guest->debug_address() }));
        const auto kernel = TRY(DebugInfo::load(guest_test::kernel_path()));
        SnapshotReader reader(kernel, load_programs(programs()), session->memory());
        std::vector<RegisterFile> registers;
        for (unsigned cpu = 0; cpu < TRY(session->cpu_count()); ++cpu)
            registers.push_back(TRY(session->registers(cpu)));
        if (reader.take(Freshness::stopped, registers)->threads.empty())
            return failure("The first picture after attaching shows no threads");
        times.push_back(Clock::now() - start);
        session->close();
    }
    std::ranges::sort(times);
    return WallFigure { "attach over the debug stub to the first full picture (median of 5)",
        seconds(times[times.size() / 2]), "< 0.5 s" };
}

Result<WallFigure> live_view_slowdown()
{
    const auto kernel = TRY(DebugInfo::load(guest_test::kernel_path()));
    const auto map = load_programs(programs());
    // What else the machine does only ever adds to a run, and to either kind alike: the least of each is what it costs.
    Milliseconds least[2] = { Milliseconds::max(), Milliseconds::max() };
    for (int i = 0; i < 20; ++i) {
        const bool watched = (i + 1) / 2 % 2; // a b b a a b b a ...: a machine that gets slower or faster favours neither
        least[watched] = std::min(least[watched], TRY(one_load(kernel, map, watched)));
    }
    char text[32];
    std::snprintf(text, sizeof(text), "%+.1f %%", 100 * (least[true] / least[false] - 1));
    return WallFigure { "guest slowed down by snapshots at 60 Hz (QEMU's processor time, least of 10)", text, "< 2 %" };
}

Result<WallFigure> start_to_first_user_instruction()
{
    const auto kernel = TRY(guest_test::KernelImage::load(guest_test::kernel_path()));
    const std::uint64_t descriptor = TRY(kernel.physical(TRY(kernel.address("orrery_descriptor"))));
    std::vector<Milliseconds> times;
    for (int i = 0; i < 9; ++i)
        times.push_back(TRY(one_start(descriptor + offsetof(abi::Descriptor, first_user_instruction_tsc))));
    std::ranges::sort(times);
    return WallFigure { "QEMU's start to the first user instruction (median of 9)", seconds(times[times.size() / 2]),
        "< 0.25 s" };
}

Result<WallFigure> edit_to_run()
{
    const std::string program = "bench-kernel";
    const auto source = std::filesystem::path(ORRERY_SOURCE_DIR) / "tests/bench/guest" / (program + ".cpp");
    const auto log = guest_test::guest_directory() / "bench-edit.log";
    const std::string build = "cmake --build " + quoted(guest_test::guest_directory());
    TRY(time_command(build, log)); // whatever else has changed is not part of this figure
    const auto start = Clock::now();
    std::error_code problem;
    std::filesystem::last_write_time(source, std::filesystem::file_time_type::clock::now(), problem);
    if (problem) return failure("Can't touch " + source.string() + ": " + problem.message());
    TRY(time_command(build, log));
    const auto outcome = TRY(guest_test::run_guest({ .program = program }));
    if (!outcome.passed()) return failure("The edited program did not end well:\n" + outcome.console);
    return WallFigure { "a guest program edited, until it has run", seconds(Clock::now() - start), "< 5 s" };
}

Result<std::vector<WallFigure>> clean_build()
{
    const std::filesystem::path directory = std::filesystem::path(ORRERY_SOURCE_DIR) / "build/bench-clean";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    const auto toolchain = std::filesystem::path(ORRERY_SOURCE_DIR) / "cmake/guest-toolchain.cmake";
    const auto guest = quoted(directory / "os"), release = quoted(directory / "release"), test = quoted(directory / "test");
    const auto application = TRY(time_command("cmake -S os -B " + guest + " -G Ninja"
            + (std::filesystem::exists(toolchain) ? " -DCMAKE_TOOLCHAIN_FILE=" + quoted(toolchain) : "")
            + " && cmake --build " + guest + " && cmake --preset release -B " + release + " && cmake --build " + release,
        directory / "release.log"));
    const auto tests = TRY(time_command(
        "cmake --preset test -B " + test + " && cmake --build " + test, directory / "test.log"));
    std::filesystem::remove_all(directory);
    return std::vector {
        WallFigure { "clean build of the guest and the Inspector, no cache", seconds(application), "< 240 s" },
        WallFigure { "then of everything again with all tests, under sanitizers", seconds(tests), "" },
    };
}

} // namespace orrery::bench
