// The first C++: from QEMU's start information to the idle loop, in the order in which things depend on each other.
#include <algorithm>
#include <cstring>

#include "kernel/boot/acpi.h"
#include "kernel/boot/calendar.h"
#include "kernel/boot/console.h"
#include "kernel/boot/descriptor.h"
#include "kernel/boot/init_program.h"
#include "kernel/boot/panic.h"
#include "kernel/boot/pvh.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/page_table.h"
#include "kernel/device/device.h"
#include "kernel/device/iommu.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

extern "C" char kernel_physical_begin[], kernel_physical_end[];
extern "C" void (*init_array_begin[])();
extern "C" void (*init_array_end[])();

namespace {

    BootInformation boot_information;

    constexpr PhysicalAddress low_memory_end = 1 << 20; // firmware tables, start information, the start code of CPUs
    constexpr PhysicalAddress boot_map_end = std::uint64_t { 4 } << 30;

    void copy_boot_information(const PvhStartInfo& start)
    {
        if (start.magic != pvh_magic) panic("the boot loader did not follow the PVH protocol");
        BootInformation& boot = boot_information;
        if (start.command_line) {
            const auto* text = static_cast<const char*>(to_virtual(start.command_line));
            for (std::size_t index = 0; index + 1 < sizeof(boot.command_line) && text[index]; ++index)
                boot.command_line[index] = text[index];
        }
        if (start.module_count > 0) {
            const auto& module = *static_cast<const PvhModule*>(to_virtual(start.modules));
            boot.initrd = module.address;
            boot.initrd_size = module.size;
        }
        boot.rsdp = start.rsdp;
        const auto* ranges = static_cast<const PvhMemoryRange*>(to_virtual(start.memory_map));
        boot.memory_ranges = std::min<unsigned>(start.memory_map_entries, 32);
        std::copy_n(ranges, boot.memory_ranges, boot.memory);
    }

    PhysicalAddress physical_end()
    {
        PhysicalAddress end = 0;
        for (unsigned index = 0; index < boot_information.memory_ranges; ++index) {
            const PvhMemoryRange& range = boot_information.memory[index];
            if (range.type == 1) end = std::max(end, range.address + range.size);
        }
        return end;
    }

    std::uint64_t fixed_memory = 0; // bytes that the kernel has beside what it allocates: its image and the frame table

    // Gives [begin, end) without the holes to the allocator.
    struct Hole {
        PhysicalAddress begin, end;
    };
    void add_memory(PhysicalAddress begin, PhysicalAddress end, const Hole* holes, std::size_t hole_count)
    {
        if (begin >= end) return;
        for (std::size_t index = 0; index < hole_count; ++index) {
            if (holes[index].end <= begin || holes[index].begin >= end) continue;
            add_memory(begin, holes[index].begin, holes + index + 1, hole_count - index - 1);
            add_memory(holes[index].end, end, holes + index + 1, hole_count - index - 1);
            return;
        }
        frame_allocator.add_range(begin, end);
    }

    // Tells the allocator where below the end of memory there is none: devices have their registers there. Whatever the
    // machine's list names, as what kind ever, is no such place.
    void exclude_gaps(PhysicalAddress end)
    {
        for (PhysicalAddress place = low_memory_end; place < end;) {
            PhysicalAddress next = end;
            bool named = false;
            for (unsigned index = 0; index < boot_information.memory_ranges; ++index) {
                const PvhMemoryRange& range = boot_information.memory[index];
                const PhysicalAddress range_end = range.address + range.size;
                if (range_end <= place) continue;
                named = range.address <= place;
                next = named ? range_end : std::min(next, range.address);
                if (named) break;
            }
            if (!named) frame_allocator.exclude(place, next);
            place = next;
        }
    }

    void initialize_memory()
    {
        const PhysicalAddress end = physical_end();
        const std::size_t frame_count = end / page_size;
        const std::uint64_t table_size = round_up(frame_count * sizeof(Frame), page_size);
        const Hole initrd { round_down(boot_information.initrd, page_size),
            round_up(boot_information.initrd + boot_information.initrd_size, page_size) };
        PhysicalAddress table = round_up(reinterpret_cast<PhysicalAddress>(kernel_physical_end), page_size);
        if (table < initrd.end && table + table_size > initrd.begin) table = initrd.end;
        if (table + table_size > std::min(end, boot_map_end)) panic("too little memory: give QEMU at least -m 32M");
        frame_allocator.initialize(static_cast<Frame*>(to_virtual(table)), frame_count);

        exclude_gaps(end);

        fixed_memory = table_size + reinterpret_cast<PhysicalAddress>(kernel_physical_end)
            - reinterpret_cast<PhysicalAddress>(kernel_physical_begin);
        const Hole holes[] = {
            { 0, low_memory_end },
            { reinterpret_cast<PhysicalAddress>(kernel_physical_begin),
                round_up(reinterpret_cast<PhysicalAddress>(kernel_physical_end), page_size) },
            { table, table + table_size },
            initrd,
        };
        // The boot tables map the first 4 GiB only: what lies above comes after the kernel has its own.
        for (const bool above : { false, true }) {
            for (unsigned index = 0; index < boot_information.memory_ranges; ++index) {
                const PvhMemoryRange& range = boot_information.memory[index];
                if (range.type != 1) continue;
                const PhysicalAddress range_end = range.address + range.size;
                if (above) add_memory(std::max(range.address, boot_map_end), range_end, holes, 4);
                else add_memory(range.address, std::min(range_end, boot_map_end), holes, 4);
            }
            if (!above) initialize_kernel_page_table(end);
        }
    }

} // namespace

extern "C" void kernel_main(std::uint64_t start_info)
{
    cpus[0].self = &cpus[0];
    write_msr(msr_gs_base, reinterpret_cast<std::uint64_t>(&cpus[0])); // panics and locks want this_cpu()
    for (auto** constructor = init_array_begin; constructor < init_array_end; ++constructor) (*constructor)();
    initialize_console();
    copy_boot_information(*static_cast<const PvhStartInfo*>(to_virtual(start_info)));
    initialize_memory();
    initialize_cpu(cpus[0]);
    initialize_apic();
    enable_apic();
    cpus[0].apic_id = apic_id();
    const MachineDescription machine = read_acpi(boot_information.rsdp, physical_end());
    initialize_clock(machine.hpet);
    initialize_calendar(machine.century_register);
    initialize_run_queue(cpus[0]);
    cpus[0].idle_thread = cpus[0].current = Thread::create_idle(cpus[0]);
    cpus[0].hot = &cpus[0].current->hot;
    cpus[0].online = true;
    start_other_cpus(machine);
    initialize_iommu(machine.iommu);
    initialize_devices();
    initialize_descriptor(physical_end());
    start_init_program(boot_information);
    orrery_descriptor.boot_memory
        = fixed_memory + (frame_allocator.total_frames() - frame_allocator.free_frames()) * page_size;
    orrery_descriptor.machine_state.store(static_cast<std::uint32_t>(abi::MachineState::running));
    idle_loop();
}

} // namespace orrery::kernel
