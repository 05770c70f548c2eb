// 16550 output.
#include "kernel/boot/console.h"

#include "kernel/base/spinlock.h"
#include "kernel/cpu/machine.h"

namespace orrery::kernel {
namespace {
    constexpr std::uint16_t port = 0x3f8;
    constexpr std::uint16_t line_status = port + 5;
    constexpr std::uint8_t transmitter_empty = 0x20;
    constexpr unsigned patience = 100'000; // reads; a machine without a serial port must not hang
    Spinlock console_lock { LockRank::console };

    void put(char character)
    {
        for (unsigned step = 0; step < patience && !(in8(line_status) & transmitter_empty); ++step) pause();
        out8(port, static_cast<std::uint8_t>(character));
    }
} // namespace

void initialize_console()
{
    out8(port + 1, 0);    // no interrupts
    out8(port + 3, 0x03); // 8 bits, no parity, one stop bit
    out8(port + 2, 0x07); // FIFOs on and cleared
}

void console_write_unlocked(std::string_view text)
{
    for (char character : text) put(character);
}

void console_write(std::span<const char> text)
{
    Guard guard(console_lock);
    for (char character : text) put(character);
}

} // namespace orrery::kernel
