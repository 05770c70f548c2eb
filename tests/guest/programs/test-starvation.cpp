// Programs that try to keep processors busy inside the kernel, by timers and by signals that go round and round: their
// neighbours on the same processors go on.
#include <array>
#include <atomic>
#include <csignal>
#include <pthread.h>
#include <unistd.h>

#include "abi/signal.h"
#include "check.h"
#include "posix/runtime/thread.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

std::atomic<bool> over { false };
std::atomic<std::uint32_t> ready { 0 };

// On the first one if there are not so many.
void stay_on(std::uintptr_t cpu)
{
    const std::uint64_t self = must(raw::thread_self(), "thread_self");
    if (raw::thread_set_affinity(self, std::uint64_t { 1 } << cpu) != 0)
        must(raw::thread_set_affinity(self, 1u), "thread_set_affinity");
    must(raw::handle_close(self), "handle_close");
}

// Work in user mode, which needs turns and nothing else; and a change of mappings, which other CPUs have to answer.
void* work(void* cpu)
{
    stay_on(reinterpret_cast<std::uintptr_t>(cpu));
    for (int round = 0; round < 50; ++round) {
        for (volatile int step = 0; step < 20'000; step = step + 1) { }
        const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
        const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, page, read_write), "memory_map");
        *reinterpret_cast<volatile char*>(place) = 1;
        must(raw::memory_unmap(own_space(), place, page), "memory_unmap");
        must(raw::handle_close(memory), "handle_close");
    }
    return nullptr;
}

void neighbours_go_on()
{
    std::array<pthread_t, 2> workers;
    for (std::size_t index = 0; index < workers.size(); ++index)
        CHECK_EQUAL(pthread_create(&workers[index], nullptr, work, reinterpret_cast<void*>(index)), 0);
    for (const pthread_t worker : workers) CHECK_EQUAL(pthread_join(worker, nullptr), 0);
}

// A timer of the shortest interval. Its signal is blocked, so nothing but the timer itself takes time.
void* arm_and_sleep(void*)
{
    stay_on(0);
    must(raw::signal_timer(1u, 1u, SIGALRM), "signal_timer");
    ++ready;
    while (!over) raw::futex_wait(&ready, ready.load(), must(raw::clock_now(0u), "clock_now") + 100'000'000);
    must(raw::signal_timer(0u, 0u, SIGALRM), "signal_timer");
    return nullptr;
}

void test_many_fast_timers()
{
    constexpr std::size_t many = 200;
    static std::array<pthread_t, many> sleepers;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (pthread_t& sleeper : sleepers) CHECK_EQUAL(pthread_create(&sleeper, &small, arm_and_sleep, nullptr), 0);
    neighbours_go_on();
    over = true;
    for (const pthread_t sleeper : sleepers) CHECK_EQUAL(pthread_join(sleeper, nullptr), 0);
    over = false;
    std::puts("many fast timers: the neighbours went on");
}

// Inhibits delivery with everything pending at the process: each return to user mode hands the signals on to others, who
// hand them back, as long as somebody makes each of them forget that it has done so.
std::array<std::atomic<abi::ThreadControl*>, 2> hot_potatoes {};

void* inhibit(void* index)
{
    const auto number = reinterpret_cast<std::uintptr_t>(index);
    stay_on(number);
    abi::ThreadControl* const control = runtime::thread_control();
    __atomic_store_n(&control->inhibit, 1, __ATOMIC_SEQ_CST);
    hot_potatoes[number] = control;
    while (!over) raw::thread_yield();
    hot_potatoes[number] = nullptr;
    __atomic_store_n(&control->deferred_at, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&control->inhibit, 0, __ATOMIC_SEQ_CST);
    return nullptr;
}

void* make_them_forget(void*)
{
    while (!over)
        for (const auto& place : hot_potatoes)
            if (abi::ThreadControl* const control = place) __atomic_store_n(&control->deferred_at, 0, __ATOMIC_SEQ_CST);
    return nullptr;
}

void test_signals_that_go_round()
{
    abi::ProcessControl& process = *runtime::thread_control()->process;
    constexpr std::uint64_t all = ~(abi::signal_mask64(SIGKILL) | abi::signal_mask64(SIGSTOP)); // that can be blocked
    std::array<pthread_t, 3> threads;
    for (std::uintptr_t index = 0; index < 2; ++index)
        CHECK_EQUAL(pthread_create(&threads[index], nullptr, inhibit, reinterpret_cast<void*>(index)), 0);
    while (!hot_potatoes[0] || !hot_potatoes[1]) raw::thread_yield();
    sigset_t set;
    sigfillset(&set);
    CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &set, nullptr), 0); // for this thread and those that it makes
    CHECK_EQUAL(pthread_create(&threads[2], nullptr, make_them_forget, nullptr), 0);
    process.pending.store(all);
    neighbours_go_on();
    process.pending.store(0);
    over = true;
    for (const pthread_t thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    std::puts("signals that go round: the neighbours went on");
}

} // namespace

int main()
{
    test_many_fast_timers();
    test_signals_that_go_round();
    return 0;
}
