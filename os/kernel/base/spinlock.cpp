// Lock-rank checking: one bit per rank and CPU.
#include "kernel/base/spinlock.h"

#include "kernel/boot/panic.h"
#include "kernel/cpu/cpu.h"

namespace orrery::kernel {

void lock_rank_acquired(LockRank rank)
{
    Cpu& cpu = this_cpu();
    const std::uint32_t bit = 1u << static_cast<unsigned>(rank);
    if (cpu.held_lock_ranks >= bit) [[unlikely]]
        panic("lock order: rank %u taken while the ranks 0x%lx are held", static_cast<unsigned>(rank),
            std::uint64_t { cpu.held_lock_ranks });
    cpu.held_lock_ranks |= bit;
}

void lock_beside_acquired(bool in_order)
{
    if (!in_order) [[unlikely]]
        panic("lock order: two locks of one rank taken in the wrong order");
}

void lock_rank_released(LockRank rank) { this_cpu().held_lock_ranks &= ~(1u << static_cast<unsigned>(rank)); }

} // namespace orrery::kernel
