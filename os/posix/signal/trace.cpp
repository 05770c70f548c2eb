// Switches the thread's own flight recorder.
#include "posix/runtime/thread.h"

#include <orrery/orrery.h>

extern "C" void orrery_trace_enable(int on) { orrery::runtime::thread_control()->user_trace_enabled = on != 0; }
