// Phases: every step that has a meaning. This table is the one source of the SDT probes, the flight recorder's events,
// the Inspector's step targets and breakpoints, and the documentation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orrery::abi {

// X(group, name, where it fires, argument 0, argument 1, argument 2, sentence)
// The probe is orrery:<group>__<name>, the step target "<group>.<name>". `where`: kernel, user, or both.
#define ORRERY_PHASES(X)                                                                                               \
    X(signal, raised, both, "target", "signal", "sender", "a signal was sent")                                         \
    X(signal, merged, both, "target", "signal", "sender", "the signal was pending already, so both count as one")      \
    X(signal, discarded, both, "target", "signal", "sender", "the target ignores the signal, so it vanished")          \
    X(signal, noticed, kernel, "thread", "deliverable set", "rip", "the kernel saw a deliverable signal on return")    \
    X(signal, deferred, kernel, "thread", "deliverable set", "rip", "the thread inhibits delivery, so it was put off") \
    X(signal, diverted, kernel, "thread", "signal or 0", "rip", "the kernel sent the thread to its trampoline")        \
    X(signal, framed, user, "frame", "signal", "rip", "the interrupted registers are in a frame on the stack")         \
    X(signal, handled, user, "frame", "signal", "handler", "the handler is about to run")                              \
    X(signal, returned, user, "frame", "signal", "rip", "the handler has returned")                                    \
    X(signal, resumed, user, "frame", "signal", "rip", "the thread goes on where it was, or where the frame says")     \
    X(fault, raised, kernel, "thread", "signal", "address", "an instruction faulted")                                  \
    X(thread, created, kernel, "thread", "space", "entry", "a thread was made")                                        \
    X(thread, switched, kernel, "from", "to", "cpu", "the processor went from one thread to another")                  \
    X(thread, blocked, kernel, "thread", "wait reason", "object", "the thread sleeps")                                 \
    X(thread, woken, kernel, "thread", "wait result", "object", "the thread can run again")                            \
    X(thread, ended, kernel, "thread", "space", "unused", "the thread is gone")                                        \
    X(space, ended, kernel, "space", "exit status word", "unused", "an address space ended")                           \
    X(ring, pushed, user, "ring", "index", "tag", "an entry was published")                                            \
    X(ring, popped, user, "ring", "index", "tag", "an entry was taken")                                                \
    X(ring, rung, kernel, "ring", "side woken", "waker", "one side woke the other through the kernel")                 \
    X(ring, slept, kernel, "ring", "side", "thread", "one side found nothing to do and sleeps")                        \
    X(ring, broken, both, "ring", "reason", "side", "the ring's rules were broken, or a side is gone")                 \
    X(call, submitted, kernel, "scheme", "tag", "caller", "a program called a scheme")                                 \
    X(call, received, kernel, "scheme", "tag", "server", "a server took the call")                                     \
    X(call, replied, kernel, "scheme", "tag", "server", "the call was answered, or its server is gone")                \
    X(call, resumed, kernel, "scheme", "tag", "caller", "the caller goes on with the answer")                          \
    X(call, cancelled, kernel, "scheme", "tag", "caller", "the caller gave the call up, or asked for that")

enum class Phase : std::uint16_t {
#define X(group, name, where, a0, a1, a2, sentence) group##_##name,
    ORRERY_PHASES(X)
#undef X
    count
};
inline constexpr std::size_t phase_count = static_cast<std::size_t>(Phase::count);

// The target of a signal's phase is the number of a thread; with this bit set, of a space: the signal goes to the process,
// and any of its threads may take it.
inline constexpr std::uint64_t target_is_space = std::uint64_t { 1 } << 32;

enum class PhaseWhere : std::uint8_t { kernel, user, both };

struct PhaseDescription {
    const char* group;
    const char* name;
    const char* step_name;  // "signal.raised"
    const char* probe_name; // "signal__raised", provider "orrery"
    PhaseWhere where;
    const char* arguments[3];
    const char* sentence;
};

inline constexpr PhaseDescription phase_table[] = {
#define X(group, name, where, a0, a1, a2, sentence) \
    { #group, #name, #group "." #name, #group "__" #name, PhaseWhere::where, { a0, a1, a2 }, sentence },
    ORRERY_PHASES(X)
#undef X
};
static_assert(sizeof(phase_table) / sizeof(phase_table[0]) == phase_count);

} // namespace orrery::abi
