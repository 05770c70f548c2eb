// What both ends of a ring have in common: attaching to shared memory that is not trusted, how far an end may go, and
// how one sleeps and the other wakes it without a wake-up being lost. The ends themselves are in ring_queue.h.
//
// Nothing in the shared memory is believed twice: shape and own index are copied once at attach, and the peer's index
// is checked each time it is read. Whatever the peer writes, an end stays inside its own `capacity` slots; the worst
// that it can be given is a wrong entry. Verified by tests/host/abi, tests/fuzz and the model tests/model/ring.pml.
#pragma once

#include "abi/error.h"
#include "abi/ring.h"

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

namespace orrery::abi {

enum class RingResult : std::uint8_t {
    done, // the entry went through
    full, // producer: no free slot
    empty, // consumer: no entry
    broken, // the ring was given up: broken_reason() says why. Final.
};

// What a batch did: `result` is done if `count` > 0, else why nothing went through.
struct RingBatch {
    RingResult result;
    std::uint32_t count;
};

// What an end needs from the system it runs on. wake(sleeper) is syscall ring_wake; wait(self, deadline) is syscall
// ring_wait: it sleeps while the waiting word of `self` is nonzero, and returns none or would_block once it may be
// worth looking again, or interrupted, timed_out, ... The deadline is absolute, in nanoseconds of clock_now.
template <typename T>
concept RingSystem = requires(T system, RingSide side, std::uint64_t deadline) {
    system.wake(side);
    { system.wait(side, deadline) } -> std::same_as<Error>;
};

// Where the phases ring.pushed, ring.popped and ring.broken go; the runtime puts probes and trace records here.
struct NoRingTrace {
    static void pushed(std::uint32_t /*ring*/, std::uint32_t /*index*/, std::uint64_t /*tag*/) { }
    static void popped(std::uint32_t /*ring*/, std::uint32_t /*index*/, std::uint64_t /*tag*/) { }
    static void broken(std::uint32_t /*ring*/, BrokenReason /*reason*/, RingSide /*side*/) { }
};

// How often to look again before sleeping, where the peer can run on another CPU: about what one sleep costs. With one
// CPU the peer cannot move while this side spins, so pass 0 there.
inline constexpr unsigned ring_default_spins = 100;
// So many wake-ups in one wait with nothing published break the ring. An honest peer causes at most one: the late
// wake-up of an entry that was seen already.
inline constexpr unsigned ring_false_wake_limit = 1000;

// A ring's shape and state as copied, once, from the shared memory.
struct RingAttachment {
    RingHeader* header;
    std::uint32_t capacity;
    std::uint32_t number;
    std::uint32_t producer_index;
    std::uint32_t consumer_index;
};

// Reads a ring's header and checks it against the mapping. `capacity` 0 accepts any. Fails with bad_header, or with
// index_out_of_range if the two indices are further apart than the capacity.
inline std::expected<RingAttachment, BrokenReason> attach_ring(
    void* memory, std::size_t mapped_bytes, std::uint32_t entry_size, std::uint32_t capacity)
{
    // Volatile, so that the compiler reads each field exactly once, before it is checked.
    const auto read_once = [](const volatile std::uint32_t& field) -> std::uint32_t { return field; };

    if (memory == nullptr || reinterpret_cast<std::uintptr_t>(memory) % alignof(RingHeader) != 0
        || mapped_bytes < sizeof(RingHeader))
        return std::unexpected(BrokenReason::bad_header);
    auto* const header = static_cast<RingHeader*>(memory);
    const std::uint32_t own_capacity = read_once(header->capacity);
    if (read_once(header->magic) != ring_magic || read_once(header->entry_size) != entry_size
        || !std::has_single_bit(own_capacity) || own_capacity > ring_max_capacity
        || (capacity != 0 && capacity != own_capacity) || read_once(header->entries_offset) != ring_entries_offset
        || ring_entries_offset + std::uint64_t { own_capacity } * entry_size > mapped_bytes)
        return std::unexpected(BrokenReason::bad_header);

    // One of the two is the caller's own and stands still, so no order of the reads can make a sound ring look broken.
    const std::uint32_t consumer = header->consumer.index.load(std::memory_order_acquire);
    const std::uint32_t producer = header->producer.index.load(std::memory_order_acquire);
    if (producer - consumer > own_capacity) return std::unexpected(BrokenReason::index_out_of_range);
    return RingAttachment { header, own_capacity, read_once(header->number), producer, consumer };
}

// What both ends have in common: the own index, how far it may go, and the protocol of sleeping and waking.
//
// `limit_` is the index at which this side must stop: the producer's is the consumer's index + capacity, the consumer's
// is the producer's index, each as last seen (so the peer's cache line is touched only when the limit is reached). A
// broken ring is one whose limit is the own index for ever, so the fast path tests one thing only; its `bound_` is 0,
// so that no index of the peer can move the limit again.
//
// The sleep protocol, with A the side that publishes an index and B the side that waits for it:
//
//   A1 write or read the slot              B1 set own `waiting`
//   A2 publish the own index               B2 full fence
//   A3 full fence                          B3 read A's index; if B can go on, withdraw `waiting`
//   A4 read B's `waiting`                  B4 ring_wait: under the ring's lock, sleep if `waiting` is still set
//   A5 if set: exchange it with 0, and
//      if the exchange saw it set, ring_wake
//
// (1) A4 sees 0 and B3 sees the old index: impossible. A2, A4, B1 and B3 are sequentially consistent, so A4 before B1
//     puts A2 before B3. Without the fences both loads could pass the stores before them in the store buffers, even on
//     x86: that is the lost wake-up which tests/model/ring.pml finds when the fence is taken out.
// (2) A5 clears `waiting` before B4 looks: B4 does not sleep. After B4 slept: the exchange comes after the test under
//     the lock, so ring_wake, which takes the lock, finds B asleep.
// (3) B withdraws (B3) while A is between A4 and A5: the exchange sees 0 and A does not enter the kernel; or it sees 1,
//     and a wake-up goes out for an entry that B knows already. It may end B's *next* sleep: B looks again and sleeps
//     again. A late wake-up costs a little; there is at most one, as A publishes again only after it.
// (4) A ends instead of publishing: the kernel sets kernel_broken and then wakes B as in A5; B4 tests it under the
//     lock.
// (5) Only B sets its `waiting`, and it withdraws it after every sleep, so an exchange that sees 1 is for a B that is
//     about to sleep, sleeps, or just looked again.
template <RingSide side, RingSystem System, typename Trace>
class RingEnd {
public:
    RingEnd(const RingAttachment& ring, System system)
        : own_(side == RingSide::producer ? ring.producer_index : ring.consumer_index)
        , limit_(side == RingSide::producer ? ring.consumer_index + ring.capacity : ring.producer_index)
        , mask_(ring.capacity - 1)
        , bound_(ring.capacity)
        , header_(ring.header)
        , number_(ring.number)
        , system_(std::move(system))
    {
    }

