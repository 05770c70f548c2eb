// The end of a thread, whoever asked for it.
#pragma once

namespace orrery::kernel {

// Zeroes and wakes the thread's exit word, leaves its space and never returns.
[[noreturn]] void end_thread();

} // namespace orrery::kernel
