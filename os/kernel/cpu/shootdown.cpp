// TLB shootdown: makes every CPU that uses an address space forget a range, and waits until all have.
//
// The kernel runs with interrupts off, so a CPU that spins for a lock would never take the interrupt of one that waits
// for it. Therefore every spinning loop calls spin_wait_hook, which answers requests by polling.
#include <atomic>

#include "kernel/base/spinlock.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/memory/address_space.h"

namespace orrery::kernel {
namespace {

    struct Request {
        std::atomic<std::uint32_t> waiting_for { 0 }; // bit per CPU that has not answered yet
        VirtualAddress begin = 0;
        VirtualAddress end = 0;
    };
    Request request;
    Spinlock request_lock { LockRank::shootdown };

    constexpr std::uint64_t flush_all_above = 32 * page_size; // one CR3 load is cheaper than that many INVLPGs

    // A long range is of a program: the kernel's entries are global, and a load of CR3 leaves them.
    void forget(VirtualAddress begin, VirtualAddress end)
    {
        if (end - begin > flush_all_above) {
            write_cr3(read_cr3());
            return;
        }
        for (VirtualAddress page = begin; page < end; page += page_size) invalidate_page(page);
    }

    // Waits until all of them have forgotten.
    void ask(std::uint32_t others, VirtualAddress begin, VirtualAddress end) REQUIRES(request_lock)
    {
        if (!others) return;
        request.begin = begin;
        request.end = end;
        request.waiting_for.store(others, std::memory_order_release);
        for (unsigned index = 0; index < cpu_count; ++index)
            if (others & (1u << index)) send_interrupt(cpus[index].apic_id, vector_shootdown);
        while (request.waiting_for.load(std::memory_order_acquire)) pause();
    }

} // namespace

void answer_shootdown()
{
    const std::uint32_t self = 1u << this_cpu().number;
    if (!(request.waiting_for.load(std::memory_order_acquire) & self)) return;
    forget(request.begin, request.end);
    request.waiting_for.fetch_and(~self, std::memory_order_acq_rel);
}

void spin_wait_hook()
{
    answer_shootdown();
    pause();
}

void shoot_down(AddressSpace& space, VirtualAddress begin, VirtualAddress end)
{
    const std::uint32_t self = 1u << this_cpu().number;
    // The entries are changed before anybody looks who uses them; or a CPU that loads the space now could read the old
    // ones from memory and yet be missed here.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (this_cpu().loaded_space == &space) forget(begin, end);
    if (!(space.loaded_on.load(std::memory_order_seq_cst) & ~self)) return;
    Guard guard(request_lock);
    // Read again: a CPU that loaded the space after our change has not cached the old entries, one that left has
    // flushed them.
    ask(space.loaded_on.load(std::memory_order_seq_cst) & ~self, begin, end);
}

void shoot_down_kernel(VirtualAddress begin, VirtualAddress end)
{
    forget(begin, end);
    std::uint32_t others = 0;
    for (unsigned index = 0; index < cpu_count; ++index)
        if (&cpus[index] != &this_cpu() && cpus[index].online.load(std::memory_order_acquire)) others |= 1u << index;
    if (!others) return;
    Guard guard(request_lock);
    ask(others, begin, end);
}

void load_address_space(AddressSpace& space)
{
    Cpu& cpu = this_cpu();
    AddressSpace* old = cpu.loaded_space;
    const std::uint32_t self = 1u << cpu.number;
    space.reference(); // the page tables must outlive their use, even if the last thread goes elsewhere
    space.loaded_on.fetch_or(self, std::memory_order_seq_cst);
    cpu.loaded_space = &space;
    write_cr3(space.page_table_root());
    if (old) {
        old->loaded_on.fetch_and(~self, std::memory_order_seq_cst);
        old->release();
    }
}

} // namespace orrery::kernel
