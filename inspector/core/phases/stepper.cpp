// Breakpoints at phase probes, and the filter between them and the caller.
#include "inspector/core/phases/stepper.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "inspector/core/osmodel/explain.h"
#include "inspector/core/ram/virtual_memory.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

// QEMU walks its list of breakpoints at every translated block, so that the guest runs slower by each: with 256 about
// fifty times, which still meets the next phase of a busy guest in less time than a person notices.
constexpr std::size_t maximum_places = 256;

constexpr std::uint64_t page_table_bits = 0x000f'ffff'ffff'f000;

std::uint64_t slot_cause(const std::vector<SlotView>& slots, int signal)
{
    for (const auto& slot : slots)
        if (slot.signal == signal) return slot.info.cause;
    return 0;
}

std::uint64_t signal_cause(const SignalView& signals, int signal)
{
    if (const auto cause = slot_cause(signals.thread_slots, signal)) return cause;
    return slot_cause(signals.process_slots, signal);
}

} // namespace

std::uint64_t cause_from_model(const Snapshot& snapshot, abi::Phase phase, const std::array<std::uint64_t, 3>& arguments,
                               const VirtualMemory& memory)
{
    using abi::Phase;
    switch (phase) {
    case Phase::signal_framed:
    case Phase::signal_handled:
    case Phase::signal_returned:
    case Phase::signal_resumed:
        return memory.value<std::uint64_t>(arguments[0] + offsetof(abi::SignalFrame, cause)).value_or(0);
    case Phase::signal_raised:
    case Phase::signal_merged:
    case Phase::signal_discarded: // the target is a thread, or else a space whose threads share the process's slots
        for (const auto& thread : snapshot.threads) {
            const auto number = static_cast<std::uint32_t>(arguments[0]);
            if ((arguments[0] & abi::target_is_space) != 0 ? thread.space != number : thread.id != number) continue;
            if (const auto cause = signal_cause(thread.signals, static_cast<int>(arguments[1]))) return cause;
        }
        return 0;
    case Phase::signal_noticed:
    case Phase::signal_deferred:
    case Phase::signal_diverted: {
        const auto* thread = snapshot.thread(static_cast<std::uint32_t>(arguments[0]));
        if (thread == nullptr || arguments[1] == 0) return 0;
        const auto& signals = thread->signals;
        const int signal = phase == Phase::signal_diverted ? static_cast<int>(arguments[1])
                                                           : std::countr_zero(arguments[1]) + 1;
        if (signals.fault.signal == static_cast<std::uint32_t>(signal) && signals.fault.cause != 0) return signals.fault.cause;
        return signal_cause(signals, signal);
    }
    default: return 0;
    }
}

std::string hit_text(const PhaseHit& hit)
{
    const auto& description = describe(hit.phase);
    std::string text = std::string(description.step_name) + " on CPU " + std::to_string(hit.cpu);
    if (hit.thread != 0) text += " by thread " + std::to_string(hit.thread);
    if (!hit.space_name.empty()) text += " (" + hit.space_name + ")";
    text += ": ";
    if (!hit.problem.empty()) return text + hit.problem;
    bool any = false;
    for (unsigned i = 0; i < 3; ++i) {
        if (std::string_view(description.arguments[i]) == "unused") continue;
        if (any) text += ", ";
        any = true;
        text += std::string(description.arguments[i]) + " " + argument_text(hit.phase, i, hit.arguments[i], hit.model.get());
    }
    return text + ": " + description.sentence;
}

