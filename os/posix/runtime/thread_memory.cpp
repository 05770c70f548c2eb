// A thread's memory: TLS block, control page, dispatch stack (the picture is in thread.h).
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "posix/signal/delivery.h"

#include "abi/startup.h"

#include <cstdint>
#include <cstring>
#include <orrery/orrery.h>

namespace orrery::runtime {
namespace {

// ELF64 program header, as AT_PHDR points at.
struct ProgramHeader {
    std::uint32_t type, flags;
    std::uint64_t offset, address, physical_address, file_size, memory_size, alignment;
};
constexpr std::uint32_t thread_storage_type = 7; // PT_TLS

const ProgramHeader* find_thread_storage()
{
    const auto value = [](abi::Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0); };
    const auto* headers = reinterpret_cast<const ProgramHeader*>(value(abi::Auxiliary::program_headers));
    if (headers == nullptr) return nullptr;
    const std::uint64_t count = value(abi::Auxiliary::program_header_count);
    for (std::uint64_t i = 0; i < count; i++) {
        if (headers[i].type == thread_storage_type) return &headers[i];
    }
    return nullptr;
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + alignment - 1) & -alignment;
}

// The stack guard's value only has to be hard to guess; its lowest byte is 0 so that strings cannot copy it.
std::uint64_t random_guard()
{
    unsigned long long value = 0;
    unsigned char good = 0;
    for (int i = 0; i < 10 && good == 0; i++)
        asm volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(good) : : "cc");
    return (value ^ __builtin_ia32_rdtsc()) << 8;
}

// Bytes of thread-local variables below the thread pointer. Variant II of the TLS ABI: the block ends at the pointer,
// rounded to its alignment (at most a page).
std::uint64_t storage_block()
{
    const ProgramHeader* const storage = find_thread_storage();
    return storage == nullptr ? 0 : round_up(storage->memory_size, storage->alignment == 0 ? 1 : storage->alignment);
}

// The first contents of memory that is all zeroes: the variables' values, and a thread that allows all signals.
void fill(abi::ThreadControl& control, abi::ProcessControl* process)
{
    if (const ProgramHeader* const storage = find_thread_storage())
        std::memcpy(reinterpret_cast<char*>(&control) - storage_block(), reinterpret_cast<const void*>(storage->address),
            storage->file_size);
    control.self = &control;
    control.process = process;
    control.stack_guard = random_guard();
    control.words[0].initialize(0, ~std::uint32_t { 0 });
    control.words[1].initialize(0, ~std::uint32_t { 0 });
}

} // namespace

ThreadMemory make_thread_memory(abi::ProcessControl* process)
{
    const std::uint64_t below = round_up(storage_block(), abi::page_size);
    const std::uint64_t size = below + dispatch_stack_offset + dispatch_stack_size;
    const auto object = result_of(raw::memory_create(size, 0));
    if (!object) return {};
    const auto address = result_of(
        raw::memory_map(process_state.space, *object, 0, 0, size, abi::protection_read | abi::protection_write));
    raw::handle_close(*object);
    if (!address) return {};

    const std::uint64_t pointer = *address + below;
    // Between control page and dispatch stack: an overflow of that stack faults with inhibit set, which ends the
    // process.
    raw::memory_protect(process_state.space, pointer + abi::page_size, abi::page_size, abi::protection_none);
    auto* control = reinterpret_cast<abi::ThreadControl*>(pointer);
    fill(*control, process);
    // The kernel writes into the dispatch stack's page only through the program's own pushes, so it must exist before a
    // signal comes that finds memory exhausted.
    *reinterpret_cast<volatile std::uint8_t*>(pointer + dispatch_stack_offset) = 0;
    return { control, *address, size };
}

void renew_thread_memory(const ThreadMemory& memory)
{
    abi::ProcessControl* const process = memory.control->process;
    std::memset(reinterpret_cast<char*>(memory.control) - storage_block(), 0, storage_block() + sizeof(abi::ThreadControl));
    fill(*memory.control, process);
}

std::int64_t adopt_thread_memory(abi::ThreadControl* control)
{
    asm volatile("wrfsbase %0" : : "r"(control) : "memory");
    thread_state.self_information.code = static_cast<std::int32_t>(abi::SignalCode::thread);
    thread_state.self_information.process_id = process_state.process_id;
    return raw::signal_register(control, control->process, &signal::orrery_signal_trampoline);
}

} // namespace orrery::runtime
