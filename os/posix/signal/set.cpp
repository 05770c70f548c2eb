// Signal sets: POSIX.1-2024 sigemptyset, sigfillset, sigaddset, sigdelset, sigismember, and glibc's three more.
#include "abi/signal.h"

#include <cerrno>
#include <signal.h>

namespace {

bool valid(int number)
{
    if (number >= 1 && number <= orrery::abi::signal_count) return true;
    errno = EINVAL;
    return false;
}

} // namespace

extern "C" {

int sigemptyset(sigset_t* set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t* set)
{
    *set = ~sigset_t { 0 };
    return 0;
}

int sigaddset(sigset_t* set, int number)
{
    if (!valid(number)) return -1;
    *set |= orrery::abi::signal_mask64(number);
    return 0;
}

int sigdelset(sigset_t* set, int number)
{
    if (!valid(number)) return -1;
    *set &= ~orrery::abi::signal_mask64(number);
    return 0;
}

int sigismember(const sigset_t* set, int number)
{
    if (!valid(number)) return -1;
    return (*set & orrery::abi::signal_mask64(number)) != 0;
}

int sigisemptyset(const sigset_t* set) { return *set == 0; }

int sigandset(sigset_t* result, const sigset_t* left, const sigset_t* right)
{
    *result = *left & *right;
    return 0;
}

int sigorset(sigset_t* result, const sigset_t* left, const sigset_t* right)
{
    *result = *left | *right;
    return 0;
}

} // extern "C"