Result<std::optional<PhaseHit>> PhaseStepper::at_stop(unsigned cpu, std::uint64_t rip, std::uint64_t cr3)
{
    const auto places = catalog_.at(rip);
    if (places.empty()) return std::nullopt;
    const auto count = TRY(session_.cpu_count());
    std::vector<RegisterFile> registers;
    for (unsigned i = 0; i < count; ++i) registers.push_back(TRY(session_.registers(i)));
    if (cpu >= registers.size()) return std::nullopt;
    const auto snapshot = reader_.take(Freshness::stopped, registers);
    const SpaceView* space = nullptr;
    for (const auto& candidate : snapshot->spaces)
        if (((candidate.cr3 ^ cr3) & page_table_bits) == 0) space = &candidate;
    const auto program = space != nullptr ? reader_.program(space->name) : nullptr;
    const PhasePlace* place = nullptr;
    for (const auto* candidate : places)
        if (candidate->in_kernel() || (program && candidate->file == program)) place = candidate;
    if (place == nullptr) return std::nullopt; // the same address in a program that has no probe there

    PhaseHit hit;
    hit.model = snapshot;
    hit.phase = place->phase;
    hit.cpu = cpu;
    hit.address = rip;
    hit.place = place->file->describe(rip);
    if (const auto location = place->file->location(rip))
        hit.place += " (" + std::filesystem::path(location->file).filename().string() + ":"
            + std::to_string(location->line) + ")";
    if (cpu < snapshot->cpus.size()) hit.thread = snapshot->cpus[cpu].thread;
    if (const auto* thread = snapshot->thread(hit.thread)) {
        hit.space = thread->space;
        hit.space_name = thread->space_name;
    }
    const ram::AddressSpace memory(session_.memory(), cr3);
    const auto arguments = PhaseCatalog::arguments(*place, registers[cpu], memory);
    if (!arguments) {
        hit.problem = arguments.error().sentence;
        return hit;
    }
    hit.arguments = arguments->values;
    hit.cause = arguments->cause ? *arguments->cause : cause_from_model(*snapshot, hit.phase, hit.arguments, memory);
    return hit;
}

bool PhaseStepper::passes(const PhaseFilter& filter, const PhaseHit& hit) const
{
    if (!contains(filter.phases, hit.phase)) return false;
    if (filter.thread && hit.thread != *filter.thread) return false;
    if (filter.program && hit.space_name != *filter.program) return false;
    if (filter.cause && hit.cause != *filter.cause) return false;
    if (!filter.signal) return true;
    const std::string_view meaning = describe(hit.phase).arguments[1];
    if (meaning == "deliverable set")
        return abi::is_signal(static_cast<std::uint64_t>(*filter.signal))
            && (hit.arguments[1] & abi::signal_mask64(*filter.signal)) != 0;
    return (meaning == "signal" || meaning == "signal or 0") && hit.arguments[1] == static_cast<std::uint64_t>(*filter.signal);
}

// Of the kernel, and of the programs that run now: those that only lie in the initrd would cost a breakpoint for nothing.
Result<std::set<std::uint64_t>> PhaseStepper::places_now(const PhaseFilter& filter)
{
    if (catalog_.addresses(filter.phases).empty())
        return failure(ErrorCode::invalid_argument, "neither the kernel nor a program has a probe for " + phases_text(filter.phases));
    std::set<std::string> running;
    for (const auto& space : reader_.take(Freshness::stopped)->spaces) {
        const auto file = reader_.program(space.name);
        if (file && !space.ended && (!filter.program || *filter.program == space.name))
            running.insert(file->path().filename().string());
    }
    const auto addresses = catalog_.addresses(filter.phases, running);
    if (addresses.size() > maximum_places)
        return failure(ErrorCode::invalid_argument,
                       "these phases have " + std::to_string(addresses.size()) + " places, and more than "
                           + std::to_string(maximum_places) + " breakpoints slow the guest down; ask for fewer phases or one program");
    return std::set(addresses.begin(), addresses.end());
}

