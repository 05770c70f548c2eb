// `orrery trace`: the flight recorder's events, once or as they come.
#include <algorithm>
#include <map>
#include <tuple>

#include "inspector/cli/report.h"
#include "inspector/cli/verbs.h"
#include "inspector/core/phases/phase_set.h"

namespace orrery::inspector::cli {

namespace {

constexpr double default_seconds = 1;
constexpr double follow_interval = 0.05; // the recorder of a CPU holds 1024 events

// Each writer (a CPU, or a thread in user mode) numbers its own events: what was printed is known by them.
class NewEvents {
public:
    // The events that came since the last call, oldest first, and how many were overwritten before they were seen.
    std::pair<std::vector<TraceEvent>, std::uint64_t> take(const Snapshot& snapshot)
    {
        std::vector<TraceEvent> fresh;
        std::uint64_t lost = 0;
        auto newest = seen_;
        std::map<std::pair<int, std::uint32_t>, std::uint64_t> oldest;
        for (const auto& event : snapshot.trace) {
            const auto writer = event.cpu < 0 ? std::pair(-1, event.thread) : std::pair(event.cpu, std::uint32_t { 0 });
            const auto known = seen_.find(writer);
            if (known != seen_.end() && event.sequence <= known->second) continue;
            auto& first = oldest.try_emplace(writer, event.sequence).first->second;
            first = std::min(first, event.sequence);
            auto& last = newest[writer];
            last = std::max(last, event.sequence);
            fresh.push_back(event);
        }
        for (const auto& [writer, first] : oldest) {
            const auto known = seen_.find(writer);
            const auto expected = (known == seen_.end() ? 0 : known->second) + 1;
            if (first > expected) lost += first - expected;
        }
        seen_ = std::move(newest);
        return { std::move(fresh), lost };
    }

private:
    std::map<std::pair<int, std::uint32_t>, std::uint64_t> seen_;
};

void print_events(std::ostream& out, const std::vector<TraceEvent>& events, const Snapshot& snapshot, const Options& options,
                  const PhaseSet& wanted)
{
    for (const auto& event : events) {
        if (!contains(wanted, event.phase)) continue;
        if (options.thread && event.thread != *options.thread) continue;
        if (options.json) out << event_json(event, snapshot).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
        else out << render_event(event, snapshot) << '\n';
    }
    out.flush();
}

} // namespace

int trace_verb(const Options& options, std::ostream& out, std::ostream& problems)
{
    const auto wanted = parse_phases(options.phases);
    if (!wanted) return complain(problems, wanted.error());
    auto opened = Guest::open(options, false);
    if (!opened) return complain(problems, opened.error());
    auto& guest = **opened;
    print_remarks(problems, guest);
    const bool bounded = !options.follow || options.seconds > 0;
    const auto deadline = bounded ? deadline_in(milliseconds(options.seconds > 0 ? options.seconds : default_seconds)) : Deadline::max();
    NewEvents events;
    const bool first_at_once = guest.attached() && !options.follow; // the guest has its history already
    while (true) {
        const bool last = first_at_once || Clock::now() >= deadline;
        const auto snapshot = guest.picture();
        if (!snapshot) return complain(problems, snapshot.error());
        const bool over = guest.over(**snapshot);
        if (options.follow || last || over) {
            const auto [fresh, lost] = events.take(**snapshot);
            if (lost != 0) problems << "orrery: " << lost << " older events were overwritten before they were read\n";
            print_events(out, fresh, **snapshot, options, *wanted);
        }
        if (over || last) {
            for (const auto& problem : (*snapshot)->problems) problems << "orrery: " << problem.sentence << '\n';
            return status_of(**snapshot);
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (auto ran = guest.run_for(std::clamp(milliseconds(follow_interval), std::chrono::milliseconds(1), std::max(left, std::chrono::milliseconds(1)))); !ran)
            return complain(problems, ran.error());
    }
}

} // namespace orrery::inspector::cli
