// System calls: the one table of numbers, names and arguments. The kernel's dispatch table, the user stubs, the
// Inspector's decoder and the documentation are made from it.
//
// Convention: number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9; RCX and R11 are clobbered. RAX holds the value
// (>= 0) or minus an abi::Error. Every other register is preserved.
#pragma once

#include <cstdint>

namespace orrery::abi {

// X(name, arguments, sentence)
#define ORRERY_SYSCALLS(X)                                                                                             \
    X(nop, "", "does nothing, so that the cost of a system call can be measured")                                      \
    X(console_write, "console handle, address, length", "writes bytes to the console")                                 \
    X(clock_now, "Clock", "nanoseconds since the machine started, or since 1970")                                                         \
    X(thread_yield, "", "lets another thread run")                                                                     \
    X(handle_close, "handle", "gives a handle back")                                                                   \
    X(handle_duplicate, "handle, rights", "makes a second handle with the same or fewer rights")                       \
    X(handle_install, "space handle, handle, rights", "puts a copy of a handle into another space's table")            \
    X(memory_create, "size in bytes, MemoryFlag", "makes a memory object of zeroed pages that exist once touched")      \
    X(memory_map, "space handle, memory or ring handle, object offset, address or 0, length, protection",             \
      "maps part of a memory object; returns the address")                                                             \
    X(memory_unmap, "space handle, address, length", "removes mappings")                                               \
    X(memory_protect, "space handle, address, length, protection", "changes the protection of mapped pages")           \
    X(space_create, "name address, name length", "makes an empty address space with a name for people")                 \
    X(space_end, "space handle, ExitStatus word", "ends a space and all of its threads")                               \
    X(space_wait, "space handle, deadline", "waits until a space has ended; returns its ExitStatus word")              \
    X(thread_create, "space handle, entry, stack pointer, argument, thread pointer", "makes a thread and starts it")   \
    X(thread_end, "address of a 32-bit word or 0", "ends the calling thread; the word is zeroed and woken (futex)")    \
    X(signal_register, "thread control address, process control address, trampoline entry",                           \
      "tells the kernel where the calling thread keeps its signal words")                                              \
    X(signal_raise, "space or thread handle, signal number, address of a SignalInfo or 0", "raises a signal")          \
    X(signal_timer, "absolute deadline in ns or 0, interval in ns, signal number",                                    \
      "raises a signal at the calling thread at a time, and then at every interval; 0 disarms")                        \
    X(signal_wait, "absolute deadline", "sleeps until an allowed signal is pending; ends with interrupted")            \
    X(futex_wait, "address, expected 32-bit value, absolute deadline in ns", "sleeps while the word has the value")    \
    X(futex_wake, "address, how many", "wakes sleepers on the word; returns how many")                                 \
    X(ring_create, "entry size, capacity", "makes a ring and its shared memory")                                       \
    X(ring_wait, "ring handle, RingSide, absolute deadline", "sleeps while this side's waiter word is set")            \
    X(ring_wake, "ring handle, RingSide of the sleeper", "wakes the other side of a ring")                             \
    X(machine_end, "power handle, ExitStatus word", "ends the machine with an exit status")                            \
    X(memory_clone, "memory handle, offset, length", "makes a memory object with the same contents, copy-on-write")     \
    X(memory_move, "space handle, from, length, to", "moves mappings to other addresses")                              \
    X(memory_advise, "space handle, address, length, Advice", "says what the pages are worth (abi/memory.h)")          \
    X(memory_replace, "memory handle, offset, source memory handle, source offset",                                   \
      "moves a page of the source into the object, atomically for every running thread")                               \
    X(memory_create_physical, "hardware handle, minimum, maximum, PhysicalFlag",                                      \
      "makes a memory object of physical pages for a device, as large as possible between the two sizes")              \
    X(memory_physical_address, "hardware handle, memory handle, offset", "the address that a device must use")         \
    X(memory_size, "memory handle", "the size of a memory object in bytes")                                            \
    X(thread_self, "", "makes a handle to the calling thread")                                                         \
    X(signal_stop, "how many SIGCONTs the caller has seen",                                                            \
      "stops the calling process as SIGTSTP does by default, unless it was continued since")                            \
    X(scheme_create, "", "makes a scheme; the handle serves and calls, copies of it may do less")                       \
    X(scheme_call, "scheme handle, entry address, completion address, deadline",                                      \
      "sends an Sqe to the scheme's server, waits and receives the Cqe (abi/scheme.h)")                                \
    X(scheme_receive, "scheme handle, address of an answer or 0, entry address or 0, deadline",                       \
      "answers a call, if told to, and waits for the next, if told to")                                                \
    X(scheme_copy, "scheme handle, tag, offset in the buffer, address, length, SchemeCopy",                            \
      "copies between a server's memory and the buffer of a call that it received")                                    \
    X(thread_set_priority, "thread handle, priority", "says which threads it runs before (abi/scheduling.h)")          \
    X(thread_set_affinity, "thread handle, set of processors, a bit each", "says on which processors it may run")      \
    X(space_limit, "space handle, SpaceLimit, value", "lowers a limit of the space (abi/scheduling.h)")                \
    X(thread_filter, "set of system calls, a bit each",                                                               \
      "lets the calling thread make these calls only; another raises SIGSYS, whose handler can answer for the kernel") \
    X(memory_pressure_wait, "MemoryPressure, deadline",                                                               \
      "waits until memory is that short and it is this program's turn to give some back; returns the level")           \
    X(memory_create_paged, "scheme handle, key, size", "makes a memory object whose pages the scheme's server brings")  \
    X(memory_supply, "memory handle, offset, source memory handle, source offset",                                    \
      "gives a paged object a page that it lacks: the source's page moves there")                                      \
    X(memory_collect, "memory handle, offset, address of 64-bit words, how many",                                     \
      "lists pages that were changed, and begins to write them back; returns how many")                                \
    X(memory_settle, "memory handle, offset, length, Settlement", "says what became of pages (abi/memory.h)")           \
    X(event_create, "", "makes an event, which counts and can be waited for")                                          \
    X(event_signal, "event handle", "counts one more, and wakes who waits")                                            \
    X(event_wait, "event handle, absolute deadline", "waits until the count is not 0, takes it and returns it")        \
    X(device_open, "hardware handle, number from 0 on", "makes a handle to a device of the machine")                   \
    X(device_read, "device handle, offset", "reads a word of its configuration space (PCI)")                           \
    X(device_memory, "device handle, region", "makes a memory object of a region of its registers")                    \
    X(device_interrupt, "device handle, number of the interrupt", "makes an event of one of its interrupts")           \
    X(device_map, "device handle, memory handle, offset, length, DeviceAccess",                                       \
      "lets the device reach memory; returns the address that it must use")                                            \
    X(device_unmap, "device handle, address from device_map", "takes that back")                                       \
    X(device_status, "device handle, address of a DeviceStatus", "tells what it is, and what it was refused (abi/device.h)") \
    X(futex_wait_wide, "address, expected 64-bit value, absolute deadline in ns",                                     \
      "sleeps while the word of 64 bits has the value")                                                                \
    X(futex_requeue, "address, expected 32-bit value, how many to wake, how many to move, address to move to, FutexWord", \
      "wakes some sleepers on a word and moves others to another word, in one step")                                   \
    X(clock_set, "hardware handle, nanoseconds since 1970", "sets the date")                                           \
    X(futex_wait_owned, "address, expected 32-bit value, absolute deadline in ns",                                     \
      "sleeps while the word has the value, and tells that it names the thread that has to change it (abi/futex.h)")

enum class Syscall : std::uint64_t {
#define X(name, arguments, sentence) name,
    ORRERY_SYSCALLS(X)
#undef X
    count
};

// A thread's filter is one word.
static_assert(static_cast<std::uint64_t>(Syscall::count) <= 64);
constexpr std::uint64_t filter_bit(Syscall syscall) { return std::uint64_t { 1 } << static_cast<std::uint64_t>(syscall); }

constexpr const char* name(Syscall syscall)
{
    switch (syscall) {
#define X(name, arguments, sentence) case Syscall::name: return #name;
    ORRERY_SYSCALLS(X)
#undef X
    case Syscall::count: break;
    }
    return "unknown";
}

// Which time clock_now tells. Nobody can set the first kind.
enum class Clock : std::uint64_t { since_start = 0, since_1970 = 1 };

// A deadline is a moment of either clock, in nanoseconds: its top bit says that it is one of since_1970. Such a one comes when
// that clock shows it, however the date is set meanwhile (POSIX clock_settime, clock_nanosleep).
inline constexpr std::uint64_t deadline_of_date = std::uint64_t { 1 } << 63;
inline constexpr std::uint64_t no_deadline = ~std::uint64_t { 0 }; // never comes

constexpr Clock clock_of(std::uint64_t deadline)
{
    return deadline & deadline_of_date && deadline != no_deadline ? Clock::since_1970 : Clock::since_start;
}
constexpr std::uint64_t moment_of(std::uint64_t deadline)
{
    return clock_of(deadline) == Clock::since_1970 ? deadline & ~deadline_of_date : deadline;
}
// A moment that does not fit (the year 2262) never comes.
constexpr std::uint64_t deadline_at(Clock clock, std::uint64_t moment)
{
    if (moment & deadline_of_date) return no_deadline;
    return clock == Clock::since_1970 ? moment | deadline_of_date : moment;
}
constexpr std::uint64_t deadline_in(Clock clock, std::uint64_t now, std::uint64_t length)
{
    return length >= deadline_of_date ? no_deadline : deadline_at(clock, now + length);
}

enum Protection : std::uint32_t {
    protection_none = 0,
    protection_read = 1u << 0,
    protection_write = 1u << 1,
    protection_execute = 1u << 2, // never together with write (W^X)
};

// How a space (or the machine) ended: a normal exit with a status, or a signal that nothing handled.
struct ExitStatus {
    std::uint8_t code = 0;   // exit status, if signal is 0
    std::uint8_t signal = 0; // the signal that ended it, or 0

    constexpr std::uint64_t word() const { return std::uint64_t { code } | std::uint64_t { signal } << 8; }
    static constexpr ExitStatus from_word(std::uint64_t word)
    {
        return { static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8) };
    }
    // What a shell would show: the status, or 128 + signal.
    constexpr int shell_status() const { return signal != 0 ? 128 + signal : code; }
};

} // namespace orrery::abi
