// The table behind kill(pid): process number to handle.
#include "posix/signal/peers.h"

#include <array>
#include <atomic>

namespace orrery::signal {
namespace {

// One word an entry, so that a handler always sees a whole one: number in the high half, handle in the low.
constinit std::array<std::atomic<std::uint64_t>, 64> peers {};

constexpr std::uint64_t entry_of(std::uint32_t process_id, std::uint32_t handle)
{
    return std::uint64_t { process_id } << 32 | handle;
}

} // namespace

std::uint32_t peer_handle(std::uint32_t process_id)
{
    for (const auto& peer : peers) {
        const std::uint64_t entry = peer.load(std::memory_order_acquire);
        if (entry != 0 && entry >> 32 == process_id) return static_cast<std::uint32_t>(entry);
    }
    return 0;
}

bool add_peer(std::uint32_t process_id, std::uint32_t handle)
{
    for (auto& peer : peers) {
        std::uint64_t expected = 0;
        if (peer.compare_exchange_strong(expected, entry_of(process_id, handle))) return true;
    }
    return false;
}

void remove_peer(std::uint32_t process_id)
{
    for (auto& peer : peers) {
        std::uint64_t entry = peer.load(std::memory_order_acquire);
        if (entry != 0 && entry >> 32 == process_id) peer.compare_exchange_strong(entry, 0);
    }
}

} // namespace orrery::signal
