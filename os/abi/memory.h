// Memory: the flags of memory_create and memory_physical, and what a program can say about its pages.
#pragma once

#include <cstdint>

namespace orrery::abi {

enum MemoryFlag : std::uint32_t {
    // Pages that the program declared clean may be dropped when memory is short. The next access then raises SIGBUS
    // (BUS_OBJERR) at whoever makes it, instead of reading zeroes; the program makes the page anew with
    // advice restore.
    memory_discardable = 1u << 0,
};

enum PhysicalFlag : std::uint32_t {
    physical_contiguous = 1u << 0, // one run of addresses
    physical_below_4g = 1u << 1,   // for devices with 32-bit addresses
    // The strategy. Without it: the largest runs that there are, so that the list of them is short. With it: the
    // smallest, so that the large ones stay whole for who needs them. Not together with physical_contiguous.
    physical_smallest_first = 1u << 2,
};

// What a memory object's slot says of its page: the frame's address with these bits below it; 0 = never touched: it reads as
// zero, or its pager has it. A contract between the kernel and its debugger, no program sees it. X(bit, name, sentence)
#define ORRERY_PAGE_SLOT_FLAGS(X)                                                            \
    X(0, shared, "copy-on-write: another object may have the same frame")                    \
    X(1, pinned, "the kernel or a device points at the frame, so it never moves")            \
    X(2, discarded, "dropped under pressure: an access faults until the program restores it") \
    X(3, clean, "the contents can be had again, so the page may be dropped")                 \
    X(4, writing, "its pager is writing it back: the only copy, so it is not dropped")

enum PageSlotFlag : std::uint32_t {
#define X(bit, name, sentence) slot_##name = 1u << bit,
    ORRERY_PAGE_SLOT_FLAGS(X)
#undef X
    slot_flags = (1u << 5) - 1,
};

// X(name, sentence)
#define ORRERY_ADVICE(X)                                                                           \
    X(forget, "give the pages back; the next access sees zeroes")                                 \
    X(clean, "discardable memory: the contents can be made again, so the pages may be dropped")   \
    X(keep, "discardable memory: the pages must not be dropped any more")                         \
    X(restore, "discardable memory: dropped pages become zeroed pages again")                     \
    X(populate, "make the pages present now")

enum class Advice : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_ADVICE(X)
#undef X
    count
};

// What a pager says of pages that it was asked to write back, or that its file has lost. X(name, sentence)
#define ORRERY_SETTLEMENTS(X)                                                         \
    X(written, "they are where they belong: the copies in memory may be dropped")     \
    X(gone, "they are part of the object no more: the next access asks the pager")

enum class Settlement : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_SETTLEMENTS(X)
#undef X
    count
};
inline constexpr std::uint64_t memory_collect_maximum = 64; // pages a call

// How short memory is. X(name, sentence)
#define ORRERY_MEMORY_PRESSURES(X)                                            \
    X(none, "there is enough")                                                \
    X(low, "less than a quarter is free: give up what is easily had again")   \
    X(medium, "less than an eighth is free: give up all that can be had again") \
    X(critical, "less than a thirty-second is free: requests will soon fail")

enum class MemoryPressure : std::uint32_t {
#define X(name, sentence) name,
    ORRERY_MEMORY_PRESSURES(X)
#undef X
};

} // namespace orrery::abi
