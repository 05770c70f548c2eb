// The kernel heap behind operator new: frames cut into blocks of one power-of-two size each, larger ones straight from
// the buddy.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernel/memory/layout.h"

namespace orrery::kernel {

// At most 4 MiB; nullptr when memory is out. Blocks are aligned to min(their size class, 4096).
void* heap_allocate(std::size_t size);
void heap_free(void* memory);

// The pages that a block of that size has for itself: what somebody can be charged with; 0 if it shares one with
// others.
constexpr std::uint64_t heap_pages(std::size_t size) { return std::bit_ceil(size) / page_size; }

} // namespace orrery::kernel
