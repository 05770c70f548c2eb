// What the two halves of the machine (processor.cpp and machine.cpp) know of each other.
#pragma once

#include "kernel/cpu/cpu.h"

namespace orrery::kernel::host {

struct Stopped {}; // thrown out of an idle loop when the machine is taken down

// Takes what is pending at `cpu`, which is the caller's; with `wait`, waits a moment for something first.
void take_interrupts(Cpu& cpu, bool wait);
void stop_idle_loops();
void reset_interrupts();

} // namespace orrery::kernel::host
