// The smallest program that shows who it is: arguments, number, and that constructors and thread-local data work.
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

struct Greeting {
    Greeting() { text = "Hello from Orrery"; }
    const char* text;
};
Greeting greeting;
thread_local int answer = 42;

} // namespace

int main(int argc, char** argv)
{
    std::printf("%s: process %d, answer %d\n", greeting.text, getpid(), answer);
    for (int i = 0; i < argc; i++)
        std::printf("argument %d: %s\n", i, argv[i]);
    return EXIT_SUCCESS;
}
