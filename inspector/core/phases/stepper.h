// Stepping by meaning: runs the guest to the next phase that is asked for, and says what happened there.
#pragma once

#include <functional>

#include "inspector/core/phases/catalog.h"
#include "inspector/core/session/session.h"

namespace orrery::inspector {

struct PhaseHit {
    abi::Phase phase {};
    unsigned cpu = 0;
    std::uint32_t thread = 0, space = 0; // who was running; 0 = nobody that the model knows
    std::string space_name;
    std::uint64_t address = 0;
    std::array<std::uint64_t, 3> arguments {};
    std::uint64_t cause = 0; // 0 = unknown
    std::string place;       // "orrery::kernel::raise_to_thread+0xd9 (raise.cpp:80)"
    std::string problem;     // not "": the arguments could not be read
    SnapshotPointer model;   // the picture at the stop
};
// "signal.raised on CPU 1 by thread 3 (ping): target 5, signal SIGUSR1, sender 3: a signal was sent".
std::string hit_text(const PhaseHit& hit);

struct PhaseFilter {
    PhaseSet phases = all_phases();
    std::optional<std::uint32_t> thread; // only while this thread runs
    std::optional<std::string> program;  // only while this program, or the kernel on its behalf, runs
    std::optional<std::uint64_t> cause;  // only what this cause led to
    std::optional<int> signal;           // only phases of this signal
};

class PhaseStepper {
public:
    // All must outlive the stepper. Owner thread of the session only.
    PhaseStepper(Session& session, SnapshotReader& reader, const PhaseCatalog& catalog)
        : session_(session)
        , reader_(reader)
        , catalog_(catalog)
    {
    }

    // Runs to the next phase that passes; the guest stands before the phase's instruction then. Programs that start
    // meanwhile are taken in. Errors: no probe has the phases; more than 256 places in the kernel and the programs that
    // run (QEMU slows down by each breakpoint); timed_out (the guest stands then); cancelled; ended; the session's own.
    Result<PhaseHit> next(const PhaseFilter& filter, Deadline deadline, const Cancellation* cancellation = nullptr);

    // From the next phase that passes on: every phase of the same cause and of the first one's group, until `last` is met, or `limit` phases were
    // seen, or the deadline. The cause of a new chain is not known before the kernel has written it down, so the vCPU
    // is stepped a few dozen instructions past the first phase for it. `on_hit` sees each, and ends the walk with false.
    Result<std::vector<PhaseHit>> follow(const PhaseFilter& start, const PhaseSet& last, std::size_t limit, Deadline deadline,
                                         const std::function<bool(const PhaseHit&)>& on_hit = {},
                                         const Cancellation* cancellation = nullptr);

    // What the vCPU stands at; nothing if that is no phase. The guest must stand.
    Result<std::optional<PhaseHit>> at_stop(unsigned cpu, std::uint64_t rip, std::uint64_t cr3);

private:
    bool passes(const PhaseFilter& filter, const PhaseHit& hit) const;
    Result<std::set<std::uint64_t>> places_now(const PhaseFilter& filter);
    Result<std::uint64_t> cause_from_recorder(const PhaseHit& hit);

    Session& session_;
    SnapshotReader& reader_;
    const PhaseCatalog& catalog_;
};

// The cause of a hit whose probe does not carry it: from the signal frame, or from the siginfo that travels with it.
std::uint64_t cause_from_model(const Snapshot& snapshot, abi::Phase phase, const std::array<std::uint64_t, 3>& arguments,
                               const VirtualMemory& memory);

} // namespace orrery::inspector
