// Futexes: sleeping on a 32-bit word. The key is the word's physical place, so two mappings of one page meet.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {

// would_block if the word does not hold `expected`; interrupted, timed_out, bad_address, invalid_argument (alignment).
// No entry stays behind, whatever ends the wait.
Status futex_wait(VirtualAddress address, std::uint32_t expected, std::uint64_t deadline);
// How many sleepers were woken, at most `count`, first come first woken.
Result<std::uint64_t> futex_wake(VirtualAddress address, std::uint64_t count);

} // namespace orrery::kernel
