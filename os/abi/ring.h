// The ring contract: a single-producer single-consumer queue in memory that two programs share.
//
// Indices are free-running 32-bit numbers; slot = index & (capacity - 1); capacity is a power of two. Each side writes
// only its own line. A side that finds the other's index impossible marks the ring broken and never reads past it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace orrery::abi {

enum class RingSide : std::uint32_t { producer = 0, consumer = 1 };

inline constexpr std::uint32_t ring_magic = 0x474e4952; // "RING"
inline constexpr std::uint32_t ring_max_capacity = 1u << 15;
inline constexpr std::uint32_t ring_max_entry_size = 4096;

// What one side publishes. `waiting` is set by the owner before it sleeps and cleared by whoever wakes it.
struct alignas(64) RingLine {
    std::atomic<std::uint32_t> index;
    std::atomic<std::uint32_t> waiting;
    std::atomic<std::uint32_t> broken; // this side gave the ring up: nonzero = a BrokenReason
    std::uint32_t reserved;
    std::atomic<std::uint64_t> wakes;  // how often this side had to wake the other through the kernel
    std::atomic<std::uint64_t> sleeps; // how often this side slept; counted by ring_wait
};

// Why a side gave a ring up. X(value, name, sentence for people)
#define ORRERY_BROKEN_REASONS(X)                                                                     \
    X(0, none, "the ring is sound")                                                                  \
    X(1, index_out_of_range, "the other side published an index that no sequence of steps leads to") \
    X(2, peer_closed, "the other side has closed the ring or ended")                                 \
    X(3, bad_header, "the shared memory does not hold a ring of the expected shape")                 \
    X(4, false_wakes, "the other side keeps waking this one with nothing to show for it")

enum class BrokenReason : std::uint32_t {
#define X(value, name, sentence) name = value,
    ORRERY_BROKEN_REASONS(X)
#undef X
};

constexpr const char* name(BrokenReason reason)
{
    switch (reason) {
#define X(value, name, sentence) case BrokenReason::name: return #name;
    ORRERY_BROKEN_REASONS(X)
#undef X
    }
    return "unknown";
}

constexpr const char* sentence(BrokenReason reason)
{
    switch (reason) {
#define X(value, name, sentence) case BrokenReason::name: return sentence;
    ORRERY_BROKEN_REASONS(X)
#undef X
    }
    return "a reason that this version does not know";
}

// Head of the shared memory. The kernel fills the first line at ring_create and sets kernel_broken when a side's last
// handle is gone; entries start at entries_offset.
struct alignas(64) RingHeader {
    std::uint32_t magic;
    std::uint32_t entry_size;
    std::uint32_t capacity;
    std::uint32_t entries_offset;
    std::uint32_t number;                     // ring id, as the Inspector shows it
    std::atomic<std::uint32_t> kernel_broken; // BrokenReason
    std::uint32_t reserved[10];
    RingLine producer; // producer.index = tail: next slot to be written
    RingLine consumer; // consumer.index = head: next slot to be read
};
static_assert(sizeof(RingLine) == 64 && sizeof(RingHeader) == 192);
static_assert(offsetof(RingHeader, producer) == 64 && offsetof(RingHeader, consumer) == 128);
inline constexpr std::uint32_t ring_entries_offset = 4096; // entries are page-aligned

// Entries of scheme rings (and of the demonstration): submission 64 bytes, completion 16.
struct Sqe {
    std::uint8_t opcode;
    std::uint8_t flags;
    std::uint16_t priority;
    std::uint32_t tag;
    std::uint64_t arguments[6];
    std::uint64_t caller;
};
static_assert(sizeof(Sqe) == 64);

struct Cqe {
    std::uint8_t flags;
    std::uint8_t extra[3];
    std::uint32_t tag;
    std::uint64_t result;
};
static_assert(sizeof(Cqe) == 16);

} // namespace orrery::abi
