// `orrery run --headless` and `orrery inspect`: pictures of a guest as text.
#include "inspector/cli/report.h"
#include "inspector/cli/verbs.h"

namespace orrery::inspector::cli {

namespace {

constexpr double default_run_seconds = 3;
constexpr double default_inspect_seconds = 1;

void print_console(std::ostream& out, Guest& guest, std::uint64_t& printed)
{
    const auto text = guest.session().console().text(printed);
    printed += text.size();
    if (text.empty()) return;
    out << "console\n";
    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = std::min(text.find('\n', begin), text.size());
        std::string line;
        for (const char c : text.substr(begin, end - begin)) // a program must not command the terminal
            if (c != '\r') line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        out << "  | " << line << '\n';
        begin = end + 1;
    }
}

int print_until_the_end(Guest& guest, const Options& options, std::ostream& out, std::ostream& problems)
{
    const auto total = milliseconds(options.seconds > 0 ? options.seconds : default_run_seconds);
    const auto deadline = deadline_in(total);
    std::uint64_t printed = 0;
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        const auto pause = std::clamp(milliseconds(options.interval), std::chrono::milliseconds(1), std::max(left, std::chrono::milliseconds(1)));
        if (auto ran = guest.run_for(pause); !ran) return complain(problems, ran.error());
        const auto snapshot = guest.picture();
        if (!snapshot) return complain(problems, snapshot.error());
        if (!options.json) print_console(out, guest, printed);
        print_picture(out, **snapshot, options);
        if (guest.over(**snapshot)) return status_of(**snapshot);
        if (Clock::now() >= deadline) return exit_done;
        if (!options.json) out << '\n';
    }
}

// One address instead of everything.
int print_address(std::ostream& out, std::ostream& problems, const Snapshot& snapshot, const Options& options)
{
    if (options.space != 0 && snapshot.space(options.space) == nullptr)
        return complain(problems, Error { "there is no space " + std::to_string(options.space) + "; ./orrery inspect lists them",
                                      ErrorCode::invalid_argument });
    if (options.json)
        out << address_json(snapshot, *options.address, options.space).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    else out << render_address(snapshot, *options.address, options.space);
    for (const auto& problem : snapshot.problems) problems << "orrery: " << problem.sentence << '\n';
    return status_of(snapshot);
}

} // namespace

int run_verb(const Options& options, std::ostream& out, std::ostream& problems)
{
    if (options.phase_count) return step_verb(options, out, problems);
    auto guest = Guest::open(options, false);
    if (!guest) return complain(problems, guest.error());
    print_remarks(problems, **guest);
    return print_until_the_end(**guest, options, out, problems);
}

int inspect_verb(const Options& options, std::ostream& out, std::ostream& problems)
{
    auto guest = Guest::open(options, false);
    if (!guest) return complain(problems, guest.error());
    print_remarks(problems, **guest);
    // A guest that was joined is shown as it is; one of our own first has to come to something.
    if (!(*guest)->attached()) {
        const auto time = milliseconds(options.seconds > 0 ? options.seconds : default_inspect_seconds);
        if (auto ran = (*guest)->run_for(time); !ran) return complain(problems, ran.error());
    }
    const auto snapshot = (*guest)->picture();
    if (!snapshot) return complain(problems, snapshot.error());
    if (options.address) return print_address(out, problems, **snapshot, options);
    print_picture(out, **snapshot, options);
    return status_of(**snapshot);
}

} // namespace orrery::inspector::cli
