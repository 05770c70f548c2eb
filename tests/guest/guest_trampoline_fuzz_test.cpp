// Proves that the register fuzz (programs/test-trampoline-fuzz.cpp) reaches every instruction of the signal trampoline, on
// the way in and on the way out: it is run under -icount, and the kernel's flight recorder tells at which user instruction
// each signal was noticed.
#include <algorithm>
#include <cstddef>
#include <gtest/gtest.h>
#include <set>

#include "abi/descriptor.h"
#include "abi/phase.h"
#include "abi/signal.h"
#include "abi/trace.h"
#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/disassembly/disassembly.h"
#include "inspector/core/session/session.h"
#include "support/guest_run.h"

namespace {

using namespace orrery::inspector;
using namespace orrery::guest_test;
namespace abi = orrery::abi;

constexpr const char* program_name = "test-trampoline-fuzz";
constexpr std::chrono::minutes hang_guard { 20 };

// The kernel's flight recorder of CPU 0, read from guest memory: adds the user addresses of all "noticed" records since
// `from` and returns the running number to go on with. Error: records were overwritten before they were read.
Result<std::uint64_t> collect(
    const ram::PhysicalMemory& memory, std::uint64_t buffer, std::uint64_t from, std::set<std::uint64_t>& noticed)
{
    const auto next = TRY(memory.value<std::uint64_t>(buffer + offsetof(abi::TraceBuffer, next)));
    if (next - from > abi::trace_capacity) return failure("The flight recorder overflowed between two checkpoints");
    for (std::uint64_t number = from; number < next; ++number) {
        const std::uint64_t record
            = buffer + offsetof(abi::TraceBuffer, records) + number % abi::trace_capacity * sizeof(abi::TraceRecord);
        const auto phase = TRY(memory.value<std::uint16_t>(record + offsetof(abi::TraceRecord, phase)));
        if (phase == static_cast<std::uint16_t>(abi::Phase::signal_noticed))
            noticed.insert(TRY(memory.value<std::uint64_t>(record + offsetof(abi::TraceRecord, arguments) + 16)));
    }
    return next;
}

// User addresses at which the kernel noticed a deliverable signal, over the whole run of the fuzz.
Result<std::set<std::uint64_t>> noticed_addresses(std::uint64_t checkpoint)
{
    const auto kernel = TRY(KernelImage::load(kernel_path()));
    const auto descriptor = TRY(kernel.physical(TRY(kernel.address("orrery_descriptor"))));
    auto options = launch_options({ .program = std::string(program_name) + ",aim", .cpus = 1, .icount_shift = 0 });
    options.stopped_at_start = true;
    auto session = TRY(Session::launch(options));
    RunUntil goal;
    goal.addresses.insert(checkpoint);
    goal.deadline = deadline_in(hang_guard);
    std::set<std::uint64_t> noticed;
    std::uint64_t next = 0;
    while (true) {
        const Stop stop = TRY(session->run_until(goal));
        if (stop.reason == Stop::Reason::ended) break;
        if (stop.reason != Stop::Reason::breakpoint)
            return failure("The guest did not end by itself. It had printed:\n" + session->console().text());
        const auto buffers = TRY(
            session->memory().value<std::uint64_t>(descriptor + offsetof(abi::Descriptor, trace_buffers)));
        next = TRY(collect(session->memory(), TRY(kernel.physical(buffers)), next, noticed));
    }
    const auto exit = TRY(session->exit_status()); // QEMU's 1 is the guest's 0
    if (exit.by_signal || exit.number != 1) return failure(exit.sentence() + "\n" + session->console().text());
    return noticed;
}

TEST(TrampolineFuzz, InterruptsEveryInstructionOfTheTrampoline)
{
    const auto program = DebugInfo::load(guest_directory() / "programs" / program_name);
    ASSERT_TRUE(program.has_value()) << program.error().sentence;
    const auto checkpoint = (*program)->symbol_named("fuzz_checkpoint");
    ASSERT_TRUE(checkpoint.has_value());
    const auto noticed = noticed_addresses(checkpoint->address);
    ASSERT_TRUE(noticed.has_value()) << noticed.error().sentence;

    std::size_t covered = 0;
    for (const char* const function : { "orrery_software_entry", "orrery_signal_trampoline" }) {
        const auto symbol = (*program)->symbol_named(function);
        ASSERT_TRUE(symbol.has_value() && symbol->size > 0) << function;
        const auto list = disassemble(
            ProgramImage(*program), symbol->address, symbol->address + symbol->size, program->get());
        ASSERT_TRUE(list.has_value()) << list.error().sentence;
        for (std::size_t i = 0; i < list->size(); ++i) {
            const Instruction& instruction = (*list)[i];
            if (noticed->contains(instruction.address))
                ++covered;
            else
                ADD_FAILURE() << "never interrupted: " << (*program)->describe(instruction.address) << ": " << instruction.text;
        }
    }
    EXPECT_GT(covered, 100u);
}

} // namespace
