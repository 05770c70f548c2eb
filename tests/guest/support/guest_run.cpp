// Runs one guest through the Inspector's Session and reads the verdict from its memory, which outlives the guest.
#include "support/guest_run.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "inspector/core/session/session.h"

namespace orrery::guest_test {

using namespace inspector;

std::filesystem::path guest_directory()
{
    const char* const chosen = std::getenv("ORRERY_OS_BUILD_DIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : ORRERY_OS_BUILD_DIR;
}

std::filesystem::path kernel_path() { return guest_directory() / "kernel.elf"; }
std::filesystem::path initrd_path() { return guest_directory() / "initrd.tar"; }

std::vector<std::string> guest_programs(const std::string& prefix)
{
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(guest_directory() / "programs", none))
        if (entry.is_regular_file() && entry.path().filename().string().starts_with(prefix))
            names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

LaunchOptions launch_options(const GuestRun& run)
{
    LaunchOptions options;
    options.kernel = kernel_path();
    if (!run.initrd.empty()) options.initrd = run.initrd;
    options.command_line = run.program.empty() ? "" : "run=" + run.program;
    options.cpus = run.cpus;
    options.memory_mebibytes = run.memory_mebibytes;
    options.icount_shift = run.icount_shift;
    options.extra_arguments = run.extra_arguments;
    return options;
}

namespace {

// What a person wants to read of a long console: how it ended.
std::string tail(const std::string& text)
{
    constexpr std::size_t most = 4000;
    return text.size() <= most ? text : "[...]" + text.substr(text.size() - most);
}

} // namespace

Result<GuestOutcome> run_guest(const GuestRun& run)
{
    const KernelImage kernel = TRY(KernelImage::load(kernel_path()));
    const std::uint64_t descriptor = TRY(kernel.physical(TRY(kernel.address("orrery_descriptor"))));

    // The first instruction waits until the session is complete: some guests end within milliseconds.
    LaunchOptions options = launch_options(run);
    options.stopped_at_start = true;
    auto session = TRY(Session::launch(options));
    TRY(session->run());
    const auto stop = session->wait_for_stop(deadline_in(run.hang_guard));
    if (!stop || stop->reason != Stop::Reason::ended)
        return failure("The guest did not end by itself (" + (stop ? std::string("it was stopped") : stop.error().sentence)
            + "). It had printed:\n" + tail(session->console().text()));

    GuestOutcome outcome;
    outcome.exit = TRY(session->exit_status());
    outcome.console = session->console().text();
    outcome.state = static_cast<abi::MachineState>(
        TRY(session->memory().value<std::uint32_t>(descriptor + offsetof(abi::Descriptor, machine_state))));
    outcome.status = abi::ExitStatus::from_word(
        TRY(session->memory().value<std::uint64_t>(descriptor + offsetof(abi::Descriptor, exit_status))));
    outcome.boot_memory
        = TRY(session->memory().value<std::uint64_t>(descriptor + offsetof(abi::Descriptor, boot_memory)));
    return outcome;
}

std::ostream& operator<<(std::ostream& stream, const GuestOutcome& outcome)
{
    static constexpr const char* states[] = { "booting", "running", "ended", "panicked" };
    const auto state = static_cast<std::uint32_t>(outcome.state);
    return stream << "machine state: " << (state < std::size(states) ? states[state] : "nonsense")
                  << ", exit code " << int { outcome.status.code } << ", signal " << int { outcome.status.signal } << "; "
                  << outcome.exit.sentence() << "\n--- console:\n" << tail(outcome.console);
}

} // namespace orrery::guest_test
