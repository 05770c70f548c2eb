// How much memory a space is charged with. Apart from the space, because memory objects outlive their users.
#pragma once

#include <atomic>
#include <cstdint>

namespace orrery::kernel {

class MemoryAccount {
public:
    explicit MemoryAccount(std::uint32_t limit) : limit(limit) {}
    void reference() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release()
    {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    std::atomic<std::uint64_t> pages { 0 };
    std::atomic<std::uint32_t> limit; // pages; what is over it already stays

private:
    std::atomic<std::uint32_t> references_ { 1 };
};

} // namespace orrery::kernel
