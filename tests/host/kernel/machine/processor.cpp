// The functions of os/kernel/cpu/*.cpp that only a real processor could offer, and panic, which ends the test.
#include "processor.h"
#include "machine.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "kernel/boot/panic.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/page_table.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/memory/layout.h"
#include "kernel/memory/user_access.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

Cpu cpus[max_cpus];
unsigned cpu_count = 1;
PanicRecord panic_record;

extern "C" void trap(TrapFrame& frame);

namespace host {

    std::atomic<long> allocations_left { -1 };

    namespace {

        std::atomic<std::uint64_t> manual_clock { 0 };
        std::atomic<bool> stopping { false };
        std::mutex console_mutex;
        std::string console_output;

        constexpr std::uint64_t never = ~std::uint64_t { 0 };

        struct Interrupts { // of one CPU
            std::mutex mutex;
            std::condition_variable arrived;
            bool pending[256] = {};
            std::uint64_t timer = never; // deadline
        };
        Interrupts interrupts[max_cpus];

        Interrupts& own_interrupts() { return interrupts[this_cpu().number]; }

        bool may_allocate()
        {
            long left = allocations_left.load();
            while (left > 0 && !allocations_left.compare_exchange_weak(left, left - 1)) {}
            return left != 0;
        }

    } // namespace

    void stop_idle_loops()
    {
        stopping = true;
        for (Interrupts& each : interrupts) {
            const std::lock_guard guard(each.mutex);
            each.arrived.notify_all();
        }
    }

    void reset_interrupts()
    {
        stopping = false;
        for (Interrupts& each : interrupts) {
            const std::lock_guard guard(each.mutex);
            std::fill(std::begin(each.pending), std::end(each.pending), false);
            each.timer = never;
        }
    }

    void take_interrupts(Cpu& cpu, bool wait)
    {
        Interrupts& mine = interrupts[cpu.number];
        bool pending[256];
        {
            std::unique_lock guard(mine.mutex);
            const auto is_due = [&] {
                if (mine.timer != never && clock_now() >= mine.timer) {
                    mine.pending[vector_timer] = true;
                    mine.timer = never;
                }
                return std::find(std::begin(mine.pending), std::end(mine.pending), true) != std::end(mine.pending);
            };
            if (!is_due() && wait && !stopping)
                mine.arrived.wait_for(guard, std::chrono::milliseconds(1), [&] { return is_due() || stopping; });
            std::copy(std::begin(mine.pending), std::end(mine.pending), pending);
            std::fill(std::begin(mine.pending), std::end(mine.pending), false);
        }
        for (unsigned vector = 0; vector < 256; ++vector) {
            if (!pending[vector]) continue;
            TrapFrame frame {};
            frame.vector = vector;
            frame.cs = 0x23;
            trap(frame);
        }
    }

    void idle()
    {
        take_interrupts(this_cpu(), true);
        if (stopping) throw Stopped {};
    }

    std::map<PciLocation, PciFunction> pci_functions;

    std::byte* device_page(PhysicalAddress address)
    {
        static std::mutex mutex;
        static std::map<PhysicalAddress, std::unique_ptr<std::byte[]>> pages;
        const std::lock_guard guard(mutex);
        auto& page = pages[round_down(address, page_size)];
        if (!page) page = std::make_unique<std::byte[]>(page_size);
        return page.get();
    }

    void set_clock(std::uint64_t nanoseconds) { manual_clock = nanoseconds; }

    bool interrupt_is_pending(unsigned cpu, std::uint8_t vector)
    {
        const std::lock_guard guard(interrupts[cpu].mutex);
        return interrupts[cpu].pending[vector];
    }

    void console_out(char character)
    {
        const std::lock_guard guard(console_mutex);
        console_output += character;
    }

    std::string take_console_output()
    {
        const std::lock_guard guard(console_mutex);
        return std::exchange(console_output, {});
    }

    // As the guest's user_copy does it: aligned words whole, because programs change them at the same time.
    void copy_words(std::byte* to, const std::byte* from, std::uint64_t length)
    {
        while (length > 0) {
            const auto places = reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from);
            const std::uint64_t step = length >= 4 && places % 4 == 0 ? 4 : 1;
            if (step == 4)
                __atomic_store_n(reinterpret_cast<std::uint32_t*>(to),
                    __atomic_load_n(reinterpret_cast<const std::uint32_t*>(from), __ATOMIC_RELAXED), __ATOMIC_RELAXED);
            else
                __atomic_store_n(reinterpret_cast<std::uint8_t*>(to),
                    __atomic_load_n(reinterpret_cast<const std::uint8_t*>(from), __ATOMIC_RELAXED), __ATOMIC_RELAXED);
            to += step;
            from += step;
            length -= step;
        }
    }

} // namespace host

