// Ring objects.
//
// No wake-up is lost: the waker clears the waiter word first and calls ring_wake second; the sleeper is queued under
// lock_ only while the word is still set. Either the sleeper finds the word clear, or ring_wake finds the sleeper.
#include "kernel/ring/ring.h"

#include <bit>
#include <new>

#include "kernel/boot/registry.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {
    std::atomic<std::uint32_t> next_number { 1 };
    constexpr std::uint32_t side_rights[2] = { abi::right_produce, abi::right_consume };
}

Ring::Ring(std::uint32_t number, Ref<MemoryObject> memory, abi::RingHeader* header, std::uint32_t entry_size,
    std::uint32_t capacity)
    : Object(object_kind, number), entry_size(entry_size), capacity(capacity), header(header), memory_(std::move(memory))
{
}

Result<Ref<Ring>> Ring::create(std::uint64_t entry_size, std::uint64_t capacity, MemoryAccount* payer)
{
    if (capacity == 0 || capacity > abi::ring_max_capacity || !std::has_single_bit(capacity) || entry_size == 0
        || entry_size > abi::ring_max_entry_size || entry_size % 8 != 0)
        return fail(Error::invalid_argument);
    TRY(memory, MemoryObject::create(abi::ring_entries_offset + entry_size * capacity, 0, payer));
    TRY(frame, memory->pin(0));
    frame_allocator.release(frame); // the object keeps a pinned page as long as it lives
    auto* header = static_cast<abi::RingHeader*>(frame_allocator.memory_of(frame));
    auto* ring = new (std::nothrow) Ring(next_number.fetch_add(1, std::memory_order_relaxed), memory, header,
        static_cast<std::uint32_t>(entry_size), static_cast<std::uint32_t>(capacity));
    if (!ring) return fail(Error::out_of_memory);
    header->magic = abi::ring_magic;
    header->entry_size = ring->entry_size;
    header->capacity = ring->capacity;
    header->entries_offset = abi::ring_entries_offset;
    header->number = ring->number;
    memory->ring_number = ring->number;
    register_ring(*ring);
    return Ref<Ring>::adopt(ring);
}

Ring::~Ring() { unregister_ring(*this); }

Status Ring::wait(abi::RingSide side, std::uint64_t deadline) NO_THREAD_SAFETY_ANALYSIS
{
    const auto index = static_cast<unsigned>(side);
    Waiter waiter { &current_thread(), {} };
    lock_.acquire();
    Error refusal = Error::none;
    if (peer_closed_ || header->kernel_broken.load(std::memory_order_seq_cst) != 0) refusal = Error::peer_closed;
    else if (line(side).waiting.load(std::memory_order_seq_cst) == 0) refusal = Error::would_block;
    else if (sleeper_[index]) refusal = Error::already_exists;
    if (refusal != Error::none) {
        lock_.release();
        return fail(refusal);
    }
    sleeper_[index] = &waiter;
    line(side).sleeps.fetch_add(1, std::memory_order_relaxed);
    ORRERY_TRACE(ring, slept, 0, number, index, current_thread().number);
    const WaitReason reason = side == abi::RingSide::consumer ? WaitReason::ring_entries : WaitReason::ring_space;
    const Error result = sleep(lock_, { reason, number, 0, deadline, 0 });
    bool was_woken = false;
    {
        Guard guard(lock_);
        was_woken = sleeper_[index] != &waiter;
        if (!was_woken) sleeper_[index] = nullptr;
        if (peer_closed_) refusal = Error::peer_closed;
    }
    if (refusal != Error::none) return fail(refusal);
    if (was_woken || result == Error::none) return {};
    return fail(result);
}

std::uint64_t Ring::wake_side(abi::RingSide side)
{
    const auto index = static_cast<unsigned>(side);
    Guard guard(lock_);
    Waiter* waiter = std::exchange(sleeper_[index], nullptr);
    if (!waiter) return 0;
    ORRERY_TRACE(ring, rung, 0, number, index, current_thread().number);
    wake(*waiter->thread, Error::none);
    return 1;
}

void Ring::handle_opened(std::uint32_t rights)
{
    Guard guard(lock_);
    for (unsigned index = 0; index < 2; ++index)
        if (rights & side_rights[index]) ++open_handles_[index];
}

// When nobody can act for a side any more the other would wait for ever: the ring is marked and the sleeper woken.
void Ring::handle_closed(std::uint32_t rights)
{
    Guard guard(lock_);
    for (unsigned index = 0; index < 2; ++index) {
        if (!(rights & side_rights[index]) || --open_handles_[index] != 0) continue;
        peer_closed_ = true;
        header->kernel_broken.store(static_cast<std::uint32_t>(abi::BrokenReason::peer_closed));
        ORRERY_TRACE(ring, broken, 0, number, abi::BrokenReason::peer_closed, index);
        for (Waiter*& waiter : sleeper_) {
            if (Waiter* sleeper = std::exchange(waiter, nullptr)) wake(*sleeper->thread, Error::peer_closed);
        }
    }
}

} // namespace orrery::kernel
