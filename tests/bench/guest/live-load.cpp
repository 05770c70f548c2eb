// Fixed work for the figure of the live view: a million signals at itself, as fast as they go.
#include <csignal>

namespace {
volatile sig_atomic_t handled = 0;
void count(int) { handled = handled + 1; }
}

int main()
{
    constexpr int signals = 1'000'000;
    signal(SIGUSR1, count);
    for (int i = 0; i < signals; ++i)
        raise(SIGUSR1);
    return handled == signals ? 0 : 1;
}
