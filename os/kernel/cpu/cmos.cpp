// Access to the battery clock through its two ports.
#include "kernel/cpu/cmos.h"

#include <algorithm>

#include "kernel/cpu/machine.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint16_t index_port = 0x70, data_port = 0x71;
    constexpr std::uint8_t register_a = 10, register_b = 11;
    constexpr std::uint8_t update_in_progress = 1u << 7;

    std::uint8_t read(std::uint8_t index)
    {
        out8(index_port, index);
        return in8(data_port);
    }

    void read_all(std::uint8_t century_register, std::span<std::uint8_t, 8> registers)
    {
        constexpr std::uint8_t places[] = { 0, 2, 4, 7, 8, 9, register_b };
        for (std::size_t index = 0; index < std::size(places); ++index) registers[index] = read(places[index]);
        registers[7] = century_register != 0 && century_register < 128 ? read(century_register) : 0;
    }

} // namespace

// Two readings that agree, neither of which was begun in the middle of an update: those take 2 ms at most.
bool read_battery_clock(std::uint8_t century_register, std::span<std::uint8_t, 8> registers)
{
    for (unsigned turn = 0; turn < 100'000; ++turn) {
        if (read(register_a) & update_in_progress) continue;
        read_all(century_register, registers);
        std::uint8_t again[8];
        read_all(century_register, again);
        if (std::ranges::equal(registers, again) && !(read(register_a) & update_in_progress)) return true;
    }
    return false;
}

} // namespace orrery::kernel
