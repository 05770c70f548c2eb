// A machine of host threads: every kernel thread and every CPU's idle loop runs on a host thread of its own, and a CPU
// is handed from one to the next at each context switch. The test's own thread is CPU 0 and its idle loop.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kernel/cpu/cpu.h"
#include "kernel/device/pci.h"
#include "kernel/handle/object.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/thread/thread.h"

namespace orrery::kernel::host {

inline constexpr std::uint64_t arena_size = std::uint64_t { 64 } << 20;
inline constexpr std::uint64_t reserved_memory = std::uint64_t { 1 } << 20; // at physical 0: firmware's

inline constexpr std::uint32_t read_write = abi::protection_read | abi::protection_write;

// A result without its value.
template <typename T>
Status status_of(const Result<T>& result)
{
    if (result) return {};
    return fail(result.error());
}

// What the allocations of kernel objects may still take; negative = without limit. Frames are limited by hoarding them.
extern std::atomic<long> allocations_left;

// Limits operator new (nothrow), and with it everything that the kernel allocates but frames, for a scope.
class AllocationLimit {
public:
    explicit AllocationLimit(long count) { allocations_left = count; }
    ~AllocationLimit() { allocations_left = -1; }
    AllocationLimit(const AllocationLimit&) = delete;
    AllocationLimit& operator=(const AllocationLimit&) = delete;
};

// Takes all free frames but `rest`, and gives them back at the end of the scope.
class FrameLimit {
public:
    explicit FrameLimit(std::size_t rest);
    ~FrameLimit();
    FrameLimit(const FrameLimit&) = delete;
    FrameLimit& operator=(const FrameLimit&) = delete;

private:
    std::vector<Frame*> hoard_;
};

class Machine {
public:
    // `cpus` 1 is deterministic: threads run only inside run_until and switch only where the kernel switches.
    explicit Machine(unsigned cpus = 1);
    ~Machine(); // every thread must have ended
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    Ref<AddressSpace> make_space(const char* name = "test");
    // What a thread runs is named by its argument (RDI); a thread whose argument names no program ends at once.
    std::uint64_t add_program(std::function<void()> program);
    // A thread whose user program is `program`, on the ready list.
    Ref<Thread> spawn(Ref<AddressSpace> space, std::function<void()> program);
    // Runs threads on CPU 0 (and waits for the other CPUs) until the condition holds.
    void run_until(const std::function<bool()>& condition);
    // Runs threads on CPU 0 until none is ready there.
    void run_ready();
    // CPU 0 keeps the page tables that it used last; this makes it let go of them.
    void unload_space();

private:
    std::vector<std::thread> idle_carriers_;
    std::vector<std::unique_ptr<std::function<void()>>> programs_;
};

// The calling host thread becomes a CPU, without a scheduler: for tests that call into the kernel from many threads.
class CpuBinding {
public:
    explicit CpuBinding(unsigned number);
    ~CpuBinding();
    CpuBinding(const CpuBinding&) = delete;
    CpuBinding& operator=(const CpuBinding&) = delete;

private:
    Cpu* before_;
};

// A CPU that is online and runs nothing of its own: others may queue threads there and take them away.
class QuietCpu {
public:
    explicit QuietCpu(unsigned number); // the next one after those of the machine
    ~QuietCpu();
    QuietCpu(const QuietCpu&) = delete;
    QuietCpu& operator=(const QuietCpu&) = delete;

private:
    unsigned number_;
};

// Makes another thread the current one of this CPU for a scope, as if it made a system call here.
class ActAs {
public:
    explicit ActAs(Thread& thread);
    ~ActAs();
    ActAs(const ActAs&) = delete;
    ActAs& operator=(const ActAs&) = delete;

private:
    Thread* before_;
};

// In a user program: interrupts that wait are taken, and the thread passes through the way back to user mode.
void user_point();
// clock_now() stands at `nanoseconds` from now on; 0 lets it run with the host's clock again.
void set_clock(std::uint64_t nanoseconds);
// Interrupts that were sent to a CPU and not taken yet.
bool interrupt_is_pending(unsigned cpu, std::uint8_t vector);
std::string take_console_output();

// PCI functions by location: 64 words of configuration space each, and which bits of a word a write can change. Without an entry
// there is no such function.
struct PciFunction {
    std::uint32_t words[64] = {};
    std::uint32_t writable[64] = {};
};
extern std::map<PciLocation, PciFunction> pci_functions;
// What a device's registers hold: map_device_page gives this memory, made zeroed on first use.
std::byte* device_page(PhysicalAddress address);

// The page-table entry of a user address, found by a walk of its own; nothing if it is not present.
std::optional<std::uint64_t> page_table_entry(PhysicalAddress root, VirtualAddress address);
// The kernel address of a user address of the space, made present first.
void* user_memory(AddressSpace& space, VirtualAddress address);

} // namespace orrery::kernel::host
