// Benchmarks with ten and with a thousand threads asleep: what waking one, raising a signal at one and mapping a page cost
// must not grow with their number.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <pthread.h>

#include "abi/startup.h"
#include "measure.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

namespace {

using namespace orrery;
using bench::measure;
using bench::require;
namespace raw = runtime::raw;

constexpr std::size_t most = 1000;
constexpr std::uint32_t finished = ~0u;

std::array<std::atomic<std::uint32_t>, most> words; // each thread sleeps on its own
std::array<pthread_t, most> threads;
std::atomic<std::uint32_t> answers { 0 };

void* sleep_until_finished(void* argument)
{
    auto& word = *static_cast<std::atomic<std::uint32_t>*>(argument);
    for (std::uint32_t seen = 0;;) {
        raw::futex_wait(&word, seen, abi::no_deadline);
        if (word.load() == finished) return nullptr;
        if (word.load() == seen) continue;
        seen = word.load();
        ++answers;
    }
}

void make_threads(std::size_t from, std::size_t count)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (std::size_t index = from; index < count; ++index)
        require(pthread_create(&threads[index], &attributes, sleep_until_finished, &words[index]) == 0, "a thread can't be made");
    // On one processor: when this thread runs again after each has had its turn, all of them sleep.
    for (std::size_t index = from; index < count; ++index) raw::thread_yield();
}

void measure_all(std::size_t count)
{
    char name[32];
    auto& one = words[count / 2];
    std::uint32_t expected = answers.load();
    std::snprintf(name, sizeof(name), "wake_one_of_%zu", count);
    measure(name, [&] {
        ++one;
        raw::futex_wake(&one, 1);
        raw::thread_yield();
        ++expected;
    });
    require(answers.load() == expected, "the thread was not woken each time");
    std::snprintf(name, sizeof(name), "raise_at_one_of_%zu", count);
    measure(name, [&] { pthread_kill(threads[count / 2], SIGURG); }); // ignored by default: it is woken, and sleeps again later
    raw::thread_yield();
    std::snprintf(name, sizeof(name), "map_page_beside_%zu", count);
    const auto memory = raw::memory_create(abi::page_size, 0);
    require(memory >= 0, "memory can't be made");
    measure(name, [&] {
        const auto place = raw::memory_map(runtime::process_state.space, memory, 0, 0, abi::page_size, abi::protection_read);
        raw::memory_unmap(runtime::process_state.space, place, abi::page_size);
    });
    raw::handle_close(memory);
}

} // namespace

int main()
{
    make_threads(0, 10);
    measure_all(10);
    make_threads(10, most);
    measure_all(most);
    for (auto& word : words) {
        word = finished;
        raw::futex_wake(&word, 1);
    }
    for (const auto thread : threads) require(pthread_join(thread, nullptr) == 0, "a thread can't be joined");
    return 0;
}
