// The kernel's side of a ring: it owns the memory, knows the geometry, and wakes; entries never pass through it.
#pragma once

#include <cstdint>

#include "abi/ring.h"
#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/memory_object.h"

namespace orrery::kernel {

class Thread;

class Ring final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::ring;

    // invalid_argument if the capacity is no power of two up to ring_max_capacity, or the entry size is 0, too large or
    // no multiple of 8; out_of_memory.
    static Result<Ref<Ring>> create(std::uint64_t entry_size, std::uint64_t capacity, MemoryAccount* payer = nullptr);
    ~Ring() override;

    Ref<MemoryObject> memory() const { return memory_; }

    // Sleeps while the side's waiter word is set. would_block if it is clear, already_exists if somebody sleeps there,
    // peer_closed, interrupted, timed_out.
    Status wait(abi::RingSide side, std::uint64_t deadline) EXCLUDES(lock_);
    // Wakes whoever sleeps on `side`; returns how many (0 or 1).
    std::uint64_t wake_side(abi::RingSide side) EXCLUDES(lock_);

    void handle_opened(std::uint32_t rights) override;
    void handle_closed(std::uint32_t rights) override;

    Ring* all_next = nullptr; // list of all rings, for the Inspector
    Ring* all_previous = nullptr;
    // The kernel's own copy of the geometry: programs can overwrite the header, not this.
    const std::uint32_t entry_size;
    const std::uint32_t capacity;
    abi::RingHeader* const header; // kernel address of the first page

private:
    struct Waiter {
        Thread* thread;
        ListLink<Waiter> link;
    };

    Ring(std::uint32_t number, Ref<MemoryObject> memory, abi::RingHeader* header, std::uint32_t entry_size,
        std::uint32_t capacity);
    abi::RingLine& line(abi::RingSide side) const
    {
        return side == abi::RingSide::producer ? header->producer : header->consumer;
    }

    Ref<MemoryObject> memory_;
    Spinlock lock_ { LockRank::ring };
    Waiter* sleeper_[2] GUARDED_BY(lock_) = {};           // by RingSide
    std::uint32_t open_handles_[2] GUARDED_BY(lock_) = {}; // by RingSide: handles that may act for it
    bool peer_closed_ GUARDED_BY(lock_) = false; // the header's word can be overwritten by whoever still maps it
};

} // namespace orrery::kernel
