// Signals in words: POSIX.1-2024 strsignal, psignal, psiginfo. The texts are those of the table in abi/signal.h.
#include "abi/signal.h"

#include <cstdio>
#include <cstring>
#include <signal.h>

extern "C" char* strsignal(int number)
{
    // POSIX: the string must not be modified; the type is history's.
    return const_cast<char*>(orrery::abi::signal_sentence(number));
}

extern "C" void psignal(int number, const char* message)
{
    const bool named = message != nullptr && *message != '\0';
    std::fprintf(stderr, "%s%s%s\n", named ? message : "", named ? ": " : "", strsignal(number));
}

extern "C" void psiginfo(const siginfo_t* info, const char* message)
{
    const bool named = message != nullptr && *message != '\0';
    std::fprintf(stderr, "%s%s%s (%s), code %d\n", named ? message : "", named ? ": " : "",
        orrery::abi::signal_name(info->si_signo), strsignal(info->si_signo), info->si_code);
}
