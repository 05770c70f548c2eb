// The command line: parses, and hands on to a verb.
//
// Exit status: 0 done, 1 failed (a sentence on standard error), 2 wrong use, 3 the guest panicked, 4 the time was up.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "inspector/cli/verbs.h"
#include "inspector/lessons/grade_verb.h"

namespace {

using namespace orrery::inspector;
using cli::Options;

std::string os_build_folder()
{
    const char* folder = std::getenv("ORRERY_OS_BUILD_DIR");
    return folder != nullptr && *folder != '\0' ? folder : ORRERY_OS_BUILD_DIR;
}

void add_guest_options(CLI::App& verb, Options& options)
{
    verb.add_option("--attach", options.attach, "join the guest at this debug stub: HOST:PORT or the path of a socket");
    verb.add_option("--program", options.program, "what init runs, with its arguments after commas");
    verb.add_option("--cpus", options.cpus, "virtual processors of a guest that is started")->check(CLI::Range(1, 8))->capture_default_str();
    verb.add_option("--os", options.os_build, "folder with kernel.elf, initrd.tar and programs/")->capture_default_str();
    verb.add_option("--seconds", options.seconds, "how long at most")->check(CLI::Range(0.001, 86400.0));
    verb.add_flag("--json", options.json, "for machines; the schema is in inspector/core/osmodel/render.h");
}

void add_picture_options(CLI::App& verb, Options& options)
{
    verb.add_flag("--spaces", options.spaces, "mappings and handles, too");
    verb.add_option("--trace-lines", options.trace_lines, "how many of the newest phases")->capture_default_str();
}

void add_phase_filter(CLI::App& verb, Options& options)
{
    verb.add_option("--thread", options.thread, "only while this thread runs");
    verb.add_option("--only", options.only_program, "only while this program runs");
    verb.add_option("--signal", options.signal, "only phases of this signal, such as SIGUSR1");
}

struct GradeOptions {
    std::string lesson, submission, output;
};

void add_grade(CLI::App& app, lessons::GradeRequest& request, GradeOptions& texts)
{
    auto& verb = *app.add_subcommand("grade", "check a lesson's solution");
    verb.add_option("lesson", texts.lesson, "the lesson's folder, or the folder of all lessons with --list");
    verb.add_option("submission,--submission", texts.submission, "the student's folder; without it the lesson examines itself");
    verb.add_option("--format", request.format, "text, gradescope, junit or csv")->capture_default_str();
    verb.add_option("--output", texts.output, "a file for the report, instead of standard output");
    verb.add_flag("--self-check", request.self_check, "the solution must pass, the starter and every mutant must not");
    verb.add_flag("--reference", request.reference, "what a predicate can name");
    verb.add_flag("--list", request.list, "the lessons there are");
}

// "--phase 5" means five phases of any kind, "--phase signal.raised" one of this kind.
void split_phase_argument(Options& options, const std::string& phase)
{
    if (phase.empty()) return;
    const bool number = phase.find_first_not_of("0123456789") == std::string::npos;
    if (number) options.phase_count = static_cast<unsigned>(std::strtoul(phase.c_str(), nullptr, 10));
    else options.phases = phase;
}

} // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN); // a reader that goes away (| head) shows as a failed write
    CLI::App app("Orrery without a window: watch, step and trace the guest, and grade lessons.", "orrery");
    app.require_subcommand(1);
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return std::string("orrery: ") + error.what() + "; --help tells what there is\n";
    });
    app.footer("Exit status: 0 done, 1 failed, 2 wrong use, 3 the guest panicked, 4 the time was up.");

    Options options;
    options.os_build = os_build_folder();
    bool headless = false;
    std::string phase;

    auto& run = *app.add_subcommand("run", "start the guest and print its state until it ends or the time is up");
    run.add_flag("--headless", headless, "what this program always does");
    add_guest_options(run, options);
    add_picture_options(run, options);
    run.add_option("--interval", options.interval, "seconds between two pictures")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
    run.add_option("--phases", options.phase_count, "stop after so many phases and print the state there")->check(CLI::Range(1, 100000));

    auto& inspect = *app.add_subcommand("inspect", "print what the guest is doing");
    add_guest_options(inspect, options);
    add_picture_options(inspect, options);
    auto* address = inspect.add_option("--address", options.address, "what is at this user address (0x7000), and what an access to it does");
    inspect.add_option("--space", options.space, "only in the space of this number")->needs(address)->check(CLI::PositiveNumber);

    auto& step = *app.add_subcommand("step", "let the guest run from phase to phase, and print each");
    add_guest_options(step, options);
    add_picture_options(step, options);
    add_phase_filter(step, options);
    step.add_option("--phase", phase, "how many phases, or which: signal.raised, ring.*, any");
    step.add_option("--count", options.phase_count, "how many of them")->check(CLI::Range(1, 100000));
    step.add_option("--lines", options.lines, "then so many source lines")->check(CLI::Range(1, 10000));
    step.add_option("--instructions", options.instructions, "then so many instructions")->check(CLI::Range(1, 100000));
    step.add_option("--cpu", options.cpu, "whose lines and instructions, of a joined guest")->capture_default_str();
    step.add_flag("--follow-cause", options.follow_cause, "after the first, all that it leads to, up to signal.resumed");

    auto& trace = *app.add_subcommand("trace", "print what the flight recorder saw");
    add_guest_options(trace, options);
    trace.add_flag("--follow", options.follow, "go on until the guest ends, or --seconds are over");
    trace.add_option("--phase", options.phases, "only these: signal.raised, ring.*, any")->capture_default_str();
    trace.add_option("--thread", options.thread, "only events of this thread");

    lessons::GradeRequest request;
    GradeOptions grade_texts;
    add_grade(app, request, grade_texts);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? cli::exit_done : cli::exit_usage;
    }
    split_phase_argument(options, phase);
    if (run.parsed()) return cli::run_verb(options, std::cout, std::cerr);
    if (inspect.parsed()) return cli::inspect_verb(options, std::cout, std::cerr);
    if (step.parsed()) return cli::step_verb(options, std::cout, std::cerr);
    if (trace.parsed()) return cli::trace_verb(options, std::cout, std::cerr);
    request.lesson = grade_texts.lesson;
    if (!grade_texts.submission.empty()) request.submission = grade_texts.submission;
    if (!grade_texts.output.empty()) request.output = grade_texts.output;
    request.grading.source_tree = ORRERY_SOURCE_DIR;
    request.grading.os_build = options.os_build;
    return lessons::run_grade(request, std::cout, std::cerr);
}
