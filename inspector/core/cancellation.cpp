#include "inspector/core/cancellation.h"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace orrery::inspector {

Cancellation::Cancellation()
    : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
}

Cancellation::~Cancellation()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Cancellation::cancel()
{
    cancelled_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // It can only fail if the counter is full, and then it is readable already.
    if (descriptor_ >= 0) [[maybe_unused]]
        const auto written = ::write(descriptor_, &one, sizeof one);
}

void Cancellation::reset()
{
    std::uint64_t count = 0;
    if (descriptor_ >= 0) [[maybe_unused]]
        const auto taken = ::read(descriptor_, &count, sizeof count);
    cancelled_.store(false, std::memory_order_release);
}

} // namespace orrery::inspector
