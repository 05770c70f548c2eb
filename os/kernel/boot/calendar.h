// The date: read once at boot from the clock that every PC keeps on a battery. From then on it is an offset to
// clock_now().
#pragma once

#include <cstdint>
#include <span>

#include "abi/syscall.h"
#include "kernel/base/error.h"

namespace orrery::kernel {

// The battery clock's registers (Motorola MC146818A): seconds, minutes, hours, day, month, year as 0 .. 5, register B
// as 6, and the century as 7 (0 = the machine keeps none). Nanoseconds since 1970-01-01 00:00 UTC; not_found if they
// make no date, or one after latest_date.
Result<std::uint64_t> date_of(std::span<const std::uint8_t, 8> registers);

// In 2116. What clock_now tells of it must stay a value, and not become an error's number, however long the machine
// runs.
inline constexpr std::uint64_t latest_date = std::uint64_t { 1 } << 62;

// The register is from ACPI; 0 = none. Where there is no date it says so on the console, and since_1970 starts at 0.
void initialize_calendar(std::uint8_t century_register);
// Nanoseconds since 1970 at which clock_now() was 0; 0 if the machine does not know the date.
std::uint64_t calendar_origin();
// Nanoseconds since 1970; what lies before the start of the machine is taken as that. Whoever sets it when timers run
// calls follow_calendar (thread/timer.h).
void set_calendar(std::uint64_t now);
std::uint64_t moment_now(abi::Clock clock); // ns

} // namespace orrery::kernel
