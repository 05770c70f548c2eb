// Single steps inside a line, and temporary breakpoints behind calls.
#include "inspector/core/phases/source_step.h"

#include "inspector/core/disassembly/disassembly.h"
#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector {

namespace {

constexpr unsigned maximum_instructions = 2000;
constexpr std::uint64_t kernel_half = std::uint64_t { 1 } << 63;
constexpr std::uint64_t page_table_bits = 0x000f'ffff'ffff'f000;

bool is_system_call(const Instruction& instruction) { return instruction.text == "syscall"; }

} // namespace

DebugInfoPointer SourceStepper::file_at(std::uint64_t rip, std::uint64_t cr3)
{
    if (rip >= kernel_half) return reader_.kernel();
    for (const auto& space : reader_.take(Freshness::stopped)->spaces)
        if (((space.cr3 ^ cr3) & page_table_bits) == 0) return reader_.program(space.name);
    return nullptr;
}

Result<SourceStep> SourceStepper::finish(Stop stop, unsigned cpu, unsigned instructions)
{
    SourceStep result { stop, std::nullopt, instructions };
    if (stop.reason == Stop::Reason::ended) return result;
    const auto registers = TRY(session_.registers(cpu));
    if (const auto file = file_at(registers.rip(), registers.cr3)) result.line = file->line_at(registers.rip());
    return result;
}

Result<SourceStep> SourceStepper::step_instruction(unsigned cpu)
{
    const auto stop = TRY(session_.step(cpu));
    return finish(stop, cpu, 1);
}

Result<Stop> SourceStepper::step_over(unsigned cpu, const RegisterFile& registers, std::uint64_t behind, Deadline deadline,
                                      const Cancellation* cancellation)
{
    RunUntil goal;
    goal.addresses = { behind };
    goal.cr3 = registers.cr3;
    goal.deadline = deadline;
    goal.cancellation = cancellation;
    // The same thread, at the same depth: a recursion or another thread that comes by has another stack pointer.
    goal.predicate = [&](const Stop& stop) -> Result<bool> {
        return TRY(session_.registers(stop.cpu)).rsp() == registers.rsp();
    };
    auto stop = TRY(session_.run_until(goal));
    if (stop.reason == Stop::Reason::deadline)
        return failure(ErrorCode::timed_out, "the call on CPU " + std::to_string(cpu)
                           + " has not come back in the time given: its thread waits; the guest is paused");
    if (stop.reason == Stop::Reason::cancelled) return failure(ErrorCode::cancelled, "stepping was cancelled; the guest is paused");
    return stop;
}

Result<SourceStep> SourceStepper::step_line(unsigned cpu, Deadline deadline, const Cancellation* cancellation)
{
    auto registers = TRY(session_.registers(cpu));
    const auto file = file_at(registers.rip(), registers.cr3);
    const auto from = file ? file->line_at(registers.rip()) : std::nullopt;
    if (!from) return step_instruction(cpu);
    const auto function = file->function_at(registers.rip());
    for (unsigned count = 1;; ++count) {
        const ram::AddressSpace memory(session_.memory(), registers.cr3);
        const auto code = disassemble(memory, registers.rip(), registers.rip() + 15, nullptr, 1);
        const bool over = code && ((*code)[0].is_call || is_system_call((*code)[0]));
        const auto stop = over
            ? TRY(step_over(cpu, registers, registers.rip() + (*code)[0].bytes.size(), deadline, cancellation))
            : TRY(session_.step(cpu));
        const bool other_reason = stop.reason != Stop::Reason::step && !(over && stop.reason == Stop::Reason::breakpoint);
        if (other_reason) return finish(stop, cpu, count);
        if (over) cpu = stop.cpu; // the thread may have moved
        registers = TRY(session_.registers(cpu));
        const auto line = file->line_at(registers.rip());
        const bool in_function = function && registers.rip() >= function->begin && registers.rip() < function->end;
        const bool other_line = line && (!(line->location == from->location) || !in_function);
        if ((other_line && line->statement) || count == maximum_instructions || (!line && !in_function)
            || Clock::now() >= deadline)
            return finish(stop, cpu, count);
    }
}

} // namespace orrery::inspector
