// What a predicate may look at: one snapshot, the phases seen so far, and the names in the student's program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/result.h"

namespace orrery::inspector::lessons {

// One phase at which the machine was stopped (or that the flight recorder holds), and whose thread it was.
struct SeenPhase {
    TraceEvent event;
    std::string thread_name; // SpaceView::name of the thread that was running, "" if unknown
};

// All phases seen since the lesson's machine started, oldest first. Bounded: a program that raises signals for ever
// fills it, and then the newest are dropped and truncated() says so.
class PhaseHistory {
public:
    static constexpr std::size_t limit = 100'000;

    void add(SeenPhase phase)
    {
        if (events_.size() < limit)
            events_.push_back(std::move(phase));
        else
            truncated_ = true;
    }
    const std::vector<SeenPhase>& events() const { return events_; }
    bool truncated() const { return truncated_; }
    void clear() { events_.clear(), truncated_ = false; }

private:
    std::vector<SeenPhase> events_;
    bool truncated_ = false;
};

// Names of the student's program, from its ELF file and the guest's memory. Both answer nothing for an unknown name.
class ProgramNames {
public:
    virtual ~ProgramNames() = default;
    // Guest virtual address of a function or variable.
    virtual std::optional<std::uint64_t> address(std::string_view symbol) const = 0;
    // Value now of a global integer of at most 8 bytes, sign-extended if its type is signed.
    virtual std::optional<std::int64_t> variable(std::string_view symbol) const = 0;
};

// Only borrowed: all that it points to outlives the evaluation. Any pointer may be null; what then can't be known
// evaluates to "unknown", with a sentence, and never to true.
struct Scene {
    const Snapshot* snapshot = nullptr;
    const PhaseHistory* history = nullptr;
    const SeenPhase* here = nullptr; // the phase at which the machine stands, if it stands at one
    const ProgramNames* names = nullptr;
    std::string_view subject; // SpaceView::name of the program that the lesson is about
};

} // namespace orrery::inspector::lessons
