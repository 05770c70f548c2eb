// Futexes of both sizes between threads: a hand-off over 64-bit words, and sleepers that are moved from one word to another while
// signals and time-outs take them away. Condition variables stand on that.
#include <array>
#include <atomic>
#include <csignal>
#include <pthread.h>

#include "check.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

alignas(8) std::atomic<std::uint64_t> token { 0 };
constexpr std::uint64_t rounds = 2000;

void* pass_on(void*)
{
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::uint64_t mine = (round * 2 + 1) << 32; // only the upper half changes
        for (std::uint64_t seen = token; seen != mine; seen = token) raw::futex_wait_wide(&token, seen, abi::no_deadline);
        token = (round * 2 + 2) << 32;
        raw::futex_wake(&token, 1u);
    }
    return nullptr;
}

void test_wide_words()
{
    pthread_t partner;
    CHECK_EQUAL(pthread_create(&partner, nullptr, pass_on, nullptr), 0);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        token = (round * 2 + 1) << 32;
        raw::futex_wake(&token, 1u);
        const std::uint64_t mine = (round * 2 + 2) << 32;
        for (std::uint64_t seen = token; seen != mine; seen = token) raw::futex_wait_wide(&token, seen, abi::no_deadline);
    }
    CHECK_EQUAL(pthread_join(partner, nullptr), 0);
    CHECK_EQUAL(raw::futex_wait_wide(reinterpret_cast<char*>(&token) + 4, 0, 0), error(abi::Error::invalid_argument));
}

std::atomic<std::uint32_t> first { 0 }, second { 0 };
std::atomic<int> asleep { 0 }, woken { 0 }, late { 0 };

void* sleep_on_first(void* patience)
{
    const auto limit = reinterpret_cast<std::uintptr_t>(patience);
    const std::uint64_t deadline = limit == 0 ? abi::no_deadline : must(raw::clock_now(), "clock_now") + limit;
    ++asleep;
    const std::int64_t result = raw::futex_wait(&first, 0, deadline);
    if (result == 0) ++woken;
    else if (result == error(abi::Error::timed_out)) ++late;
    else CHECK_EQUAL(result, error(abi::Error::would_block));
    return nullptr;
}

// Each of the sleepers is woken once or times out, wherever it sleeps by then.
void test_requeue_under_time_outs()
{
    std::array<pthread_t, 16> threads {};
    for (std::size_t index = 0; index < threads.size(); ++index)
        CHECK_EQUAL(pthread_create(&threads[index], nullptr, sleep_on_first,
                        reinterpret_cast<void*>(index % 4 == 0 ? 3'000'000 + index * 50'000 : 0)), 0);
    while (asleep.load() < static_cast<int>(threads.size())) raw::thread_yield();
    CHECK_EQUAL(raw::futex_requeue(&first, 1, 1, 9, &second), error(abi::Error::would_block));
    CHECK_EQUAL(raw::futex_requeue(&first, 0, 1, 9, &first), error(abi::Error::invalid_argument));
    int moved_or_woken = 0;
    while (woken.load() + late.load() < static_cast<int>(threads.size())) {
        const std::int64_t there = raw::futex_requeue(&first, 0, 0, 3, &second);
        const std::int64_t back = raw::futex_requeue(&second, 0, 1, 1, &first);
        CHECK(there >= 0 && there <= 3);
        CHECK(back >= 0 && back <= 2);
        moved_or_woken += static_cast<int>(there + back);
        raw::thread_yield();
    }
    CHECK(moved_or_woken > 0);
    for (const auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK_EQUAL(raw::futex_wake(&first, ~0u), 0);
    CHECK_EQUAL(raw::futex_wake(&second, ~0u), 0);
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
int generation = 0, arrived = 0;
constexpr int members = 12;

// A barrier of a mutex and a condition: every broadcast must reach everybody, though only one of them wakes at once.
void* meet_often(void*)
{
    for (int round = 0; round < 300; ++round) {
        CHECK_EQUAL(pthread_mutex_lock(&mutex), 0);
        const int mine = generation;
        if (++arrived == members) {
            arrived = 0;
            ++generation;
            if (round % 2 == 0) CHECK_EQUAL(pthread_cond_broadcast(&condition), 0); // with the mutex held, or not
        } else {
            while (generation == mine) CHECK_EQUAL(pthread_cond_wait(&condition, &mutex), 0);
        }
        const bool last = arrived == 0 && generation != mine;
        CHECK_EQUAL(pthread_mutex_unlock(&mutex), 0);
        if (last && round % 2 == 1) CHECK_EQUAL(pthread_cond_broadcast(&condition), 0);
    }
    return nullptr;
}

std::atomic<bool> over { false };
void* send_signals(void* threads)
{
    while (!over) {
        for (int index = 0; index < members; ++index) pthread_kill(static_cast<pthread_t*>(threads)[index], SIGUSR1);
        raw::thread_yield();
    }
    return nullptr;
}
void nothing(int) {}

void test_broadcasts(bool with_signals)
{
    struct sigaction action {};
    action.sa_handler = nothing;
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    std::array<pthread_t, members> threads {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, meet_often, nullptr), 0);
    pthread_t sender {};
    over = false;
    if (with_signals) CHECK_EQUAL(pthread_create(&sender, nullptr, send_signals, threads.data()), 0);
    for (std::size_t index = 0; with_signals && index < 1000; ++index) raw::thread_yield();
    over = true;
    if (with_signals) CHECK_EQUAL(pthread_join(sender, nullptr), 0);
    for (const auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK_EQUAL(generation % 300, 0);
}

} // namespace

int main()
{
    test_wide_words();
    test_requeue_under_time_outs();
    test_broadcasts(false);
    test_broadcasts(true);
    return 0;
}
