// Opens guests, and takes pictures of them while they run or stand.
#include "inspector/cli/guest.h"

#include <algorithm>
#include <thread>

#include "inspector/core/text.h"

namespace orrery::inspector::cli {

namespace {

using namespace std::chrono_literals;

// init reads its program from the kernel's command line (servers/init/command_line.h).
std::string command_line(const Options& options) { return options.program ? "run=" + *options.program : ""; }

} // namespace

Result<void> check_program(const ProgramMap& programs, const std::string& name, const std::filesystem::path& folder)
{
    const auto comma = name.find(','); // arguments follow
    if (programs.contains(name.substr(0, comma))) return {};
    std::vector<std::string> names;
    for (const auto& [known, file] : programs) names.push_back(known);
    return failure(ErrorCode::invalid_argument,
                   "there is no program '" + printable(name, 60) + "' in " + folder.string()
                       + (names.empty() ? "; build the guest with ./orrery build" : "; there are: " + join(names, ", ")));
}

Result<std::unique_ptr<Guest>> Guest::open(const Options& options, bool stopped_at_start)
{
    const auto kernel_path = options.os_build / "kernel.elf";
    auto kernel = DebugInfo::load(kernel_path);
    if (!kernel) {
        if (!std::filesystem::exists(kernel_path))
            return failure("there is no kernel at " + kernel_path.string() + "; build it with ./orrery build, or name its folder with --os");
        return std::unexpected(kernel.error());
    }
    std::unique_ptr<Guest> guest(new Guest);
    if (!(*kernel)->dwarf_problem().empty()) return failure((*kernel)->dwarf_problem());
    const auto folder = options.os_build / "programs";
    auto programs = load_programs(folder, &guest->remarks_);
    if (options.program && !options.attach) TRY(check_program(programs, *options.program, folder));
    guest->catalog_ = PhaseCatalog(*kernel, programs);
    if (options.attach) {
        guest->session_ = TRY(Session::attach({ .address = *options.attach, .qmp_path = std::nullopt }));
    } else {
        LaunchOptions launch;
        launch.kernel = kernel_path;
        launch.initrd = options.os_build / "initrd.tar";
        launch.command_line = command_line(options);
        launch.cpus = options.cpus;
        launch.stopped_at_start = stopped_at_start;
        guest->session_ = TRY(Session::launch(std::move(launch)));
    }
    guest->reader_ = std::make_unique<SnapshotReader>(*kernel, std::move(programs), guest->session_->memory());
    return guest;
}

Result<SnapshotPointer> Guest::picture()
{
    const auto state = session_->state();
    if (!attached() && state != GuestState::stopped) return reader_->take(Freshness::live);
    const bool resume = state == GuestState::running;
    if (state == GuestState::ended) return failure(ErrorCode::ended, "the guest has ended");
    if (resume) TRY(session_->pause());
    std::vector<RegisterFile> registers;
    const auto cpus = TRY(session_->cpu_count());
    for (unsigned cpu = 0; cpu < cpus; ++cpu) registers.push_back(TRY(session_->registers(cpu)));
    auto snapshot = reader_->take(Freshness::stopped, registers);
    if (resume) TRY(session_->run());
    return snapshot;
}

bool Guest::over(const Snapshot& snapshot)
{
    return snapshot.machine_state == abi::MachineState::ended || snapshot.machine_state == abi::MachineState::panicked
        || session_->state() == GuestState::ended;
}

Result<void> Guest::run_for(std::chrono::milliseconds time)
{
    const auto deadline = deadline_in(time);
    if (session_->state() == GuestState::stopped) TRY(session_->run());
    const auto stop = session_->wait_for_stop(deadline);
    // The time being over is what was wanted; any other error is one.
    if (!stop && stop.error().code != ErrorCode::timed_out) return std::unexpected(stop.error());
    return {};
}

} // namespace orrery::inspector::cli
