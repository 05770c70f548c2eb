// fork, limits, exec; then reads the output until its end or the time is up.
#include "inspector/lessons/bounded_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

struct Pipe {
    int ends[2] = { -1, -1 };
    bool open() { return ::pipe2(ends, O_CLOEXEC) == 0; }
    void close(int end)
    {
        if (ends[end] >= 0) ::close(ends[end]);
        ends[end] = -1;
    }
    ~Pipe() { close(0), close(1); }
};

void limit(int resource, std::uint64_t value)
{
    const struct rlimit both { value, value };
    ::setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

// In the child: only what is safe between fork and exec. Returns if exec failed.
void become(char* const* arguments, const char* directory, const CommandLimits& limits, int rules, int output)
{
    ::setpgid(0, 0);
    const int empty = ::open("/dev/null", O_RDONLY);
    if (empty < 0 || ::dup2(empty, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) return;
    if (::chdir(directory) != 0) return;
    limit(RLIMIT_CPU, limits.processor_seconds);
    limit(RLIMIT_AS, limits.memory);
    limit(RLIMIT_FSIZE, limits.file_size);
    limit(RLIMIT_CORE, 0);
    if (rules >= 0 && !enter_confinement(rules)) return;
    ::execvp(arguments[0], arguments);
}

// Until the pipe is closed on the other side (true) or the deadline has passed (false).
bool read_all(int descriptor, std::size_t limit, std::chrono::steady_clock::time_point deadline, std::string& output)
{
    char block[4096];
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        struct pollfd waiting { descriptor, POLLIN, 0 };
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<long>(left.count(), 1'000'000)));
        if (ready <= 0) continue;
        const auto count = ::read(descriptor, block, sizeof block);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return true;
        // What is beyond the limit is read all the same, so that the writer does not wait for ever.
        output.append(block, std::min(static_cast<std::size_t>(count), limit - std::min(limit, output.size())));
    }
}

} // namespace

Result<CommandOutcome> run_bounded(
    const std::vector<std::string>& arguments, const std::filesystem::path& directory, const CommandLimits& limits)
{
    if (arguments.empty()) return failure("there is no command to run");
    std::vector<char*> pointers;
    for (const auto& argument : arguments)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    Pipe output, problem;
    if (!output.open() || !problem.open()) return failure(compose("can't make a pipe: {}", std::strerror(errno)));

    const auto rules = limits.files ? prepare_confinement(*limits.files) : Descriptor {};
    const auto child = ::fork();
    if (child < 0) return failure(compose("can't start {}: {}", arguments[0], std::strerror(errno)));
    if (child == 0) {
        become(pointers.data(), directory.c_str(), limits, rules ? rules.get() : -1, output.ends[1]);
        const int reason = errno;
        [[maybe_unused]] const auto written = ::write(problem.ends[1], &reason, sizeof reason);
        ::_exit(127);
    }
    // In both processes, so that the group exists before either goes on.
    ::setpgid(child, child);
    output.close(1);
    problem.close(1);
    CommandOutcome outcome;
    outcome.timed_out =
        !read_all(output.ends[0], limits.output, std::chrono::steady_clock::now() + limits.wall, outcome.output);
    // Also after a good end: a child of its own may still run in the group.
    ::kill(-child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    int reason = 0;
    if (::read(problem.ends[0], &reason, sizeof reason) == sizeof reason)
        return failure(compose("can't start {}: {}", arguments[0], std::strerror(reason)));
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    if (WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
    return outcome;
}

} // namespace orrery::inspector::lessons
