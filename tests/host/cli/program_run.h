// Runs orrery-cli and keeps what it said.
#pragma once

#include <array>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace orrery::inspector {

struct ProgramRun {
    int status = -1; // exit status; 1000 + signal if it was killed
    std::string output, problems;
};

inline ProgramRun run_cli(std::vector<std::string> arguments)
{
    std::array<int, 2> out {};
    std::array<int, 2> err {};
    if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) return {};
    arguments.insert(arguments.begin(), CLI_PATH);
    std::vector<char*> raw;
    for (auto& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        execv(CLI_PATH, raw.data());
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    ProgramRun run;
    std::array<pollfd, 2> waiting { { { out[0], POLLIN, 0 }, { err[0], POLLIN, 0 } } };
    const std::array<std::string*, 2> texts { &run.output, &run.problems };
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        poll(waiting.data(), waiting.size(), -1);
        for (unsigned i = 0; i < 2; ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
            char buffer[4096];
            const auto count = read(waiting[i].fd, buffer, sizeof buffer);
            if (count > 0) {
                texts[i]->append(buffer, static_cast<std::size_t>(count));
            } else {
                close(waiting[i].fd);
                waiting[i].fd = -1;
            }
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return run;
}

} // namespace orrery::inspector
