// The system call storm for as long as one likes, by hand: boots the guest with test-storm and prints what it has seen.
// Usage: guest_storm [--hours H | --minutes M] [--cpus N] [--seed S]. Exit status 0: the kernel has held.
#include <CLI/CLI.hpp>
#include <iostream>

#include "support/guest_run.h"

int main(int count, char** arguments)
{
    using namespace orrery::guest_test;
    CLI::App app { "Random system calls from several threads of one process after the other, while their memory is taken away." };
    double hours = 0, minutes = 0;
    unsigned cpus = 2;
    unsigned long long seed = 1;
    app.add_option("--hours", hours, "how long");
    app.add_option("--minutes", minutes, "how long; both are added, and 1 minute is the least");
    app.add_option("--cpus", cpus, "processors of the guest")->check(CLI::Range(1u, 8u));
    app.add_option("--seed", seed, "of the first process; the next ones count up");
    CLI11_PARSE(app, count, arguments);
    constexpr unsigned milliseconds = 1000; // a process
    const double seconds = std::max(60.0, hours * 3600 + minutes * 60);
    const auto storms = static_cast<unsigned long long>(seconds * 1000 / milliseconds);
    const auto outcome = run_guest({ .program = "test-storm," + std::to_string(storms) + "," + std::to_string(milliseconds) + ","
                                         + std::to_string(seed),
        .cpus = cpus,
        .hang_guard = std::chrono::seconds(static_cast<long>(seconds * 10) + 600) });
    if (!outcome) {
        std::cerr << outcome.error().sentence << "\n";
        return 1;
    }
    std::cout << *outcome << "\n";
    return outcome->passed() ? 0 : 1;
}
