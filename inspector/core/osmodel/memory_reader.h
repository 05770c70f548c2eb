// The one interface through which the model reads the guest: physical memory, whatever carries it (a shared mapping of
// guest RAM, or the debugger's protocol).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace orrery::inspector {

// Implemented by a bridge over ram::PhysicalMemory and by the session over RSP. Never throws, never blocks for ever.
class MemoryReader {
public:
    virtual ~MemoryReader() = default;
    // Fills `target` from guest physical `address`. False: some byte of it is not RAM or can't be read now; `target`
    // is then unspecified. Reads may be torn: the caller checks what it reads.
    virtual bool read_physical(std::uint64_t address, std::span<std::byte> target) const = 0;
    // Bytes from physical 0 that can be read; 0 = unknown.
    virtual std::uint64_t physical_size() const { return 0; }
};

// Something that reads at virtual addresses: an address space, or a test's array.
class VirtualMemory {
public:
    virtual ~VirtualMemory() = default;
    virtual bool read(std::uint64_t address, std::span<std::byte> target) const = 0;

    template <typename T>
        requires std::is_trivially_copyable_v<T>
    std::optional<T> value(std::uint64_t address) const
    {
        std::byte bytes[sizeof(T)];
        if (!read(address, bytes)) return std::nullopt;
        T result;
        __builtin_memcpy(&result, bytes, sizeof(T));
        return result;
    }
};

} // namespace orrery::inspector
