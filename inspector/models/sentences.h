// The sentences beside the drawings, as Qt strings: from the core where it explains, from the machine's tables else.
#pragma once

#include <QString>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

// Why a signal is, or is not, delivered to a thread now.
QString signal_sentence(const Snapshot& snapshot, std::uint32_t thread, int signal);
// The arguments of a trace event in words: "target thread 4 (ping), signal SIGUSR1, sender thread 5 (pong)".
QString event_sentence(const Snapshot& snapshot, const TraceEvent& event);
QString phase_text(abi::Phase phase); // "signal.raised"

} // namespace orrery::inspector
