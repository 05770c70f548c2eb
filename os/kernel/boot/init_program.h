// The first program: the kernel loads `init` from the initrd and gives it the handles that everything else comes from.
#pragma once

#include "kernel/boot/pvh.h"

namespace orrery::kernel {

// Panics with a sentence if there is no usable init.
void start_init_program(const BootInformation& boot);

} // namespace orrery::kernel
