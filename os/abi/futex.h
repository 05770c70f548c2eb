// Words that threads sleep on, and what they may tell about who has to change them.
#pragma once

#include <cstdint>

namespace orrery::abi {

// What a word is for. An owned one names the thread that has to change it, so that everybody can see who waits for
// whom; the kernel itself never reads more of it than whether it has the expected value.
enum class FutexWord : std::uint64_t { plain, owned };

inline constexpr std::uint32_t futex_owner = 0x3fff'ffff;     // number of the thread (ThreadControl); 0 = none
inline constexpr std::uint32_t futex_contended = 0x8000'0000; // it is a lock, and its owner has to wake somebody

} // namespace orrery::abi
