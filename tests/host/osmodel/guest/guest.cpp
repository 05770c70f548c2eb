// A kernel that never runs: the real kernel's types and roots, compiled so that tests can lay out its memory by hand.
#include "kernel/boot/descriptor.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/frame_allocator.h"
#include "kernel/ring/ring.h"
#include "kernel/scheme/scheme.h"
#include "kernel/thread/thread.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {

Cpu cpus[max_cpus];
abi::TraceBuffer trace_buffers[max_cpus];
PanicRecord panic_record;
FrameAllocator frame_allocator;

namespace {
    PageTable kernel_table { 0 };
} // namespace

Thread* all_threads;
AddressSpace* all_spaces;
Ring* all_rings;
Scheme* all_schemes;
Operation* any_operation;
TrapFrame* any_trap_frame;
PageTable* the_kernel_table = &kernel_table;

__attribute__((noinline)) void fail_deep()
{
    asm volatile("nop");
}

} // namespace orrery::kernel

orrery::abi::Descriptor orrery_descriptor {};

extern "C" void _start() { orrery::kernel::fail_deep(); }
extern "C" void trampoline() { asm volatile("nop; nop; nop; nop"); }
extern "C" void on_signal() { asm volatile("nop"); }
