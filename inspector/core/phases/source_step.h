// Stepping by instruction and by source line, over calls and system calls.
#pragma once

#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/session/session.h"

namespace orrery::inspector {

struct SourceStep {
    Stop stop;
    std::optional<LineRange> line; // where it stands now, if the code's file knows
    unsigned instructions = 0;     // single steps that it took
};

class SourceStepper {
public:
    SourceStepper(Session& session, SnapshotReader& reader)
        : session_(session)
        , reader_(reader)
    {
    }

    // One instruction of the vCPU, into calls.
    Result<SourceStep> step_instruction(unsigned cpu);
    // To another source line of the same thread; calls and system calls run through. Where the code has no lines, one
    // instruction. Errors: timed_out (it waits inside a call; the guest stands there), and the session's own. Ends
    // after 2000 single instructions at the latest, with whatever line it is in then.
    Result<SourceStep> step_line(unsigned cpu, Deadline deadline, const Cancellation* cancellation = nullptr);
    // The file whose code runs at `rip` with these page tables: the kernel, or a space's program; null if unknown.
    DebugInfoPointer file_at(std::uint64_t rip, std::uint64_t cr3);

private:
    Result<Stop> step_over(unsigned cpu, const RegisterFile& registers, std::uint64_t behind, Deadline deadline,
                           const Cancellation* cancellation);
    Result<SourceStep> finish(Stop stop, unsigned cpu, unsigned instructions);

    Session& session_;
    SnapshotReader& reader_;
};

} // namespace orrery::inspector
