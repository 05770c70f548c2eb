// Sentences about schemes: what a scheme waits for, and how far a call has come.
#pragma once

#include <string>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

// "scheme 3: 2 calls wait, because all of its servers are at work". No full stop.
std::string explain_scheme(const SchemeView& scheme, const Snapshot& snapshot);
// "call 17 of thread 5 (ping) is with server thread 9 (files)". No full stop.
std::string explain_call(const SchemeView& scheme, const CallView& call, const Snapshot& snapshot);

// "page_in" for the kernel's own opcodes, else the number: it is the server's own.
std::string opcode_label(std::uint32_t opcode);

} // namespace orrery::inspector
