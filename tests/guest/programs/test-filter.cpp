// System call filters: a refused call raises SIGSYS with number and arguments, the handler can answer for the kernel, the
// filter is inherited and only shrinks, and without a handler the process ends by SIGSYS.
#include <csignal>
#include <cstring>
#include <pthread.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "posix/runtime/thread.h"
#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;
using abi::Syscall;
using abi::filter_bit;

volatile int seen_number, seen_code, refusals;
volatile std::uint64_t seen_first, seen_second;
void* volatile seen_address;
volatile bool answers;

// A broker: looks at what was asked for, and answers it.
void broker(int, siginfo_t* info, void* context)
{
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    refusals = refusals + 1;
    seen_number = info->si_syscall;
    seen_code = info->si_code;
    seen_address = info->si_call_addr;
    seen_first = static_cast<std::uint64_t>(registers[REG_RDI]);
    seen_second = static_cast<std::uint64_t>(registers[REG_RSI]);
    CHECK_EQUAL(reinterpret_cast<std::uint64_t>(info->si_call_addr), registers[REG_RIP]);
    if (answers) registers[REG_RAX] = 4711;
}

constexpr std::uint64_t allowed = ~(filter_bit(Syscall::memory_size) | filter_bit(Syscall::memory_advise));

void test_the_handler_answers()
{
    CHECK_EQUAL(raw::thread_filter(allowed), 0);
    answers = true;
    CHECK_EQUAL(raw::memory_size(123), 4711);
    CHECK_EQUAL(refusals, 1);
    CHECK_EQUAL(seen_number, static_cast<int>(Syscall::memory_size));
    CHECK_EQUAL(seen_code, SYS_SECCOMP);
    CHECK_EQUAL(seen_first, 123);
    CHECK_EQUAL(raw::memory_advise(5, 6, 7, 8), 4711);
    CHECK_EQUAL(seen_second, 6);
    answers = false;
    CHECK_EQUAL(raw::memory_size(123), error(abi::Error::access_denied)); // nobody answered
    CHECK_EQUAL(refusals, 3);
    CHECK(raw::clock_now() > 0); // the others work
    CHECK_EQUAL(refusals, 3);
}

void test_it_only_shrinks()
{
    CHECK_EQUAL(raw::thread_filter(~std::uint64_t { 0 }), 0);
    CHECK_EQUAL(raw::memory_size(1), error(abi::Error::access_denied));
    CHECK_EQUAL(refusals, 4);
}

void* try_the_call(void*)
{
    CHECK_EQUAL(raw::memory_size(1), error(abi::Error::access_denied));
    return nullptr;
}

void test_threads_inherit_it()
{
    pthread_t thread {};
    CHECK_EQUAL(pthread_create(&thread, nullptr, try_the_call, nullptr), 0);
    CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK_EQUAL(refusals, 5);
}

// Processes that this thread makes inherit it, too, and end by SIGSYS where they have no handler.
void test_processes_inherit_it()
{
    for (const char* role : { "bare", "blocked", "ignored" }) {
        const auto spawned = start("test-filter", role, {});
        const auto status = process::wait_for_end(spawned);
        CHECK(status.has_value());
        CHECK_EQUAL(status->signal, SIGSYS);
    }
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGSYS);
        if (std::strcmp(arguments[1], "blocked") == 0) sigprocmask(SIG_BLOCK, &set, nullptr);
        if (std::strcmp(arguments[1], "ignored") == 0) signal(SIGSYS, SIG_IGN);
        raw::memory_size(1);
        return 3;
    }
    struct sigaction action {};
    action.sa_sigaction = broker;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQUAL(sigaction(SIGSYS, &action, nullptr), 0);
    test_the_handler_answers();
    test_it_only_shrinks();
    test_threads_inherit_it();
    test_processes_inherit_it();
    return 0;
}
