// Futexes: sleeping on a word of 32 or 64 bits. The key is the word's place in its memory object, so two mappings of
// one page meet.
#pragma once

#include <cstdint>

#include "abi/futex.h"
#include "kernel/base/error.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {

// would_block if the word does not hold `expected`; interrupted, timed_out, bad_address, invalid_argument (alignment).
// No entry stays behind, whatever ends the wait. What the word is for shows in the thread's wait record only.
Status futex_wait(VirtualAddress address, std::uint32_t expected, std::uint64_t deadline,
    abi::FutexWord word = abi::FutexWord::plain);
Status futex_wait_wide(VirtualAddress address, std::uint64_t expected, std::uint64_t deadline); // of 64 bits
// How many sleepers were woken, at most `count`, first come first woken; of words of either size.
Result<std::uint64_t> futex_wake(VirtualAddress address, std::uint64_t count);
// If the word at `address` holds `expected`: wakes up to `wakes` sleepers (64 at most) and lets up to `moves` more
// sleep on the word at `target` instead, all in one step. Returns how many were woken or moved. would_block,
// bad_address, invalid_argument (alignment, or both are the same word).
Result<std::uint64_t> futex_requeue(VirtualAddress address, std::uint32_t expected, std::uint64_t wakes,
    std::uint64_t moves, VirtualAddress target, abi::FutexWord target_word = abi::FutexWord::plain);

} // namespace orrery::kernel
