// Getting memory back under pressure: the kernel drops clean pages of discardable objects by itself.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"

namespace orrery::kernel {

class MemoryObject;

void register_discardable(MemoryObject& object);
void unregister_discardable(MemoryObject& object);

// Drops clean pages until about `pages` are free again; returns how many were dropped. No lock may be held.
std::uint64_t reclaim(std::uint64_t pages);
inline constexpr std::uint64_t reclaim_batch = 64; // pages; enough that the next few requests need not come here again

// Tries until it works, or fails for another reason than memory, or nothing is left that could be dropped. No lock may
// be held, and an attempt that fails must leave nothing behind.
template <typename Attempt>
auto with_reclaim(Attempt attempt)
{
    for (;;) {
        auto result = attempt();
        if (result || result.error() != Error::out_of_memory || reclaim(reclaim_batch) == 0) return result;
    }
}

} // namespace orrery::kernel
