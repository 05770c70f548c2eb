// How much memory the machine has left, for tests of what gets lost.
#pragma once

#include "abi/memory.h"
#include "check.h"

namespace orrery::test {

// All pages that there are: they are taken, and given back.
inline std::uint64_t pages_to_be_had()
{
    namespace raw = orrery::runtime::raw;
    constexpr std::uint64_t size = std::uint64_t { 1 } << 36;
    const std::uint64_t memory = must(raw::memory_create(size, 0), "memory_create");
    const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, size, read_write), "memory_map");
    std::uint64_t count = 0;
    for (std::uint64_t step = 64; step != 0; step /= 8)
        while (raw::memory_advise(own_space(), place + count * page, step * page, abi::Advice::populate) == 0) count += step;
    must(raw::memory_unmap(own_space(), place, size), "memory_unmap");
    must(raw::handle_close(memory), "handle_close");
    return count;
}

} // namespace orrery::test
