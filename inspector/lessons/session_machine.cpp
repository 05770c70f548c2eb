// Moves a real guest from phase to phase, and keeps count of its instructions.
#include "inspector/lessons/session_machine.h"

#include <algorithm>
#include <set>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

using namespace std::chrono_literals;

namespace {

constexpr auto look_every = 6s; // of host time, at a guest that says nothing: does it sleep for ever?

std::uint64_t switches_of(const Snapshot& snapshot)
{
    std::uint64_t switches = 0;
    for (const auto& thread : snapshot.threads)
        switches += thread.switches + thread.syscalls;
    return switches;
}

} // namespace

Result<std::unique_ptr<SessionMachine>> SessionMachine::start(const SessionMachineOptions& options)
{
    std::unique_ptr<SessionMachine> machine(new SessionMachine);
    machine->program_name_ = options.program_name;
    machine->kernel_ = TRY(DebugInfo::load(options.kernel));
    machine->program_ = TRY(DebugInfo::load(options.program));
    LaunchOptions launch;
    launch.kernel = options.kernel;
    launch.initrd = options.initrd;
    launch.command_line = "run=" + options.program_name;
    launch.memory_mebibytes = options.settings.memory_mib;
    launch.cpus = options.settings.cpus;
    launch.icount_shift = 0;
    launch.stopped_at_start = true;
    machine->session_ = TRY(Session::launch(launch));
    const ProgramMap programs { { options.program_name, machine->program_ } };
    machine->reader_ = std::make_unique<SnapshotReader>(machine->kernel_, programs, machine->session_->memory());
    machine->catalog_ = PhaseCatalog(machine->kernel_, programs);
    machine->stepper_ = std::make_unique<PhaseStepper>(*machine->session_, *machine->reader_, machine->catalog_);
    if (auto clock = GuestClock::of(*machine->kernel_)) machine->clock_ = *clock;
    machine->deadline_ = deadline_in(options.hang_guard);
    return machine;
}

MachineStop SessionMachine::move(const Movement& movement)
{
    if (ended_) return stopped(MachineStop::Reason::ended, "");
    auto stop = try_move(movement);
    if (stop) return *stop;
    problem_ = stop.error().sentence;
    ended_ = true; // whatever it is, it is not moved again
    return stopped(MachineStop::Reason::lost, problem_);
}

Result<MachineStop> SessionMachine::try_move(const Movement& movement)
{
    PhaseSet wanted;
    for (const auto phase : movement.phases)
        wanted.set(static_cast<std::size_t>(phase));
    std::optional<PhaseHit> found;
    bool out_of_budget = false;
    RunUntil goal;
    for (const auto place : catalog_.addresses(wanted, std::set<std::string> { program_name_ }))
        goal.addresses.insert(place);
    if (clock_) goal.addresses.insert(clock_->tick_address());
    goal.predicate = [&](const Stop& stop) -> Result<bool> {
        if (clock_ && stop.rip == clock_->tick_address()) {
            count_tick(stop.cr3);
            out_of_budget = spent_ >= movement.budget;
            // A guest that ticks is alive: going round puts off the look at an idle one, which would disturb it.
            return out_of_budget || Clock::now() + look_every / 2 > goal.deadline;
        }
        if (clock_) clock_->interrupted();
        found = TRY(stepper_->at_stop(stop.cpu, stop.rip, stop.cr3));
        if (found && contains(wanted, found->phase)) return true;
        found.reset();
        return false;
    };
    while (true) {
        goal.deadline = std::min(deadline_in(look_every), deadline_);
        const auto stop = TRY(session_->run_until(goal));
        if (stop.reason == Stop::Reason::ended) {
            ended_ = true;
            return stopped(MachineStop::Reason::ended, "");
        }
        if (stop.reason != Stop::Reason::breakpoint && stop.reason != Stop::Reason::deadline)
            return failure("the guest was stopped by somebody else");
        if (out_of_budget) return stopped(MachineStop::Reason::out_of_budget, "");
        if (stop.reason == Stop::Reason::breakpoint && found) return phase_stop(*found);
        if (Clock::now() >= deadline_)
            return failure("the guest did not come to an end in the time that the grader has");
        if (stop.reason == Stop::Reason::breakpoint) continue;
        if (clock_) clock_->interrupted();
        take_snapshot();
        if (const auto why = why_it_sleeps_for_ever()) return stopped(MachineStop::Reason::lost, *why);
    }
}

