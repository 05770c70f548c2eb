// Proves that the register fuzz (programs/test-trampoline-fuzz.cpp) reaches every instruction of the signal trampoline, on
// the way in and on the way out: under -icount it is run with a breakpoint where the kernel notices a signal, and the
// user instruction that each notice interrupted is collected.
#include <gtest/gtest.h>
#include <set>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/disassembly/disassembly.h"
#include "inspector/core/phases/catalog.h"
#include "inspector/core/ram/virtual_memory.h"
#include "inspector/core/session/session.h"
#include "support/guest_run.h"

namespace {

using namespace orrery::inspector;
using namespace orrery::guest_test;
namespace abi = orrery::abi;

constexpr const char* program_name = "test-trampoline-fuzz";
constexpr std::chrono::minutes hang_guard { 20 };

// User addresses at which the kernel noticed a deliverable signal.
Result<std::set<std::uint64_t>> noticed_addresses()
{
    const auto kernel = TRY(DebugInfo::load(kernel_path()));
    const PhaseCatalog catalog(kernel, {});
    auto options = launch_options({ .program = program_name, .cpus = 1, .icount_shift = 0 });
    options.stopped_at_start = true;
    auto session = TRY(Session::launch(options));
    RunUntil goal;
    for (const std::uint64_t address : catalog.addresses(only(abi::Phase::signal_noticed), {}))
        goal.addresses.insert(address);
    goal.deadline = deadline_in(hang_guard);
    std::set<std::uint64_t> noticed;
    while (true) {
        const Stop stop = TRY(session->run_until(goal));
        if (stop.reason == Stop::Reason::ended) break;
        if (stop.reason != Stop::Reason::breakpoint)
            return failure("The guest did not end by itself. It had printed:\n" + session->console().text());
        const auto registers = TRY(session->registers(stop.cpu));
        const ram::AddressSpace space(session->memory(), stop.cr3);
        for (const PhasePlace* const place : catalog.at(stop.rip))
            noticed.insert(TRY(PhaseCatalog::arguments(*place, registers, space)).values[2]);
    }
    const auto exit = TRY(session->exit_status()); // QEMU's 1 is the guest's 0
    if (exit.by_signal || exit.number != 1) return failure(exit.sentence() + "\n" + session->console().text());
    return noticed;
}

TEST(TrampolineFuzz, InterruptsEveryInstructionOfTheTrampoline)
{
    const auto program = DebugInfo::load(guest_directory() / "programs" / program_name);
    ASSERT_TRUE(program.has_value()) << program.error().sentence;
    const auto noticed = noticed_addresses();
    ASSERT_TRUE(noticed.has_value()) << noticed.error().sentence;

    std::size_t count = 0;
    for (const char* const function : { "orrery_software_entry", "orrery_signal_trampoline" }) {
        const auto addresses = instruction_boundaries(ProgramImage(*program), **program, function);
        ASSERT_TRUE(addresses.has_value()) << addresses.error().sentence;
        for (const std::uint64_t address : *addresses) {
            EXPECT_TRUE(noticed->contains(address)) << "never interrupted: " << (*program)->describe(address);
            ++count;
        }
    }
    EXPECT_GT(count, 100u);
}

} // namespace
