// The ring's ends (abi/ring_queue.h) on Orrery: mapping a ring handle, sleeping and waking through the kernel, and
// phases in the thread's flight recorder.
#pragma once

#include "abi/handle.h"
#include "abi/phase_probe.h"
#include "abi/ring_queue.h"
#include "abi/startup.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "posix/signal/delivery.h"
#include "posix/signal/trace.h"

#include <cstddef>
#include <cstdint>
#include <expected>

namespace orrery::ring {

// abi::RingSystem: the two system calls. A signal that comes while this side sleeps is handled; the sleep goes on
// unless its handler was installed without SA_RESTART, then the wait ends with `interrupted`.
class KernelRing {
public:
    explicit KernelRing(abi::Handle handle)
        : handle_(handle)
    {
    }
    void wake(abi::RingSide sleeper) { runtime::raw::ring_wake(handle_, sleeper); }
    abi::Error wait(abi::RingSide self, std::uint64_t deadline)
    {
        const auto waited = signal::interruptible([&] { return runtime::raw::ring_wait(handle_, self, deadline); });
        if (waited.result >= 0) return abi::Error::none;
        const auto error = static_cast<abi::Error>(-waited.result);
        // "None" makes the ring's end look again, and sleep again if there is nothing.
        return error == abi::Error::interrupted && !waited.must_not_resume ? abi::Error::none : error;
    }

private:
    abi::Handle handle_;
};

// Phases ring.pushed, ring.popped and ring.broken of this thread.
struct RingTrace {
    static void pushed(std::uint32_t ring, std::uint32_t index, std::uint64_t tag)
    {
        abi::ThreadControl& control = *runtime::thread_control();
        ORRERY_USER_PHASE(control, ring, pushed, 0, ring, index, tag);
    }
    static void popped(std::uint32_t ring, std::uint32_t index, std::uint64_t tag)
    {
        abi::ThreadControl& control = *runtime::thread_control();
        ORRERY_USER_PHASE(control, ring, popped, 0, ring, index, tag);
    }
    static void broken(std::uint32_t ring, abi::BrokenReason reason, abi::RingSide side)
    {
        abi::ThreadControl& control = *runtime::thread_control();
        ORRERY_USER_PHASE(
            control, ring, broken, 0, ring, static_cast<std::uint32_t>(reason), static_cast<std::uint32_t>(side));
    }
};

template <typename Entry>
using Producer = abi::RingProducer<Entry, KernelRing, RingTrace>;
template <typename Entry>
using Consumer = abi::RingConsumer<Entry, KernelRing, RingTrace>;

// Bytes of a ring's shared memory: the header's page and the entries.
constexpr std::uint64_t ring_bytes(std::uint64_t entry_size, std::uint64_t capacity)
{
    const std::uint64_t entries = (entry_size * capacity + abi::page_size - 1) & ~(abi::page_size - 1);
    return abi::ring_entries_offset + entries;
}

// Maps the ring and attaches one end of it (Producer<Entry> or Consumer<Entry>). The error is the kernel's, or `broken`
// if the memory is not such a ring.
template <typename End, typename Entry>
std::expected<End, abi::Error> attach(abi::Handle handle, std::uint32_t capacity)
{
    const std::uint64_t bytes = ring_bytes(sizeof(Entry), capacity);
    const auto address = runtime::result_of(runtime::raw::memory_map(
        runtime::process_state.space, handle, 0, 0, bytes, abi::protection_read | abi::protection_write));
    if (!address) return std::unexpected(address.error());
    auto end = End::attach(reinterpret_cast<void*>(*address), bytes, capacity, KernelRing(handle));
    if (!end) return std::unexpected(abi::Error::broken);
    return std::move(*end);
}

} // namespace orrery::ring