    // Slots that this side may use before it has to look at the peer's index again.
    std::uint32_t usable() const { return limit_ - own_; }
    std::uint32_t index() const { return own_; }
    std::uint32_t number() const { return number_; }
    std::uint32_t capacity() const { return mask_ + 1; }
    BrokenReason broken_reason() const { return reason_; }
    System& system() { return system_; }

    // The functions of the fast path take header and own index from the caller, who holds them in registers: atomic
    // operations make the compiler read members again. Entries start at a fixed offset, so that one register serves
    // indices and slots.
    RingHeader* header() const { return header_; }

    template <typename Entry>
    std::byte* slot(RingHeader* header, std::uint32_t index) const
    {
        std::byte* const entries = reinterpret_cast<std::byte*>(header) + ring_entries_offset;
        return entries + std::size_t { index & mask_ } * sizeof(Entry);
    }

    // Is a slot usable, if need be after a look at the peer's index?
    bool ready(RingHeader* header, std::uint32_t own)
    {
        if (limit_ != own) return true;
        // Nothing is left, so one comparison finds both "still nothing" and "impossible".
        const std::uint32_t limit = read_limit(header);
        if (limit - own - 1 < bound_) [[likely]] {
            limit_ = limit;
            return true;
        }
        return refresh();
    }

    // A2 and A3: everything before `next` is the peer's. The sequentially consistent store is publication and full
    // fence in one instruction (XCHG).
    void publish(RingHeader* header, std::uint32_t next)
    {
        own_ = next;
        own_line(header).index.store(next, std::memory_order_seq_cst);
    }

