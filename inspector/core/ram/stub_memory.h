// Guest physical memory read over the debugger's protocol, for a QEMU that we did not start. Only while it is stopped.
#pragma once

#include <map>
#include <vector>

#include "inspector/core/ram/physical_memory.h"
#include "inspector/core/rsp/client.h"

namespace orrery::inspector::ram {

// Keeps the pages it read until the guest has run again, so a walk over many small structures costs one round trip a
// page (0.1 ms). Owner thread of the client only. Where no RAM is, QEMU's stub reads zeroes and tells no error.
class StubMemory final : public PhysicalMemory {
public:
    explicit StubMemory(rsp::Client& client)
        : client_(client)
    {
    }
    // Errors: busy while the guest runs, and the client's.
    Result<void> read(std::uint64_t address, std::span<std::byte> into) const override;
    void forget() const { pages_.clear(); } // after a write past this object
    void set_physical_size(std::uint64_t bytes) { physical_size_ = bytes; } // what lies above is unmapped; 0 = unknown
    std::uint64_t physical_size() const override { return physical_size_; }

private:
    static constexpr std::size_t maximum_pages = 16384; // 64 MiB

    rsp::Client& client_;
    std::uint64_t physical_size_ = 0;
    mutable std::uint64_t stop_count_ = 0;
    mutable std::map<std::uint64_t, std::vector<std::byte>> pages_;
};

} // namespace orrery::inspector::ram
