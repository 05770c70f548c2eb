// Getting memory back under pressure: the kernel drops clean pages of discardable objects by itself.
#pragma once

#include <cstdint>

namespace orrery::kernel {

class MemoryObject;

void register_discardable(MemoryObject& object);
void unregister_discardable(MemoryObject& object);

// Drops clean pages until about `pages` are free again; returns how many were dropped. No lock may be held.
std::uint64_t reclaim(std::uint64_t pages);

} // namespace orrery::kernel
