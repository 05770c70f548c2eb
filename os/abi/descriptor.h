// The debugger's way in: one symbol of the kernel, `orrery_descriptor`, names the roots of everything that can be
// watched. Shapes come from DWARF, so a field may be added to any structure; this version number changes only when a
// root moves or changes its meaning.
#pragma once

#include <atomic>
#include <cstdint>

namespace orrery::abi {

inline constexpr std::uint64_t descriptor_magic = 0x5952'4552'524f'4b44; // "DKORRERY"
inline constexpr std::uint32_t descriptor_version = 1;

enum class MachineState : std::uint32_t { booting = 0, running = 1, ended = 2, panicked = 3 };

// All pointers are kernel virtual addresses. Lists are intrusive and singly linked through a member named in the
// comment; a reader bounds its walk and compares `topology` before and after (odd = a change is under way).
struct Descriptor {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t size; // of this structure
    std::atomic<std::uint32_t> machine_state; // MachineState
    std::uint32_t cpu_count;
    std::atomic<std::uint64_t> topology; // +2 for every thread, space or ring that comes or goes
    std::uint64_t direct_map;            // virtual address of physical 0
    std::uint64_t physical_end;          // bytes of RAM in the direct map
    std::uint64_t tsc_frequency;         // Hz
    std::uint64_t boot_tsc;              // TSC at time 0 of clock_now
    void* cpus;          // kernel::Cpu[cpu_count]
    void* first_thread;  // address of the head: kernel::Thread*, linked by all_next
    void* first_space;   // address of the head: kernel::AddressSpace*, linked by all_next
    void* first_ring;    // address of the head: kernel::Ring*, linked by all_next
    void* trace_buffers; // abi::TraceBuffer[cpu_count]
    void* panic;         // kernel::PanicRecord
    std::atomic<std::uint64_t> exit_status; // ExitStatus word, once machine_state is ended
    std::atomic<std::uint64_t> first_user_instruction_tsc; // TSC when the first program started, 0 before
    std::uint64_t boot_memory; // bytes in use once init is loaded: the kernel's image, its frame table and all frames
    void* first_scheme; // address of the head: kernel::Scheme*, linked by all_next
};

} // namespace orrery::abi
