// The ring's two ends, RingProducer and RingConsumer: typed entries in and out, one by one or in batches, with or
// without sleeping. What keeps them safe from a hostile peer and from lost wake-ups is in ring_end.h.
#pragma once

#include "abi/error.h"
#include "abi/ring.h"
#include "abi/ring_end.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <type_traits>
#include <utility>

namespace orrery::abi {

template <typename Entry>
concept RingEntry = std::is_trivially_copyable_v<Entry> && sizeof(Entry) <= ring_max_entry_size
    && alignof(Entry) <= alignof(RingHeader);

template <RingEntry Entry>
constexpr std::uint64_t ring_entry_tag(const Entry& entry)
{
    if constexpr (requires { static_cast<std::uint64_t>(entry.tag); })
        return static_cast<std::uint64_t>(entry.tag);
    else
        return 0;
}

// The end that writes entries. One thread at a time; the object is the truth about the own index, so it must not be
// copied and used twice.
template <RingEntry Entry, RingSystem System, typename Trace = NoRingTrace>
class RingProducer {
public:
    // `memory` is the mapping of the whole ring, `mapped_bytes` its length, `capacity` the number of entries that the
    // program expects (0 = any). Fails with bad_header or index_out_of_range; never trusts the memory again afterwards.
    static std::expected<RingProducer, BrokenReason> attach(
        void* memory, std::size_t mapped_bytes, std::uint32_t capacity, System system)
    {
        const auto ring = attach_ring(memory, mapped_bytes, sizeof(Entry), capacity);
        if (!ring) return std::unexpected(ring.error());
        return RingProducer(*ring, std::move(system));
    }
    RingProducer(RingProducer&&) = default;
    RingProducer& operator=(RingProducer&&) = default;

    // done, full or broken. Never sleeps.
    RingResult push(const Entry& entry)
    {
        RingHeader* const header = end_.header();
        const std::uint32_t index = end_.index();
        if (!end_.ready(header, index)) [[unlikely]]
            return end_.nothing();
        write(header, index, entry);
        end_.publish(header, index + 1);
        Trace::pushed(end_.number(), index, ring_entry_tag(entry));
        end_.wake_sleeper(header);
        return RingResult::done;
    }

    // Pushes as many as fit, with one publication and at most one wake-up.
    RingBatch push_batch(std::span<const Entry> entries)
    {
        if (end_.usable() < entries.size() && !end_.refresh()) return { end_.nothing(), 0 };
        const std::uint32_t count =
            entries.size() < end_.usable() ? static_cast<std::uint32_t>(entries.size()) : end_.usable();
        RingHeader* const header = end_.header();
        const std::uint32_t first = end_.index();
        for (std::uint32_t i = 0; i < count; ++i)
            write(header, first + i, entries[i]);
        end_.publish(header, first + count);
        for (std::uint32_t i = 0; i < count; ++i)
            Trace::pushed(end_.number(), first + i, ring_entry_tag(entries[i]));
        end_.wake_sleeper(header);
        return { RingResult::done, count };
    }

    // Pushes; sleeps while the ring is full. Error::none = pushed; peer_closed, broken, interrupted, timed_out, ... =
    // not pushed.
    Error push_wait(const Entry& entry, std::uint64_t deadline, unsigned spins)
    {
        while (push(entry) != RingResult::done) {
            if (const Error error = end_.wait(deadline, spins); error != Error::none) return error;
        }
        return Error::none;
    }

    // For callers that sleep by other means than push_wait: see RingEnd.
    bool prepare_wait() { return end_.prepare_wait(); }
    void cancel_wait() { end_.cancel_wait(); }

    BrokenReason broken_reason() const { return end_.broken_reason(); }
    std::uint32_t capacity() const { return end_.capacity(); }
    std::uint32_t index() const { return end_.index(); }
    System& system() { return end_.system(); }

private:
    RingProducer(const RingAttachment& ring, System system)
        : end_(ring, std::move(system))
    {
    }
    void write(RingHeader* header, std::uint32_t index, const Entry& entry)
    {
        __builtin_memcpy(end_.template slot<Entry>(header, index), &entry, sizeof(Entry));
    }

    RingEnd<RingSide::producer, System, Trace> end_;
};

// The end that takes entries. As RingProducer.
template <RingEntry Entry, RingSystem System, typename Trace = NoRingTrace>
class RingConsumer {
public:
    static std::expected<RingConsumer, BrokenReason> attach(
        void* memory, std::size_t mapped_bytes, std::uint32_t capacity, System system)
    {
        const auto ring = attach_ring(memory, mapped_bytes, sizeof(Entry), capacity);
        if (!ring) return std::unexpected(ring.error());
        return RingConsumer(*ring, std::move(system));
    }
    RingConsumer(RingConsumer&&) = default;
    RingConsumer& operator=(RingConsumer&&) = default;

    // done, empty or broken. Never sleeps. `entry` is written only if done, and is the program's own copy: the peer can
    // no longer change what was checked.
    RingResult pop(Entry& entry)
    {
        RingHeader* const header = end_.header();
        const std::uint32_t index = end_.index();
        if (!end_.ready(header, index)) [[unlikely]]
            return end_.nothing();
        read(header, index, entry);
        end_.publish(header, index + 1);
        Trace::popped(end_.number(), index, ring_entry_tag(entry));
        end_.wake_sleeper(header);
        return RingResult::done;
    }

    // Takes as many as there are, up to the size of `entries`, with one publication and at most one wake-up.
    RingBatch pop_batch(std::span<Entry> entries)
    {
        if (end_.usable() < entries.size() && !end_.refresh()) return { end_.nothing(), 0 };
        const std::uint32_t count =
            entries.size() < end_.usable() ? static_cast<std::uint32_t>(entries.size()) : end_.usable();
        RingHeader* const header = end_.header();
        const std::uint32_t first = end_.index();
        for (std::uint32_t i = 0; i < count; ++i)
            read(header, first + i, entries[i]);
        end_.publish(header, first + count);
        for (std::uint32_t i = 0; i < count; ++i)
            Trace::popped(end_.number(), first + i, ring_entry_tag(entries[i]));
        end_.wake_sleeper(header);
        return { RingResult::done, count };
    }

    // Takes one; sleeps while the ring is empty. Error::none = taken; else as push_wait.
    Error pop_wait(Entry& entry, std::uint64_t deadline, unsigned spins)
    {
        while (pop(entry) != RingResult::done) {
            if (const Error error = end_.wait(deadline, spins); error != Error::none) return error;
        }
        return Error::none;
    }

    bool prepare_wait() { return end_.prepare_wait(); }
    void cancel_wait() { end_.cancel_wait(); }

    BrokenReason broken_reason() const { return end_.broken_reason(); }
    std::uint32_t capacity() const { return end_.capacity(); }
    std::uint32_t index() const { return end_.index(); }
    System& system() { return end_.system(); }

private:
    RingConsumer(const RingAttachment& ring, System system)
        : end_(ring, std::move(system))
    {
    }
    void read(RingHeader* header, std::uint32_t index, Entry& entry)
    {
        __builtin_memcpy(&entry, end_.template slot<Entry>(header, index), sizeof(Entry));
        // No double fetch: the compiler must not read the shared slot again in place of the copy.
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    RingEnd<RingSide::consumer, System, Trace> end_;
};

} // namespace orrery::abi