Result<PhaseHit> PhaseStepper::next(const PhaseFilter& filter, Deadline deadline, const Cancellation* cancellation)
{
    // Where a thread is made, a program may have come: its probes are then armed, too.
    const auto newcomers = catalog_.addresses(only(abi::Phase::thread_created), std::set<std::string> {});
    while (true) {
        RunUntil goal;
        goal.addresses = TRY(places_now(filter));
        goal.addresses.insert(newcomers.begin(), newcomers.end());
        goal.deadline = deadline;
        goal.cancellation = cancellation;
        std::optional<PhaseHit> found;
        bool again = false;
        goal.predicate = [&](const Stop& stop) -> Result<bool> {
            auto hit = TRY(at_stop(stop.cpu, stop.rip, stop.cr3));
            if (hit && passes(filter, *hit)) found = std::move(hit);
            again = !found && std::ranges::find(newcomers, stop.rip) != newcomers.end();
            return found.has_value() || again;
        };
        const auto stop = TRY(session_.run_until(goal));
        if (stop.reason == Stop::Reason::breakpoint && found) return std::move(*found);
        if (stop.reason == Stop::Reason::breakpoint && again) continue;
        switch (stop.reason) {
        case Stop::Reason::ended:
            return failure(ErrorCode::ended, "the guest ended before the next " + phases_text(filter.phases));
        case Stop::Reason::deadline:
            return failure(ErrorCode::timed_out,
                           "no " + phases_text(filter.phases) + " happened in the time given; the guest is paused");
        case Stop::Reason::cancelled: return failure(ErrorCode::cancelled, "stepping was cancelled; the guest is paused");
        default: return failure("the guest stopped at " + hex(stop.rip) + " for another reason before the next phase");
        }
    }
}

// A phase's record follows its probe in the code: steps until the flight recorder has it.
Result<std::uint64_t> PhaseStepper::cause_from_recorder(const PhaseHit& hit)
{
    constexpr unsigned steps_at_once = 16;
    constexpr unsigned maximum_rounds = 16;
    const auto newest = [&](const Snapshot& snapshot) -> const TraceEvent* {
        const TraceEvent* found = nullptr;
        for (const auto& event : snapshot.trace)
            if (event.cpu == static_cast<int>(hit.cpu) && (found == nullptr || event.sequence > found->sequence)) found = &event;
        return found;
    };
    const auto before = reader_.take(Freshness::stopped);
    const auto* last = newest(*before);
    const auto known = last != nullptr ? last->sequence : 0;
    for (unsigned round = 0; round < maximum_rounds; ++round) {
        for (unsigned i = 0; i < steps_at_once; ++i) TRY(session_.step(hit.cpu));
        const auto now = reader_.take(Freshness::stopped);
        for (const auto& event : now->trace)
            if (event.cpu == static_cast<int>(hit.cpu) && event.sequence > known && event.phase == hit.phase) return event.cause;
    }
    return 0;
}

Result<std::vector<PhaseHit>> PhaseStepper::follow(const PhaseFilter& start, const PhaseSet& last, std::size_t limit,
                                                   Deadline deadline, const std::function<bool(const PhaseHit&)>& on_hit,
                                                   const Cancellation* cancellation)
{
    std::vector<PhaseHit> hits;
    auto filter = start;
    while (hits.size() < limit) {
        auto hit = next(filter, deadline, cancellation);
        if (!hit) {
            if (hits.empty()) return std::unexpected(hit.error());
            return hits;
        }
        if (hits.empty() && hit->cause == 0 && describe(hit->phase).where != abi::PhaseWhere::user)
            hit->cause = TRY(cause_from_recorder(*hit));
        hits.push_back(std::move(*hit));
        const auto& newest = hits.back();
        if (on_hit && !on_hit(newest)) return hits;
        if (hits.size() > 1 && contains(last, newest.phase)) return hits;
        if (hits.size() == 1) {
            if (newest.cause == 0)
                return failure("the " + std::string(describe(newest.phase).step_name)
                               + " that was met has no cause that could be followed");
            filter = {};
            filter.phases = start.phases | last | *parse_phases(describe(newest.phase).group);
            filter.cause = newest.cause;
        }
    }
    return hits;
}

} // namespace orrery::inspector
