// The local interrupt controller (Intel SDM volume 3 chapter 10): end of interrupt, inter-processor interrupts, and the
// one-shot timer. Register access is memory-mapped: QEMU's TCG has no x2APIC and no TSC-deadline mode.
#pragma once

#include <cstdint>

namespace orrery::kernel {

void initialize_apic();          // maps the registers; first CPU only
void enable_apic();              // on each CPU
std::uint32_t apic_id();
void end_of_interrupt();
bool is_in_service(std::uint8_t vector); // it has arrived, and end_of_interrupt was not called for it
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector);
void send_non_maskable_to_others();
void send_init(std::uint32_t apic_id);
void send_startup(std::uint32_t apic_id, std::uint8_t page); // starts at physical page * 4096 in real mode
void start_timer(std::uint64_t nanoseconds);                 // one interrupt; replaces an earlier order
void stop_timer();

} // namespace orrery::kernel
