// What the guest printed on its serial line, complete and live.
#pragma once

#include <cstdint>
#include <string>

#include "inspector/core/descriptor.h"

namespace orrery::inspector {

// QEMU writes the text into a memory file that both hold, so nothing is lost, no one must drain it, and it outlives
// QEMU. Any thread.
class Console {
public:
    Console() = default; // nothing printed, ever
    explicit Console(Descriptor file)
        : file_(std::move(file))
    {
    }
    // Bytes from `offset` on, at most `limit`: a view that follows keeps its offset.
    std::string text(std::uint64_t offset = 0, std::size_t limit = 16u << 20) const;
    std::uint64_t size() const;

private:
    Descriptor file_;
};

} // namespace orrery::inspector
