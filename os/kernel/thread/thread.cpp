// Making and unmaking threads.
#include "kernel/thread/thread.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "abi/cpu.h"
#include "kernel/boot/descriptor.h"
#include "kernel/boot/panic.h"
#include "kernel/boot/registry.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/heap.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {

    std::atomic<std::uint32_t> next_number { 1 };

    extern "C" void thread_first_return();

    // What context_switch pops: r15 r14 r13 r12 rbp rbx, then the return address.
    struct SwitchFrame {
        std::uint64_t registers[6];
        std::uint64_t return_address;
    };

} // namespace

Result<Ref<Thread>> Thread::create(Ref<AddressSpace> space, const Start& start)
{
    if (!is_user_range(start.entry, 1) || !is_user_range(start.stack_pointer, 0)
        || (start.thread_pointer != 0 && !is_user_range(start.thread_pointer, 0)))
        return fail(Error::bad_address);
    auto* raw = new (std::nothrow) Thread(next_number.fetch_add(1, std::memory_order_relaxed));
    if (!raw) return fail(Error::out_of_memory);
    auto thread = Ref<Thread>::adopt(raw); // an error below destroys what there is so far
    register_thread(*raw);
    thread->space = Ref<AddressSpace>(space).leak();
    const std::uint32_t priority = std::min(abi::priority_normal, space->limit(abi::SpaceLimit::priority));
    thread->own_priority = thread->effective_priority = static_cast<std::uint8_t>(priority);
    thread->charge.bill(space->account.get());
    TRY_STATUS(thread->charge.add(kernel_stack_size / page_size + 1)); // and one for the rest
    thread->kernel_stack = allocate_kernel_stack();
    // XSAVE areas are 64-byte aligned: heap blocks are aligned to their size class.
    thread->extended_state = static_cast<std::byte*>(heap_allocate(extended_state_size()));
    if (!thread->kernel_stack || !thread->extended_state) return fail(Error::out_of_memory);
    initialize_extended_state_area(thread->extended_state);

    thread->trap_frame = reinterpret_cast<TrapFrame*>(thread->kernel_stack) - 1;
    *thread->trap_frame = {};
    thread->trap_frame->rdi = start.argument;
    thread->trap_frame->rip = start.entry;
    thread->trap_frame->cs = abi::user_code_selector;
    thread->trap_frame->rflags = abi::rflags_fixed | abi::rflags_interrupt;
    thread->trap_frame->rsp = start.stack_pointer;
    thread->trap_frame->ss = abi::user_data_selector;
    thread->fs_base = start.thread_pointer;
    auto* frame = reinterpret_cast<SwitchFrame*>(thread->trap_frame) - 1;
    *frame = { {}, reinterpret_cast<std::uint64_t>(&thread_first_return) };
    thread->kernel_stack_pointer = reinterpret_cast<std::uint64_t>(frame);

    return thread;
}

Status Thread::start()
{
    TRY_STATUS(space->join(*this));
    ORRERY_TRACE(thread, created, 0, number, space->number, trap_frame->rip);
    reference(); // a living thread has a reference on itself; finish_switch drops it
    space->runnable_threads.fetch_add(1, std::memory_order_relaxed);
    make_ready(*this);
    return {};
}

Thread* Thread::create_idle(Cpu& cpu)
{
    auto* thread = new (std::nothrow) Thread(0);
    if (!thread) panic("no memory for an idle thread");
    thread->cpu = &cpu;
    thread->on_cpu = true;
    Guard guard(thread->lock);
    thread->state = ThreadState::running;
    return thread;
}

Thread::~Thread()
{
    unregister_thread(*this);
    cancel_timer(wait_timer);
    cancel_timer(signal_timer);
    if (control_frame) frame_allocator.release(control_frame);
    if (extended_state) heap_free(extended_state);
    if (kernel_stack) free_kernel_stack(kernel_stack);
    if (space) space->release();
}

} // namespace orrery::kernel
