// Mapping the initial RAM disk, once.
#include "posix/process/initrd.h"

#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

#include "abi/startup.h"

#include <atomic>
#include <orrery/orrery.h>

namespace orrery::process {

abi::Result<std::span<const std::byte>> map_initrd()
{
    const auto value = [](abi::Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0); };
    const std::uint64_t handle = value(abi::Auxiliary::initrd_handle);
    const std::uint64_t size = value(abi::Auxiliary::initrd_size);
    if (handle == 0 || size == 0) return std::unexpected(abi::Error::not_found);
    static std::atomic<const std::byte*> place { nullptr };
    if (const std::byte* const mapped = place.load()) return std::span(mapped, size);
    const std::uint64_t pages = (size + abi::page_size - 1) & ~(abi::page_size - 1);
    const auto address = runtime::result_of(
        runtime::raw::memory_map(runtime::process_state.space, handle, 0, 0, pages, abi::protection_read));
    if (!address) return std::unexpected(address.error());
    const std::byte* first = nullptr;
    if (!place.compare_exchange_strong(first, reinterpret_cast<const std::byte*>(*address))) // another thread was here
        runtime::raw::memory_unmap(runtime::process_state.space, *address, pages);
    return std::span(place.load(), size);
}

} // namespace orrery::process
