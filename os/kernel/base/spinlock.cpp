// Lock-rank checking: one bit per rank and CPU.
#include "kernel/base/spinlock.h"

#include "kernel/boot/panic.h"

namespace orrery::kernel {

void panic_of_lock_order(LockRank rank)
{
    panic("lock order: rank %u taken while the ranks 0x%lx are held", static_cast<unsigned>(rank),
        std::uint64_t { held_lock_ranks() });
}

void lock_beside_acquired(bool in_order)
{
    if (!in_order) [[unlikely]]
        panic("lock order: two locks of one rank taken in the wrong order");
}

} // namespace orrery::kernel
