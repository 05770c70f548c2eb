// operator new and delete of the kernel: the heap, and never an exception.
#include "kernel/memory/heap.h"

#include <new>

namespace std {
const nothrow_t nothrow {}; // libc++'s library would have it
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return orrery::kernel::heap_allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return orrery::kernel::heap_allocate(size); }
void operator delete(void* memory) noexcept { orrery::kernel::heap_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { orrery::kernel::heap_free(memory); }
void operator delete[](void* memory) noexcept { orrery::kernel::heap_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { orrery::kernel::heap_free(memory); }
