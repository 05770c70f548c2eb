// A thousand threads that all live at once, sleep, are woken and end, in a machine of 64 MiB (guest_memory_test gives it that).
#include <array>
#include <atomic>
#include <pthread.h>

#include "check.h"

namespace {

namespace raw = orrery::runtime::raw;

constexpr std::size_t count = 1000;
std::atomic<std::uint32_t> gate { 0 };
std::atomic<unsigned> waiting { 0 }, passed { 0 };
thread_local std::uint64_t own = 0; // each has its own storage

void* wait_at_the_gate(void* argument)
{
    own = reinterpret_cast<std::uint64_t>(argument);
    ++waiting;
    while (gate.load() == 0) raw::futex_wait(&gate, 0u, orrery::abi::no_deadline);
    CHECK_EQUAL(own, reinterpret_cast<std::uint64_t>(argument));
    ++passed;
    return argument;
}

} // namespace

int main()
{
    static std::array<pthread_t, count> threads;
    pthread_attr_t attributes;
    CHECK_EQUAL(pthread_attr_init(&attributes), 0);
    CHECK_EQUAL(pthread_attr_setstacksize(&attributes, 16384), 0);
    for (std::uint64_t index = 0; index < count; ++index)
        CHECK_EQUAL(pthread_create(&threads[index], &attributes, wait_at_the_gate, reinterpret_cast<void*>(index)), 0);
    while (waiting.load() < count) raw::thread_yield();
    gate = 1;
    raw::futex_wake(&gate, ~std::uint64_t { 0 });
    for (std::uint64_t index = 0; index < count; ++index) {
        void* result = nullptr;
        CHECK_EQUAL(pthread_join(threads[index], &result), 0);
        CHECK_EQUAL(reinterpret_cast<std::uint64_t>(result), index);
    }
    CHECK_EQUAL(passed.load(), count);
}