// cpu/clock.h
std::uint64_t clock_now()
{
    if (const std::uint64_t manual = host::manual_clock) return manual;
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}
std::uint64_t tsc_frequency() { return 1'000'000'000; }
std::uint64_t boot_tsc() { return 0; }

// cpu/cmos.h
bool read_battery_clock(std::uint8_t, std::span<std::uint8_t, 8>) { return false; }

// cpu/apic.h
void end_of_interrupt() {}
bool is_in_service(std::uint8_t) { return false; }
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector)
{
    host::Interrupts& target = host::interrupts[apic_id];
    const std::lock_guard guard(target.mutex);
    target.pending[vector] = true;
    target.arrived.notify_all();
}
std::uint32_t held_lock_ranks() { return this_cpu().held_lock_ranks; }
void add_held_lock_rank(std::uint32_t bit) { this_cpu().held_lock_ranks |= bit; }
void drop_held_lock_rank(std::uint32_t bit) { this_cpu().held_lock_ranks &= ~bit; }

void start_timer(std::uint64_t nanoseconds)
{
    host::Interrupts& mine = host::own_interrupts();
    const std::lock_guard guard(mine.mutex);
    mine.timer = clock_now() + nanoseconds;
}
void stop_timer()
{
    host::Interrupts& mine = host::own_interrupts();
    const std::lock_guard guard(mine.mutex);
    mine.timer = host::never;
}

// cpu/cpu.h
void set_kernel_stack(Cpu& cpu, std::uint64_t top) { cpu.kernel_stack = top; }
std::uint64_t extended_state_mask() { return 7; }
std::uint32_t extended_state_size() { return 4096; }
void save_extended_state(void*) {}
void restore_extended_state(const void*) {}
void initialize_extended_state_area(void* area) { std::memset(area, 0, extended_state_size()); }

// cpu/pci_config.cpp
std::uint32_t pci_read(PciLocation location, unsigned offset)
{
    const auto found = host::pci_functions.find(location);
    return found == host::pci_functions.end() ? ~std::uint32_t { 0 } : found->second.words[offset / 4 % 64];
}
void pci_write(PciLocation location, unsigned offset, std::uint32_t value)
{
    const auto found = host::pci_functions.find(location);
    if (found == host::pci_functions.end()) return;
    std::uint32_t& word = found->second.words[offset / 4 % 64];
    const std::uint32_t mask = found->second.writable[offset / 4 % 64];
    word = (word & ~mask) | (value & mask);
}

// cpu/page_table.h: the kernel half. Physical page 0 stands for its root: no entries.
PhysicalAddress kernel_page_table_root() { return 0; }
void* map_device_page(PhysicalAddress address) { return host::device_page(address) + address % page_size; }
VirtualAddress allocate_kernel_stack()
{
    if (!host::may_allocate()) return 0;
    return reinterpret_cast<VirtualAddress>(std::aligned_alloc(64, kernel_stack_size)) + kernel_stack_size;
}
void free_kernel_stack(VirtualAddress top) { std::free(reinterpret_cast<void*>(top - kernel_stack_size)); }

// Labels that cpu/trap.cpp and thread/thread.cpp name and that nobody reaches here.
extern "C" {
char user_copy_begin[1], user_copy_end[1], user_copy_fault[1];
void thread_first_return() { panic("a kernel stack was entered"); }
}

// User addresses lie low on the host, where no memory of the process is, so each side of a copy shows what it is.
extern "C" std::uint64_t user_copy(void* to, const void* from, std::uint64_t length)
{
    constexpr VirtualAddress user_memory_end = 0x1000'0000'0000;
    const bool writes = reinterpret_cast<VirtualAddress>(to) < user_memory_end;
    for (std::uint64_t done = 0; done < length;) {
        const VirtualAddress user = reinterpret_cast<VirtualAddress>(writes ? to : from) + done;
        AddressSpace& space = *current_thread().space;
        const auto entry = host::page_table_entry(space.page_table_root(), user);
        if (!entry || (writes && !(*entry & 2))) {
            const Status result = space.resolve_fault(user, writes ? abi::protection_write : abi::protection_read);
            if (!result) return static_cast<std::uint64_t>(copy_error(result.error()));
            continue;
        }
        auto* memory = static_cast<std::byte*>(to_virtual(*entry & 0x000f'ffff'ffff'f000)) + user % page_size;
        const std::uint64_t count = std::min(length - done, page_size - user % page_size);
        const auto* source = writes ? static_cast<const std::byte*>(from) + done : memory;
        auto* target = writes ? memory : static_cast<std::byte*>(to) + done;
        host::copy_words(target, source, count);
        done += count;
    }
    return 0;
}

// boot/panic.h
void panic(const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    std::fputs("kernel panic: ", stderr);
    std::vfprintf(stderr, format, arguments);
    std::fputs("\n", stderr);
    va_end(arguments);
    std::abort();
}
void panic_at(const TrapFrame&, const char* what, std::uint64_t detail)
{
    panic("%s (0x%lx)", what, detail);
}
void end_machine(std::uint8_t code) { std::_Exit(code); }

} // namespace orrery::kernel

// The kernel allocates with these only; the sanitizers watch what the ordinary forms give. ThreadSanitizer has forms of
// its own that cannot be replaced, so there is no AllocationLimit with it.
#if !__has_feature(thread_sanitizer)
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return orrery::kernel::host::may_allocate() ? ::operator new(size) : nullptr;
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept
{
    return orrery::kernel::host::may_allocate() ? ::operator new[](size) : nullptr;
}
#endif
