// A guest under the command line: a session, its debug information, and pictures of it.
#pragma once

#include "inspector/cli/options.h"
#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/phases/stepper.h"
#include "inspector/core/session/session.h"

namespace orrery::inspector::cli {

class Guest {
public:
    // Starts the guest of `options` (stopped before its first instruction, if asked), or joins the one it names.
    // Errors: files are missing, no such program, and the session's; each says what to do next.
    static Result<std::unique_ptr<Guest>> open(const Options& options, bool stopped_at_start);

    Session& session() { return *session_; }
    SnapshotReader& reader() { return *reader_; }
    const PhaseCatalog& catalog() const { return catalog_; }
    bool attached() const { return !session_->launched(); }

    // A picture: live of a guest that we started; of one that was joined, it is stopped for a moment.
    Result<SnapshotPointer> picture();
    // Lets it run for the time, and returns early when the machine ends or panics.
    Result<void> run_for(std::chrono::milliseconds time);
    // The machine has ended or panicked, or QEMU is gone.
    bool over(const Snapshot& snapshot);
    // Files that could not be read and probes that were not understood: not fatal, but told.
    const std::vector<std::string>& remarks() const { return remarks_; }

private:
    Guest() = default;
    std::unique_ptr<Session> session_;
    std::unique_ptr<SnapshotReader> reader_; // after session_: it reads the session's memory
    PhaseCatalog catalog_;
    std::vector<std::string> remarks_;
};

// "there is no program x in the initrd; there are: a, b".
Result<void> check_program(const ProgramMap& programs, const std::string& name, const std::filesystem::path& folder);

} // namespace orrery::inspector::cli
