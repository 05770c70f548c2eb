// What the guest printed on its serial line, complete and live.
#pragma once

#include <cstdint>
#include <string>

#include "inspector/core/cancellation.h"
#include "inspector/core/descriptor.h"
#include "inspector/core/result.h"

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

// Sends to the serial line behind a unix socket of QEMU, and returns when the guest has taken every byte. The socket is
// connected for that time only: QEMU would hold the guest's output back for a client that does not read.
// Errors: cannot_connect, timed_out (the guest does not read), connection_lost.
Result<void> type_into(const std::string& socket_path, std::string_view text, Deadline deadline);

} // namespace orrery::inspector
