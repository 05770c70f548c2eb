// The heap behind malloc: sbrk over memory objects that are mapped one behind the other at a fixed place.
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

#include "abi/startup.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <unistd.h>

namespace {

using namespace orrery;

constexpr std::uint64_t heap_begin = 0x0000'1000'0000'0000;
constexpr std::uint64_t heap_limit = heap_begin + (std::uint64_t { 1 } << 38);
// Pages exist once touched, so a large step costs little but saves system calls.
constexpr std::uint64_t smallest_step = std::uint64_t { 1 } << 20;

constinit std::uint64_t used_end = heap_begin;
constinit std::uint64_t mapped_end = heap_begin;

bool map_up_to(std::uint64_t end)
{
    const std::uint64_t wanted = (end - mapped_end + abi::page_size - 1) & ~(abi::page_size - 1);
    const std::uint64_t step = std::max(wanted, smallest_step);
    const auto object = runtime::result_of(runtime::raw::memory_create(step, 0));
    if (!object) return false;
    const auto address = runtime::result_of(runtime::raw::memory_map(
        runtime::process_state.space, *object, 0, mapped_end, step, abi::protection_read | abi::protection_write));
    runtime::raw::handle_close(*object);
    if (!address) return false;
    mapped_end += step;
    return true;
}

} // namespace

// Called by malloc under its lock. Memory is never given back: malloc keeps it for the next request.
extern "C" void* sbrk(std::ptrdiff_t change)
{
    const std::uint64_t old = used_end;
    const std::uint64_t end = old + static_cast<std::uint64_t>(change);
    const bool sound = change >= 0 ? end >= old && end <= heap_limit : end < old && end >= heap_begin;
    if (!sound || (end > mapped_end && !map_up_to(end))) {
        errno = ENOMEM;
        return reinterpret_cast<void*>(-1);
    }
    used_end = end;
    return reinterpret_cast<void*>(old);
}
