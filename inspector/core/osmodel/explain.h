// Sentences: why a thread does not go on, and why a signal is not (yet) delivered.
#pragma once

#include <string>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

// "runs on CPU 0", "waits for entries on ring 1 (consumer side)". No subject and no full stop: it follows "thread 3 ".
// `snapshot`, if given, names the spaces that are waited for.
std::string explain(const ThreadView& thread, const Snapshot* snapshot = nullptr);

// One whole sentence for every state: "SIGUSR1 is pending but its allow bit is clear: the thread blocks it
// (sigprocmask)". `snapshot`, if given, tells of other threads that may take a signal of the process.
std::string explain_signal(const ThreadView& thread, int signal, const Snapshot* snapshot = nullptr);

// What a space is charged with and may have: "is charged with 43 pages of memory, 30 of them in memory objects of its
// own, and has no limit of its own". No subject and no full stop: it follows "space 2 (ping) ". Empty if not known.
std::string explain(const AccountView& account);
std::string explain(const MachineMemoryView& memory); // "30641 of the machine's 31744 pages are free; ..."; "" if not known

// "thread 3 (ping)" and "space 2 (ping)"; without a name if the picture has none.
std::string thread_label(const Snapshot& snapshot, std::uint32_t thread);
std::string space_label(const Snapshot& snapshot, std::uint32_t space);

// "SIGUSR1", "SIGRT35", "64" (no signal).
std::string signal_text(int signal);
// "SIGINT SIGUSR1"; "none" for an empty set. `set` has bit number - 1.
std::string signal_set_text(std::uint64_t set);
// "is ignored", "has the handler on_signal", "ends the process by default", ... after the signal's name.
std::string action_text(const SignalView& signals, int signal);
// "exited with status 3", "was ended by SIGSEGV".
std::string exit_text(abi::ExitStatus status);
// "SIGUSR1", "0x1f" etc. by what the phase table says of the argument; `snapshot` knows the kernel's wait reasons.
std::string argument_text(abi::Phase phase, unsigned index, std::uint64_t value, const Snapshot* snapshot = nullptr);

} // namespace orrery::inspector
