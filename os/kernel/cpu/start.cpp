// Starting the other processors: INIT, one start-up IPI, real-mode code at 0x8000 (Intel SDM volume 3 section 8.4).
#include <cstring>

#include "kernel/boot/acpi.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/page_table.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

extern "C" char other_cpu_start[], other_cpu_start_end[];
extern "C" std::uint64_t other_cpu_stack;

namespace {
    constexpr PhysicalAddress start_page = 0x8000;
    constexpr std::uint64_t start_patience = 2'000'000'000; // ns
    alignas(16) std::byte idle_stacks[max_cpus][8192];      // the boot tables map the kernel image only
}

// On the new CPU, with the boot tables loaded.
extern "C" void other_cpu_main()
{
    write_cr3(kernel_page_table_root());
    Cpu& cpu = cpus[cpu_count];
    write_msr(msr_gs_base, reinterpret_cast<std::uint64_t>(&cpu));
    initialize_cpu(cpu);
    enable_apic();
    initialize_run_queue(cpu);
    cpu.idle_thread = cpu.current = Thread::create_idle(cpu);
    cpu.hot = &cpu.current->hot;
    cpu.online.store(true, std::memory_order_release);
    idle_loop();
}

void start_other_cpus(const MachineDescription& machine)
{
    // The code is linked at its physical address, which only the direct map shows by now.
    std::memcpy(to_virtual(start_page), to_virtual(reinterpret_cast<PhysicalAddress>(other_cpu_start)),
        static_cast<std::size_t>(other_cpu_start_end - other_cpu_start));
    for (unsigned index = 0; index < machine.cpu_count && cpu_count < max_cpus; ++index) {
        if (machine.apic_ids[index] == cpus[0].apic_id) continue;
        Cpu& cpu = cpus[cpu_count];
        cpu.self = &cpu;
        cpu.number = cpu_count;
        cpu.apic_id = machine.apic_ids[index];
        other_cpu_stack = reinterpret_cast<std::uint64_t>(idle_stacks[cpu_count] + sizeof(idle_stacks[0]));
        send_init(cpu.apic_id);
        send_startup(cpu.apic_id, start_page / page_size);
        const std::uint64_t deadline = clock_now() + start_patience;
        while (!cpu.online.load(std::memory_order_acquire)) {
            if (clock_now() > deadline) panic("processor %u did not start", cpu.number);
            pause();
        }
        ++cpu_count;
    }
}

} // namespace orrery::kernel