    // A4 and A5.
    void wake_sleeper(RingHeader* header)
    {
        if (peer_line(header).waiting.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            wake_peer();
    }

    // Reads the peer's index: true if at least one slot is usable. False: full or empty, or broken by now.
    [[gnu::noinline]] bool refresh()
    {
        if (reason_ != BrokenReason::none) return false;
        if (!look()) return false;
        if (usable() != 0) return true;
        // Nothing to do: is there still someone to wait for? What it published before it left counts, so look again.
        std::uint32_t word = header_->kernel_broken.load(std::memory_order_acquire);
        if (word == 0) word = peer_line(header_).broken.load(std::memory_order_acquire);
        if (word == 0 || !look()) return false;
        if (usable() != 0) return true;
        give_up(word <= static_cast<std::uint32_t>(BrokenReason::false_wakes) ? static_cast<BrokenReason>(word)
                                                                              : BrokenReason::peer_closed);
        return false;
    }

    // B1..B3: true if the caller may now sleep (ring_wait), and must call cancel_wait() afterwards, whatever happened.
    // False: there is something to do, or the ring is broken; nothing to cancel.
    bool prepare_wait()
    {
        own_line(header_).waiting.store(1, std::memory_order_seq_cst);
        if (!refresh() && reason_ == BrokenReason::none) return true;
        cancel_wait();
        return false;
    }
    void cancel_wait() { own_line(header_).waiting.store(0, std::memory_order_relaxed); }

    // Waits until a slot is usable: looks `spins` times, then sleeps. Returns none; peer_closed or broken; or what
    // ended the sleep (interrupted, timed_out, ...) if there is still nothing.
    [[gnu::noinline]] Error wait(std::uint64_t deadline, unsigned spins)
    {
        for (unsigned fruitless = 0; fruitless < ring_false_wake_limit; ++fruitless) {
            for (unsigned spin = 0; spin < spins && !refresh() && reason_ == BrokenReason::none; ++spin)
                relax();
            if (usable() != 0 || !prepare_wait()) return usable() != 0 ? Error::none : broken_error();
            const Error ended = system_.wait(side, deadline);
            cancel_wait();
            // Look before believing the kernel's reason: an entry in hand is worth more than a deadline that passed.
            if (!refresh() && reason_ == BrokenReason::none && ended != Error::none && ended != Error::would_block)
                return ended;
        }
        if (usable() == 0) give_up(BrokenReason::false_wakes);
        return usable() != 0 ? Error::none : broken_error();
    }

    RingResult nothing() const
    {
        if (reason_ != BrokenReason::none) return RingResult::broken;
        return side == RingSide::producer ? RingResult::full : RingResult::empty;
    }

private:
    static constexpr RingSide peer_side = side == RingSide::producer ? RingSide::consumer : RingSide::producer;

    static RingLine& own_line(RingHeader* header)
    {
        return side == RingSide::producer ? header->producer : header->consumer;
    }
    static RingLine& peer_line(RingHeader* header)
    {
        return side == RingSide::producer ? header->consumer : header->producer;
    }

    static void relax()
    {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    std::uint32_t read_limit(RingHeader* header) const
    {
        const std::uint32_t peer = peer_line(header).index.load(std::memory_order_seq_cst);
        return side == RingSide::producer ? peer + capacity() : peer;
    }

    // Takes over the peer's index if a sound peer could have it: it went forwards, and not past what this side gave it.
    bool look()
    {
        const std::uint32_t limit = read_limit(header_);
        const std::uint32_t now_usable = limit - own_;
        if (now_usable > bound_ || now_usable < usable()) {
            give_up(BrokenReason::index_out_of_range);
            return false;
        }
        limit_ = limit;
        return true;
    }

    [[gnu::cold, gnu::noinline]] void wake_peer()
    {
        if (peer_line(header_).waiting.exchange(0, std::memory_order_seq_cst) == 0) return;
        own_line(header_).wakes.store(++wakes_, std::memory_order_relaxed);
        system_.wake(peer_side);
    }

    // Final. The peer learns of it like of an entry (A2..A5), so a peer that sleeps does not wait for ever.
    [[gnu::cold, gnu::noinline]] void give_up(BrokenReason reason)
    {
        reason_ = reason;
        limit_ = own_;
        bound_ = 0;
        own_line(header_).broken.store(static_cast<std::uint32_t>(reason), std::memory_order_seq_cst);
        Trace::broken(number_, reason, side);
        wake_sleeper(header_);
    }

    Error broken_error() const { return reason_ == BrokenReason::peer_closed ? Error::peer_closed : Error::broken; }

    std::uint32_t own_;
    std::uint32_t limit_;
    std::uint32_t mask_;
    std::uint32_t bound_; // the capacity; 0 once broken
    RingHeader* header_;
    std::uint32_t number_;
    BrokenReason reason_ = BrokenReason::none;
    std::uint64_t wakes_ = 0;
    [[no_unique_address]] System system_;
};

} // namespace orrery::abi
