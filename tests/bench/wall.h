// Figures in wall-clock time: how long a person waits. They depend on the machine and its load, so nothing asserts them.
#pragma once

#include "inspector/core/result.h"
#include "table.h"

namespace orrery::bench {

// From before QEMU's process is made until the first program's first instruction; median of some starts.
inspector::Result<WallFigure> start_to_first_user_instruction();

// From the change of a guest program's source until that program has run in the guest: compile, link, archive, boot.
// Touches the file's time, not its content, and compiles without ccache.
inspector::Result<WallFigure> edit_to_run();

// From a debugger's first byte to a whole snapshot, over the debug stub alone; the debug information is loaded in that time.
inspector::Result<WallFigure> attach_to_first_picture();

// What a snapshot 60 times a second costs the guest: processor time of QEMU for the same work with and without.
inspector::Result<WallFigure> live_view_slowdown();

// Everything after the packages, from nothing, without ccache: the guest and the Inspector, and then the tests too.
inspector::Result<std::vector<WallFigure>> clean_build();

} // namespace orrery::bench
