// Benchmarks of what is Orrery's own: the bare system call, the futex, and a ring within one process.
#include <cstddef>
#include <utility>

#include "abi/ring_queue.h"
#include "abi/syscall.h"
#include "measure.h"
#include "posix/ring/ring.h"

namespace {

using namespace orrery;
using bench::measure;
using bench::require;

// The convention of abi/syscall.h, written out so that nothing of the runtime is measured with it.
std::int64_t system_call(abi::Syscall number, std::uint64_t first = 0, std::uint64_t second = 0)
{
    std::int64_t result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(static_cast<std::uint64_t>(number)), "D"(first), "S"(second)
                 : "rcx", "r11", "memory");
    return result;
}

// Nobody sleeps in this benchmark, so neither is ever called.
struct NeverSleeps {
    void wake(abi::RingSide) { require(false, "a ring within one thread woke somebody"); }
    abi::Error wait(abi::RingSide, std::uint64_t) { return abi::Error::unsupported; }
};

constexpr std::uint32_t capacity = 64;

template <typename Entry, typename Trace>
void measure_ring(const char* name)
{
    alignas(4096) static std::byte memory[abi::ring_entries_offset + capacity * sizeof(Entry)];
    auto* const header = reinterpret_cast<abi::RingHeader*>(memory);
    header->magic = abi::ring_magic;
    header->entry_size = sizeof(Entry);
    header->capacity = capacity;
    header->entries_offset = abi::ring_entries_offset;
    auto attached_producer = abi::RingProducer<Entry, NeverSleeps, Trace>::attach(memory, sizeof(memory), capacity, {});
    auto attached_consumer = abi::RingConsumer<Entry, NeverSleeps, Trace>::attach(memory, sizeof(memory), capacity, {});
    require(attached_producer.has_value() && attached_consumer.has_value(), "the ring's ends do not attach");
    auto producer = *std::move(attached_producer);
    auto consumer = *std::move(attached_consumer);

    Entry sent {};
    Entry received {};
    measure(name, [&]() ORRERY_MEASURED {
        ++sent.tag;
        producer.push(sent);
        consumer.pop(received);
    });
    require(received.tag == 117 && producer.index() == 117 && consumer.index() == 117, "the ring did not hand over what was pushed");
}

} // namespace

int main()
{
    measure("null_syscall", []() ORRERY_MEASURED { system_call(abi::Syscall::nop); });

    alignas(4) static std::uint32_t word = 0;
    measure("futex_wake_none",
        []() ORRERY_MEASURED { system_call(abi::Syscall::futex_wake, reinterpret_cast<std::uint64_t>(&word), 1); });
    require(system_call(abi::Syscall::futex_wake, reinterpret_cast<std::uint64_t>(&word), 1) == 0,
        "futex_wake found a sleeper where there is none");

    measure_ring<abi::Cqe, abi::NoRingTrace>("ring_push_pop");
    measure_ring<abi::Sqe, abi::NoRingTrace>("ring_push_pop_64");
    measure_ring<abi::Cqe, ring::RingTrace>("ring_push_pop_traced");
    return 0;
}