MachineStop SessionMachine::phase_stop(const PhaseHit& hit)
{
    auto stop = stopped(MachineStop::Reason::phase, "");
    SeenPhase seen;
    seen.event.phase = hit.phase;
    seen.event.cpu = static_cast<int>(hit.cpu);
    seen.event.thread = hit.thread;
    seen.event.cause = hit.cause;
    seen.event.arguments = hit.arguments;
    seen.thread_name = hit.space_name;
    stop.phase = std::move(seen);
    if (!hit.problem.empty()) stop.sentence = hit.problem;
    return stop;
}

MachineStop SessionMachine::stopped(MachineStop::Reason reason, std::string sentence)
{
    take_snapshot();
    return { .reason = reason,
        .phase = {},
        .snapshot = snapshot_,
        .instructions = std::exchange(spent_, 0),
        .sentence = std::move(sentence) };
}

void SessionMachine::take_snapshot()
{
    std::vector<RegisterFile> registers;
    if (!ended_)
        if (const auto count = session_->cpu_count())
            for (unsigned cpu = 0; cpu < *count; ++cpu)
                if (auto file = session_->registers(cpu)) registers.push_back(*file);
    // After its end the guest's memory is still there, as it was left.
    snapshot_ = reader_->take(Freshness::stopped, registers);
}

Result<SnapshotPointer> SessionMachine::snapshot()
{
    if (!snapshot_) take_snapshot();
    return snapshot_;
}

void SessionMachine::count_tick(std::uint64_t cr3)
{
    const ram::AddressSpace memory(session_->memory(), cr3);
    if (const auto cpus = session_->cpu_count(); cpus && clock_->slice_passed(memory, *cpus))
        spent_ += instructions_per_slice;
}

// Nothing runs, nothing has run since the last look, and no deadline can wake anybody.
std::optional<std::string> SessionMachine::why_it_sleeps_for_ever()
{
    const auto before = std::exchange(switches_, switches_of(*snapshot_));
    if (snapshot_->cpus.empty() || !std::ranges::all_of(snapshot_->cpus, &CpuView::idle)) return std::nullopt;
    if (before != switches_ || snapshot_->threads.empty()) return std::nullopt;
    std::string why = "every processor is idle and nothing can wake one";
    for (const auto& thread : snapshot_->threads) {
        if (thread.wait_deadline != 0 && thread.wait_deadline != abi::no_deadline) return std::nullopt;
        if (thread.space_name == program_name_) why += compose(": {} {}", program_name_, thread.why);
    }
    return why;
}

std::optional<std::uint64_t> SessionMachine::address(std::string_view symbol) const
{
    const auto found = program_->symbol_named(symbol);
    return found ? std::optional(found->address) : std::nullopt;
}

std::optional<std::int64_t> SessionMachine::variable(std::string_view symbol) const
{
    const auto found = program_->variable(symbol);
    if (!found || !snapshot_) return std::nullopt;
    const auto size = found->type.size;
    const bool is_signed = found->type.kind == TypeKind::signed_integer;
    if (!is_signed && found->type.kind != TypeKind::unsigned_integer && found->type.kind != TypeKind::boolean)
        return std::nullopt;
    if (size == 0 || size > sizeof(std::int64_t)) return std::nullopt;
    const SpaceView* space = nullptr;
    for (const auto& candidate : snapshot_->spaces)
        if (candidate.name == program_name_ && !candidate.ended) space = &candidate;
    if (space == nullptr) return std::nullopt;
    std::byte bytes[sizeof(std::int64_t)] {};
    if (!ram::AddressSpace(session_->memory(), space->cr3).read(found->address, std::span(bytes, size)))
        return std::nullopt;
    std::int64_t value = 0;
    __builtin_memcpy(&value, bytes, sizeof value);
    const auto unused = static_cast<int>((sizeof value - size) * 8);
    return is_signed ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused : value;
}

} // namespace orrery::inspector::lessons
