// The processes that this one may signal by number: those whose handles its maker or a spawn gave it.
#pragma once

#include <cstdint>

namespace orrery::signal {

// The handle for a process number, or 0. Numbers are only names here; the authority is the handle.
std::uint32_t peer_handle(std::uint32_t process_id);
// False if the table is full (64 entries).
bool add_peer(std::uint32_t process_id, std::uint32_t handle);
void remove_peer(std::uint32_t process_id);

} // namespace orrery::signal
