// Time: the TSC, calibrated once against the HPET, as nanoseconds since boot.
#pragma once

#include <cstdint>

namespace orrery::kernel {

void initialize_clock(std::uint64_t hpet_address); // 0 = no HPET: assume 1 GHz, which -icount shift=0 gives
std::uint64_t clock_now();                         // ns since initialize_clock
std::uint64_t tsc_frequency();                     // Hz
std::uint64_t boot_tsc();

} // namespace orrery::kernel
