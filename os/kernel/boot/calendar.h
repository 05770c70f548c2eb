// The date: read once at boot from the clock that every PC keeps on a battery. From then on it is an offset to clock_now().
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/error.h"

namespace orrery::kernel {

// The battery clock's registers (Motorola MC146818A): seconds, minutes, hours, day, month, year as 0 .. 5, register B as 6, and
// the century as 7 (0 = the machine keeps none). Nanoseconds since 1970-01-01 00:00 UTC; not_found if they make no date,
// or one after latest_date.
Result<std::uint64_t> date_of(std::span<const std::uint8_t, 8> registers);

// In 2116. What clock_now tells of it must stay a value, and not become an error's number, however long the machine runs.
inline constexpr std::uint64_t latest_date = std::uint64_t { 1 } << 62;

void initialize_calendar(std::uint8_t century_register); // from ACPI; 0 = none
// Nanoseconds since 1970 at which clock_now() was 0; 0 if the machine does not know the date.
std::uint64_t calendar_origin();
void set_calendar(std::uint64_t now); // nanoseconds since 1970; what lies before the start of the machine is taken as that

} // namespace orrery::kernel
