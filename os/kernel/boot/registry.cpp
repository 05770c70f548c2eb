// Registry lists and the descriptor that names their heads.
#include "kernel/boot/registry.h"

#include "kernel/base/spinlock.h"
#include "kernel/boot/descriptor.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/memory/address_space.h"
#include "kernel/ring/ring.h"
#include "kernel/scheme/scheme.h"
#include "kernel/thread/thread.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {

    Spinlock registry_lock { LockRank::registry };
    Thread* all_threads GUARDED_BY(registry_lock) = nullptr;
    AddressSpace* all_spaces GUARDED_BY(registry_lock) = nullptr;
    Ring* all_rings GUARDED_BY(registry_lock) = nullptr;
    Scheme* all_schemes GUARDED_BY(registry_lock) = nullptr;

    // Odd while a list changes, so that a reader without locks knows when its walk was torn.
    class TopologyChange {
    public:
        TopologyChange() { orrery_descriptor.topology.fetch_add(1, std::memory_order_seq_cst); }
        ~TopologyChange() { orrery_descriptor.topology.fetch_add(1, std::memory_order_seq_cst); }
    };

    template <typename T>
    void add(T*& head, T& element)
    {
        TopologyChange change;
        element.all_next = head;
        if (head) head->all_previous = &element;
        head = &element;
    }

    template <typename T>
    void remove(T*& head, T& element)
    {
        TopologyChange change;
        (element.all_previous ? element.all_previous->all_next : head) = element.all_next;
        if (element.all_next) element.all_next->all_previous = element.all_previous;
    }

} // namespace

void register_thread(Thread& thread)
{
    Guard guard(registry_lock);
    add(all_threads, thread);
}
void unregister_thread(Thread& thread)
{
    Guard guard(registry_lock);
    remove(all_threads, thread);
}
void register_space(AddressSpace& space)
{
    Guard guard(registry_lock);
    add(all_spaces, space);
}
void unregister_space(AddressSpace& space)
{
    Guard guard(registry_lock);
    remove(all_spaces, space);
}
Ref<AddressSpace> find_unstarted_space(std::uint32_t maker, const AddressSpace* behind)
{
    Guard guard(registry_lock);
    for (AddressSpace* space = behind ? behind->all_next : all_spaces; space; space = space->all_next)
        if (space->maker == maker && !space->started && space->state == SpaceState::alive && space->try_reference())
            return Ref<AddressSpace>::adopt(space);
    return nullptr;
}
void register_ring(Ring& ring)
{
    Guard guard(registry_lock);
    add(all_rings, ring);
}
void unregister_ring(Ring& ring)
{
    Guard guard(registry_lock);
    remove(all_rings, ring);
}
void register_scheme(Scheme& scheme)
{
    Guard guard(registry_lock);
    add(all_schemes, scheme);
}
void unregister_scheme(Scheme& scheme)
{
    Guard guard(registry_lock);
    remove(all_schemes, scheme);
}

void initialize_descriptor(std::uint64_t physical_end) NO_THREAD_SAFETY_ANALYSIS
{
    abi::Descriptor& descriptor = orrery_descriptor;
    descriptor.cpu_count = cpu_count;
    descriptor.direct_map = direct_map_base;
    descriptor.physical_end = physical_end;
    descriptor.tsc_frequency = tsc_frequency();
    descriptor.boot_tsc = boot_tsc();
    descriptor.cpus = cpus;
    descriptor.first_thread = &all_threads;
    descriptor.first_space = &all_spaces;
    descriptor.first_ring = &all_rings;
    descriptor.first_scheme = &all_schemes;
    descriptor.trace_buffers = trace_buffers;
    descriptor.panic = &panic_record;
}

} // namespace orrery::kernel

// Magic and version are set at link time: a debugger that attaches before the kernel ran reads `booting`.
[[gnu::used]] orrery::abi::Descriptor orrery_descriptor {
    .magic = orrery::abi::descriptor_magic,
    .version = orrery::abi::descriptor_version,
    .size = sizeof(orrery::abi::Descriptor),
    .machine_state = static_cast<std::uint32_t>(orrery::abi::MachineState::booting),
    .cpu_count = 0,
    .topology = 0,
    .direct_map = 0,
    .physical_end = 0,
    .tsc_frequency = 0,
    .boot_tsc = 0,
    .cpus = nullptr,
    .first_thread = nullptr,
    .first_space = nullptr,
    .first_ring = nullptr,
    .trace_buffers = nullptr,
    .panic = nullptr,
    .exit_status = 0,
    .first_user_instruction_tsc = 0,
    .boot_memory = 0,
    .first_scheme = nullptr,
};
