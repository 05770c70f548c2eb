// From registers to nanoseconds, and the offset.
#include "kernel/boot/calendar.h"

#include <atomic>
#include <chrono>

#include "kernel/boot/console.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cmos.h"

namespace orrery::kernel {
namespace {

    std::atomic<std::uint64_t> origin { 0 };

    constexpr std::uint8_t binary = 1u << 2, twenty_four_hours = 1u << 1; // of register B
    constexpr std::uint8_t afternoon = 1u << 7;                          // of the hours

} // namespace

Result<std::uint64_t> date_of(std::span<const std::uint8_t, 8> registers)
{
    const std::uint8_t format = registers[6];
    bool digits = true;
    const auto number = [&](std::uint8_t value) -> unsigned {
        if (format & binary) return value;
        digits = digits && value % 16 < 10 && value / 16 < 10;
        return value / 16u * 10 + value % 16;
    };
    const unsigned second = number(registers[0]), minute = number(registers[1]);
    unsigned hour = number(registers[2] & (format & twenty_four_hours ? 0xff : 0x7f));
    if (!(format & twenty_four_hours)) {
        if (hour < 1 || hour > 12) return fail(Error::not_found);
        hour = hour % 12 + (registers[2] & afternoon ? 12 : 0);
    }
    const unsigned year_of_century = number(registers[5]);
    const bool sound = digits;
    // Without a century, or with a register that holds none, the two digits mean 1970 to 2069.
    const unsigned stored = number(registers[7]);
    const bool has_century = digits && stored >= 19 && stored <= 21;
    digits = sound;
    const unsigned century = has_century ? stored : year_of_century < 70 ? 20 : 19;
    const std::chrono::year_month_day date { std::chrono::year(static_cast<int>(century * 100 + year_of_century)),
        std::chrono::month(number(registers[4])), std::chrono::day(number(registers[3])) };
    if (!digits || !date.ok() || year_of_century > 99 || hour > 23 || minute > 59 || second > 59)
        return fail(Error::not_found);
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    if (days < 0) return fail(Error::not_found);
    const std::uint64_t seconds = ((static_cast<std::uint64_t>(days) * 24 + hour) * 60 + minute) * 60 + second;
    constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
    if (seconds > latest_date / nanoseconds_per_second) return fail(Error::not_found);
    return seconds * nanoseconds_per_second;
}

void initialize_calendar(std::uint8_t century_register)
{
    std::uint8_t registers[8] = {};
    if (read_battery_clock(century_register, registers)) {
        if (const auto date = date_of(registers)) {
            set_calendar(*date);
            return;
        }
    }
    console_write(std::string_view("orrery: this machine's battery clock tells no date that can be used: CLOCK_REALTIME starts "
                                   "in 1970, until clock_settime says better\n"));
}

std::uint64_t calendar_origin() { return origin.load(std::memory_order_relaxed); }

void set_calendar(std::uint64_t now)
{
    const std::uint64_t running = clock_now();
    origin.store(now > running ? now - running : 0, std::memory_order_relaxed);
}

std::uint64_t moment_now(abi::Clock clock)
{
    return clock_now() + (clock == abi::Clock::since_1970 ? calendar_origin() : 0);
}

} // namespace orrery::kernel
