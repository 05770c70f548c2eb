// Guest physical memory, whatever carries it: a shared mapping of the guest's RAM, or the debugger's protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "inspector/core/osmodel/memory_reader.h"
#include "inspector/core/result.h"

namespace orrery::inspector::ram {

inline constexpr std::uint64_t page_size = 4096;

class PhysicalMemory : public MemoryReader {
public:
    // Fills `into` from guest physical `address`. Errors: unmapped if any byte is no RAM; the carrier's own.
    virtual Result<void> read(std::uint64_t address, std::span<std::byte> into) const = 0;

    template <typename T>
        requires std::is_trivially_copyable_v<T>
    Result<T> value(std::uint64_t address) const
    {
        std::byte bytes[sizeof(T)];
        if (auto done = read(address, bytes); !done) return std::unexpected(done.error());
        T result;
        __builtin_memcpy(&result, bytes, sizeof(T));
        return result;
    }

    bool read_physical(std::uint64_t address, std::span<std::byte> target) const final
    {
        return read(address, target).has_value();
    }
};

} // namespace orrery::inspector::ram
