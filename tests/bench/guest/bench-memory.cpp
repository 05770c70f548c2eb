// Benchmarks of memory and threads: what a touched page, a mapping, a futex and a thread cost.
#include <atomic>
#include <pthread.h>

#include "abi/memory.h"
#include "abi/startup.h"
#include "measure.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

namespace {

using namespace orrery;
using bench::measure;
using bench::require;
namespace raw = runtime::raw;

constexpr std::uint64_t page = abi::page_size;
constexpr std::uint64_t pages = 64;
constexpr std::uint32_t read_write = abi::protection_read | abi::protection_write;

std::uint64_t must(std::int64_t result, const char* sentence)
{
    require(result >= 0, sentence);
    return static_cast<std::uint64_t>(result);
}

volatile char* map(std::uint64_t memory, std::uint64_t size)
{
    return reinterpret_cast<volatile char*>(
        must(raw::memory_map(runtime::process_state.space, memory, 0, 0, size, read_write), "memory can't be mapped"));
}

void measure_faults()
{
    // More pages than there are measurements: each touch is the first of its page.
    volatile char* next = map(must(raw::memory_create(256 * page, 0), "memory can't be made"), 256 * page);
    measure("demand_zero_fault", [&]() ORRERY_MEASURED {
        *next = 1;
        next += page;
    });
}

void measure_mapping()
{
    measure("map_touch64_unmap", [] {
        const std::uint64_t memory = must(raw::memory_create(pages * page, 0), "memory can't be made");
        volatile char* const place = map(memory, pages * page);
        for (std::uint64_t index = 0; index < pages; ++index) place[index * page] = 1;
        raw::memory_unmap(runtime::process_state.space, place, pages * page);
        raw::handle_close(memory);
    });
}

// Two threads on one processor hand a word back and forth; each sleeps until it is its turn.
std::atomic<std::uint32_t> turn { 0 };
constexpr std::uint32_t finished = 2;

void wait_for(std::uint32_t wanted)
{
    for (std::uint32_t seen = turn.load(); seen != wanted && seen != finished; seen = turn.load())
        raw::futex_wait(&turn, seen, abi::no_deadline);
}
void give(std::uint32_t to)
{
    turn.store(to);
    raw::futex_wake(&turn, 1);
}

void* play_along(void*)
{
    for (wait_for(1); turn.load() != finished; wait_for(1)) give(0);
    return nullptr;
}

void measure_futex()
{
    pthread_t other {};
    require(pthread_create(&other, nullptr, play_along, nullptr) == 0, "a thread can't be made");
    measure("futex_ping_pong", [] {
        give(1);
        wait_for(0);
    });
    give(finished);
    require(pthread_join(other, nullptr) == 0, "the other thread can't be joined");
}

void* do_nothing(void*) { return nullptr; }

void measure_threads()
{
    measure("thread_create_join", [] {
        pthread_t thread {};
        require(pthread_create(&thread, nullptr, do_nothing, nullptr) == 0, "a thread can't be made");
        pthread_join(thread, nullptr);
    });
}

} // namespace

int main()
{
    measure_faults();
    measure_mapping();
    measure_futex();
    measure_threads();
    return 0;
}
