// exit-status N ends with status N; exit-status signal N ends by that signal's default action. For testing who waits.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv)
{
    if (argc == 2) return std::atoi(argv[1]);
    if (argc == 3 && std::strcmp(argv[1], "signal") == 0) {
        std::raise(std::atoi(argv[2]));
        std::fprintf(stderr, "exit-status: signal %s did not end the process\n", argv[2]);
        return 125;
    }
    std::fprintf(stderr, "usage: exit-status N | exit-status signal N\n");
    return 2;
}
