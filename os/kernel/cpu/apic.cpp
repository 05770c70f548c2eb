// Local APIC access.
#include "kernel/cpu/apic.h"

#include <algorithm>

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/page_table.h"

namespace orrery::kernel {
namespace {

    // Register offsets, Intel SDM volume 3 table 10-1.
    constexpr std::uint32_t register_id = 0x20;
    constexpr std::uint32_t register_task_priority = 0x80;
    constexpr std::uint32_t register_end_of_interrupt = 0xb0;
    constexpr std::uint32_t register_spurious = 0xf0;
    constexpr std::uint32_t register_in_service = 0x100; // eight of 32 vectors each, 16 bytes apart
    constexpr std::uint32_t register_command_low = 0x300;
    constexpr std::uint32_t register_command_high = 0x310;
    constexpr std::uint32_t register_timer = 0x320;
    constexpr std::uint32_t register_timer_initial = 0x380;
    constexpr std::uint32_t register_timer_divide = 0x3e0;

    constexpr std::uint32_t command_pending = 1u << 12;

    volatile std::uint32_t* registers = nullptr;

    std::uint32_t read(std::uint32_t offset) { return registers[offset / 4]; }
    void write(std::uint32_t offset, std::uint32_t value) { registers[offset / 4] = value; }

    void command(std::uint32_t target, std::uint32_t low)
    {
        while (read(register_command_low) & command_pending) pause();
        write(register_command_high, target << 24);
        write(register_command_low, low);
    }

} // namespace

void initialize_apic()
{
    // SeaBIOS leaves the old interrupt controllers on, and their vectors are those of exceptions: mask all their lines.
    out8(0x21, 0xff);
    out8(0xa1, 0xff);
    registers = static_cast<volatile std::uint32_t*>(map_device_page(read_msr(msr_apic_base) & 0xffff'f000));
}

void enable_apic()
{
    write(register_spurious, 0x100 | vector_spurious);
    write(register_task_priority, 0);
    write(register_timer_divide, 0b1011); // by 1: QEMU's timer then counts nanoseconds
    write(register_timer, vector_timer);
}

std::uint32_t apic_id() { return read(register_id) >> 24; }
void end_of_interrupt() { write(register_end_of_interrupt, 0); }
bool is_in_service(std::uint8_t vector)
{
    return (read(register_in_service + vector / 32u * 0x10) >> vector % 32 & 1) != 0;
}
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) { command(apic_id, vector); }
void send_non_maskable_to_others() { command(0, 0b11 << 18 | 0b100 << 8); }
void send_init(std::uint32_t apic_id) { command(apic_id, 0b101 << 8 | 1u << 14); }
void send_startup(std::uint32_t apic_id, std::uint8_t page) { command(apic_id, 0b110 << 8 | page); }

void start_timer(std::uint64_t nanoseconds)
{
    // A count of 0 would stop the timer; a deadline too far for 32 bits comes in several turns.
    write(register_timer_initial, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(nanoseconds, 1, 0xffff'ffff)));
}

void stop_timer() { write(register_timer_initial, 0); }

} // namespace orrery::kernel
