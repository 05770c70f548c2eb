// The registers of the battery clock.
#pragma once

#include <cstdint>
#include <span>

namespace orrery::kernel {

// What date_of wants (boot/calendar.h), all of one moment. False if the clock does not stand still long enough to be
// read: there is none.
bool read_battery_clock(std::uint8_t century_register, std::span<std::uint8_t, 8> registers);

} // namespace orrery::kernel
