// What a piece of an expression can be: kinds are known when it is parsed, values when it is evaluated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "inspector/lessons/scene.h"

namespace orrery::inspector::lessons {

// X(name, what people call it). From `thread` on they are objects: they have fields, but no value of their own.
#define ORRERY_PREDICATE_KINDS(X)                                                                                      \
    X(truth, "true or false")                                                                                          \
    X(number, "a number")                                                                                              \
    X(address, "an address")                                                                                           \
    X(signal, "a signal")                                                                                              \
    X(signals, "a set of signals")                                                                                     \
    X(text, "a text")                                                                                                  \
    X(phase, "a phase's name")                                                                                         \
    X(thread, "a thread")                                                                                              \
    X(process, "a process")                                                                                            \
    X(ring, "a ring")                                                                                                  \
    X(ring_side, "one side of a ring")                                                                                 \
    X(frame, "a signal frame")                                                                                         \
    X(phases, "the times that a phase was seen")                                                                       \
    X(seen, "one time that a phase was seen")                                                                          \
    X(exit, "how a program ended")                                                                                     \
    X(machine, "the machine")                                                                                          \
    X(fault, "a fault")                                                                                                \
    X(action, "a signal's action")

enum class Kind {
#define X(name, words) name,
    ORRERY_PREDICATE_KINDS(X)
#undef X
};
const char* in_words(Kind kind);
constexpr bool is_object(Kind kind) { return kind >= Kind::thread; }
constexpr bool is_numeric(Kind kind) { return kind == Kind::number || kind == Kind::address || kind == Kind::signal; }

// Wide enough for every unsigned and every signed 64-bit value and for a sum of two.
using Number = __int128;

struct Unknown {
    std::string why; // sentence without a full stop: "there is no thread named ping"
};
struct SignalSet {
    std::uint64_t bits = 0; // bit number - 1
};

// Which of the phases seen count.
struct PhaseQuery {
    abi::Phase phase {};
    std::optional<int> signal;
    std::optional<std::string> thread_name;
    std::optional<std::uint64_t> ring;
    bool operator==(const PhaseQuery&) const = default;
};

struct ActionReference {
    const abi::SignalAction* action = nullptr;
    int signal = 0;
};

using Value = std::variant<Unknown, bool, Number, SignalSet, std::string, const ThreadView*, const SpaceView*,
    const RingView*, const RingSideView*, const FrameView*, PhaseQuery, const SeenPhase*, abi::ExitStatus,
    const Snapshot*, const abi::FaultRecord*, ActionReference>;

inline bool is_unknown(const Value& value) { return std::holds_alternative<Unknown>(value); }
inline Value unknown(std::string why) { return Unknown { std::move(why) }; }

// "true", "3", "0x401000", "SIGUSR1", "{SIGUSR1}", "\"text\"", "unknown: ...".
std::string in_words(const Value& value, Kind kind);

} // namespace orrery::inspector::lessons
