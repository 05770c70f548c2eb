// `orrery step`: from phase to phase.
#include "inspector/cli/report.h"
#include "inspector/cli/verbs.h"
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/phases/source_step.h"
#include "inspector/core/text.h"

namespace orrery::inspector::cli {

namespace {

constexpr double default_seconds = 30;
constexpr unsigned follow_limit = 64;

nlohmann::json hit_json(const PhaseHit& hit)
{
    nlohmann::json object { { "phase", describe(hit.phase).step_name },
                            { "cpu", hit.cpu },
                            { "thread", hit.thread },
                            { "space", hit.space },
                            { "space_name", hit.space_name },
                            { "address", hex(hit.address) },
                            { "place", hit.place },
                            { "cause", hex(hit.cause) },
                            { "sentence", hit_text(hit) },
                            { "arguments", nlohmann::json::object() } };
    if (!hit.problem.empty()) object["problem"] = hit.problem;
    for (unsigned i = 0; i < 3; ++i) {
        const std::string name = describe(hit.phase).arguments[i];
        if (name != "unused") object["arguments"][name] = hex(hit.arguments[i]);
    }
    return object;
}

Result<PhaseFilter> filter_of(const Options& options)
{
    PhaseFilter filter;
    filter.phases = TRY(parse_phases(options.phases));
    filter.thread = options.thread;
    filter.program = options.only_program;
    if (options.signal) {
        for (int signal = 1; signal <= abi::signal_count; ++signal)
            if (signal_text(signal) == *options.signal || std::to_string(signal) == *options.signal) filter.signal = signal;
        if (!filter.signal)
            return failure(ErrorCode::invalid_argument, "there is no signal '" + printable(*options.signal, 40) + "'; write SIGUSR1 or 10");
    }
    return filter;
}

class StepRun {
public:
    StepRun(Guest& guest, const Options& options, std::ostream& out)
        : options_(options)
        , out_(out)
        , stepper_(guest.session(), guest.reader(), guest.catalog())
        , lines_(guest.session(), guest.reader())
        , cpu_(options.cpu)
    {
    }
    Result<void> walk_code(Deadline deadline)
    {
        for (unsigned i = 0; i < options_.lines.value_or(0); ++i) note(TRY(lines_.step_line(cpu_, deadline)));
        for (unsigned i = 0; i < options_.instructions.value_or(0); ++i) note(TRY(lines_.step_instruction(cpu_)));
        return {};
    }
    Result<void> walk(const PhaseFilter& filter, Deadline deadline)
    {
        const auto count = options_.phase_count.value_or(options_.follow_cause ? follow_limit : 1);
        if (options_.follow_cause) {
            const auto print = [this](const PhaseHit& hit) { return note(hit), true; };
            TRY(stepper_.follow(filter, only(abi::Phase::signal_resumed), count, deadline, print));
            return {};
        }
        for (unsigned i = 0; i < count; ++i) note(TRY(stepper_.next(filter, deadline)));
        return {};
    }
    nlohmann::json hits = nlohmann::json::array(), steps = nlohmann::json::array();

private:
    void note(const SourceStep& step)
    {
        cpu_ = step.stop.cpu;
        const auto file = lines_.file_at(step.stop.rip, step.stop.cr3);
        auto place = file ? file->describe(step.stop.rip) : hex(step.stop.rip);
        if (step.line) place += " (" + step.line->location.file + ":" + std::to_string(step.line->location.line) + ")";
        if (options_.json) {
            nlohmann::json object { { "address", hex(step.stop.rip) }, { "cpu", cpu_ }, { "place", place }, { "instructions", step.instructions } };
            if (step.line) {
                object["file"] = step.line->location.file;
                object["line"] = step.line->location.line;
            }
            steps.push_back(std::move(object));
        } else {
            out_ << "CPU " << cpu_ << " at " << place << '\n' << std::flush;
        }
    }
    void note(const PhaseHit& hit)
    {
        cpu_ = hit.cpu;
        if (options_.json) {
            hits.push_back(hit_json(hit));
            return;
        }
        out_ << hit_text(hit) << "\n    at " << hit.place;
        if (hit.cause != 0) out_ << ", cause " << hex(hit.cause);
        out_ << '\n' << std::flush;
    }
    const Options& options_;
    std::ostream& out_;
    PhaseStepper stepper_;
    SourceStepper lines_;
    unsigned cpu_;
};

} // namespace

int step_verb(const Options& options, std::ostream& out, std::ostream& problems)
{
    const auto filter = filter_of(options);
    if (!filter) return complain(problems, filter.error());
    auto guest = Guest::open(options, true);
    if (!guest) return complain(problems, guest.error());
    print_remarks(problems, **guest);
    StepRun run(**guest, options, out);
    const auto deadline = deadline_in(milliseconds(options.seconds > 0 ? options.seconds : default_seconds));
    // Lines alone step from where a joined guest stands; a new one stands nowhere yet, so a phase comes first.
    const bool lines_only = (options.lines || options.instructions) && (*guest)->attached() && !options.phase_count && options.phases == "any";
    auto walked = lines_only ? Result<void> {} : run.walk(*filter, deadline);
    if (walked) walked = run.walk_code(deadline);
    const auto snapshot = (*guest)->picture();
    if (options.json) {
        nlohmann::json document { { "schema", 1 }, { "phases", run.hits }, { "steps", run.steps } };
        if (snapshot) document["picture"] = render_json(**snapshot, { .trace_lines = options.trace_lines, .spaces = options.spaces });
        if (!walked) document["problem"] = walked.error().sentence;
        out << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    } else if (snapshot) {
        out << '\n';
        print_picture(out, **snapshot, options);
    }
    if (!walked) return complain(problems, walked.error());
    return snapshot ? status_of(**snapshot) : complain(problems, snapshot.error());
}

} // namespace orrery::inspector::cli
