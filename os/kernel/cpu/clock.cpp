// TSC calibration and conversion.
#include "kernel/cpu/clock.h"

#include "kernel/cpu/machine.h"
#include "kernel/cpu/page_table.h"

namespace orrery::kernel {
namespace {

    std::uint64_t frequency = 1'000'000'000;
    std::uint64_t start = 0;
    std::uint64_t nanoseconds_per_tick = std::uint64_t { 1 } << 32; // fixed point, 32 fraction bits

    // HPET registers, IA-PC HPET specification 1.0a section 2.3.
    constexpr unsigned hpet_capabilities = 0x000 / 8;
    constexpr unsigned hpet_configuration = 0x010 / 8;
    constexpr unsigned hpet_counter = 0x0f0 / 8;

} // namespace

void initialize_clock(std::uint64_t hpet_address)
{
    if (hpet_address != 0) {
        auto* hpet = static_cast<volatile std::uint64_t*>(map_device_page(hpet_address));
        const std::uint64_t femtoseconds = hpet[hpet_capabilities] >> 32;
        hpet[hpet_configuration] = hpet[hpet_configuration] | 1;
        // 1 ms: long enough for 0.01 %, short enough not to be felt at boot.
        const std::uint64_t ticks = femtoseconds ? 1'000'000'000'000 / femtoseconds : 0;
        const std::uint64_t begin = hpet[hpet_counter];
        const std::uint64_t tsc_begin = read_tsc();
        std::uint64_t now = begin;
        while (ticks && now - begin < ticks) now = hpet[hpet_counter];
        const std::uint64_t elapsed = read_tsc() - tsc_begin;
        if (ticks && elapsed) {
            // A millisecond's worth of either fits 64 bits with room to spare.
            const std::uint64_t nanoseconds = (now - begin) * femtoseconds / 1'000'000;
            frequency = elapsed * 1'000'000'000 / nanoseconds;
            // Under -icount the TSC is virtual time itself; the last digits are only the loop's granularity.
            if (frequency > 999'000'000 && frequency < 1'001'000'000) frequency = 1'000'000'000;
        }
    }
    nanoseconds_per_tick = (std::uint64_t { 1'000'000'000 } << 32) / frequency;
    start = read_tsc();
}

std::uint64_t clock_now()
{
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(read_tsc() - start) * nanoseconds_per_tick >> 32);
}

std::uint64_t tsc_frequency() { return frequency; }
std::uint64_t boot_tsc() { return start; }

} // namespace orrery::kernel
