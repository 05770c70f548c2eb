// The kernel heap behind operator new: frames cut into blocks of one power-of-two size each, larger ones straight from the buddy.
#pragma once

#include <cstddef>

namespace orrery::kernel {

// At most 4 MiB; nullptr when memory is out. Blocks are aligned to min(their size class, 4096).
void* heap_allocate(std::size_t size);
void heap_free(void* memory);

} // namespace orrery::kernel
