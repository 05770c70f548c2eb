// What the kernel does when a program, a device or another CPU interrupts it, and on every way back to user mode.
#include <atomic>
#include <string_view>

#include "abi/cpu.h"
#include "kernel/boot/console.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/clock.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/device/interrupt.h"
#include "kernel/device/iommu.h"
#include "kernel/memory/address_space.h"
#include "kernel/memory/pressure.h"
#include "kernel/memory/reclaim.h"
#include "kernel/memory/user_access.h"
#include "kernel/signal/signal.h"
#include "kernel/syscall/thread_end.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

extern "C" char user_copy_begin[], user_copy_end[], user_copy_fault[];

void answer_shootdown(); // cpu/shootdown.cpp

namespace {

    // Exceptions, Intel SDM volume 3 table 6-1.
    enum Exception : std::uint64_t {
        divide_error = 0,
        debug = 1,
        breakpoint = 3,
        overflow = 4,
        bound_range = 5,
        invalid_opcode = 6,
        stack_fault = 12,
        general_protection = 13,
        page_fault = 14,
        x87_error = 16,
        alignment_check = 17,
        simd_error = 19,
    };

    // Page-fault error code, Intel SDM volume 3 section 4.7.
    constexpr std::uint64_t error_write = 1u << 1;
    constexpr std::uint64_t error_user = 1u << 2;
    constexpr std::uint64_t error_fetch = 1u << 4;

    std::uint32_t access_of(std::uint64_t error_code)
    {
        if (error_code & error_fetch) return abi::protection_execute;
        return error_code & error_write ? abi::protection_write : abi::protection_read;
    }

    Fault fault_of(const TrapFrame& frame)
    {
        using abi::SignalCode;
        switch (frame.vector) {
        case divide_error: return { 8, SignalCode::fault_1, frame.rip };
        case debug: return { 5, SignalCode::fault_2, frame.rip };
        case breakpoint: return { 5, SignalCode::fault_1, frame.rip };
        case overflow: return { 11, SignalCode::kernel, 0 };
        case bound_range: return { 11, SignalCode::kernel, 0 };
        case invalid_opcode: return { 4, SignalCode::fault_2, frame.rip };
        case alignment_check: return { 7, SignalCode::fault_1, frame.rip };
        case x87_error: return { 8, SignalCode::float_invalid, frame.rip };
        case simd_error: return { 8, SignalCode::float_invalid, frame.rip };
        default: return { 11, SignalCode::kernel, 0 }; // general protection, stack: no address is known
        }
    }

    // Makes the page present, and room for it if memory is short.
    Status resolve(Thread& thread, const TrapFrame& frame, VirtualAddress address)
    {
        for (;;) {
            const Status result = thread.space->resolve_fault(address, access_of(frame.error_code));
            // A fault in a copy of the kernel may come while a lock is held; then there is nothing to be done here.
            const bool may_do_more = this_cpu().held_lock_ranks == 0;
            if (may_do_more) consider_pressure();
            if (result || !may_do_more) return result;
            if (result.error() == Error::not_present)
                return thread.space->make_present(address, 1, access_of(frame.error_code));
            if (result.error() != Error::out_of_memory || reclaim(reclaim_batch) == 0) return result;
        }
    }

    // An IRETQ in user mode reads its five words with the kernel's rights under QEMU 7.2's TCG, so SMAP stops it
    // although the page is there and the program's own. A processor would just go on; so does this.
    bool finish_user_return(TrapFrame& frame)
    {
        constexpr std::uint16_t iretq = 0xcf48;
        // What POPFQ may change in user mode: CF PF AF ZF SF TF DF OF RF AC ID.
        constexpr std::uint64_t user_flags = 0x25'0dd5;
        struct Words {
            std::uint64_t rip, cs, rflags, rsp, ss;
        };
        const auto instruction = read_user<std::uint16_t>(frame.rip);
        if (!instruction || *instruction != iretq) return false;
        const auto words = read_user<Words>(frame.rsp);
        if (!words || words->cs != abi::user_code_selector || words->ss != abi::user_data_selector
            || !is_user_range(words->rip, 1))
            return false;
        frame.rip = words->rip;
        frame.rsp = words->rsp;
        frame.rflags = (words->rflags & user_flags) | abi::rflags_fixed | abi::rflags_interrupt;
        return true;
    }

    void user_page_fault(Thread& thread, TrapFrame& frame, VirtualAddress address)
    {
        if (!(frame.error_code & error_user)) {
            if (finish_user_return(frame)) return;
            deliver_fault(thread, frame, { 11, abi::SignalCode::kernel, 0 }); // or it would fault for ever
            return;
        }
        const Status result = resolve(thread, frame, address);
        if (result) return;
        if (result.error() == Error::out_of_memory || result.error() == Error::limit_reached) {
            deliver_fault(thread, frame, { 7, abi::SignalCode::fault_2, address });
            return;
        }
        if (result.error() == Error::interrupted) return; // the thread is to end
        if (result.error() == Error::peer_closed || result.error() == Error::broken) { // nobody is left to bring the page
            deliver_fault(thread, frame, { 7, abi::SignalCode::fault_2, address });
            return;
        }
        // Dropped under pressure, and the owner must make it anew; or the pager does not have it.
        if (result.error() == Error::not_found) {
            deliver_fault(thread, frame, { 7, abi::SignalCode::fault_3, address });
            return;
        }
        const bool mapped = result.error() == Error::access_denied;
        deliver_fault(thread, frame, { 11, mapped ? abi::SignalCode::fault_2 : abi::SignalCode::fault_1, address });
    }

    void kernel_page_fault(TrapFrame& frame, VirtualAddress address)
    {
        const bool in_copy = frame.rip >= reinterpret_cast<std::uint64_t>(user_copy_begin)
            && frame.rip < reinterpret_cast<std::uint64_t>(user_copy_end);
        if (!in_copy || !is_user_range(address, 1)) panic_at(frame, "page fault in the kernel, address", address);
        const Status result = resolve(current_thread(), frame, address);
        if (result) {
            // The access may come straight back here, as long as another CPU clones the object; and that one may wait
            // for this one to forget what it knows of the page.
            answer_shootdown();
            if (this_cpu().held_lock_ranks == 0) (void)preemption_point(); // who is to end does so after the copy
            return;
        }
        frame.rax = static_cast<std::uint64_t>(copy_error(result.error()));
        frame.rip = reinterpret_cast<std::uint64_t>(user_copy_fault);
    }

    void timer_interrupt()
    {
        Cpu& cpu = this_cpu();
        run_expired_timers();
        if (clock_now() >= pressure_deadline()) consider_pressure();
        if (!cpu.idle.load(std::memory_order_relaxed) && clock_now() >= cpu.slice_end) {
            cpu.current->hot.attention.fetch_or(attention_reschedule, std::memory_order_relaxed);
            cpu.slice_end = clock_now() + time_slice;
            cpu.slice_over = true;
        }
        program_timer_interrupt();
    }

    // Without interrupt remapping a device can be made to write any vector to a processor, also one that nobody has: no
    // reason to stop the machine. Said once, because it may come as often as the device can write.
    void ignore_interrupt(std::uint64_t vector)
    {
        static std::atomic<bool> told { false };
        if (told.exchange(true, std::memory_order_relaxed)) return;
        constexpr std::string_view digits = "0123456789abcdef";
        char text[] = "kernel: interrupts that nobody has asked for are ignored; the first one's vector is 0x00\n";
        char* const number = text + sizeof(text) - 4;
        number[0] = digits[vector >> 4 & 15];
        number[1] = digits[vector & 15];
        console_write({ text, sizeof(text) - 1 });
    }

    void exception(TrapFrame& frame)
    {
        const std::uint64_t fault_address = frame.vector == page_fault ? read_cr2() : 0;
        if (!frame.from_user()) {
            if (frame.vector == page_fault) kernel_page_fault(frame, fault_address);
            else panic_at(frame, "exception in the kernel, vector", frame.vector);
            return;
        }
        Thread& thread = current_thread();
        if (frame.vector == page_fault) user_page_fault(thread, frame, fault_address);
        else deliver_fault(thread, frame, fault_of(frame));
    }

    // The way back to user mode does the rest.
    void interrupt(std::uint64_t vector)
    {
        Cpu& cpu = this_cpu();
        if (vector == vector_spurious) {
            // A true one is not in service; a message with that vector is, and would keep all others away.
            if (is_in_service(vector_spurious)) end_of_interrupt();
            return;
        }
        ++cpu.interrupts;
        end_of_interrupt();
        switch (vector) {
        case vector_timer: timer_interrupt(); return;
        case vector_attention:
            if (cpu.reschedule_wanted.exchange(false, std::memory_order_acq_rel))
                cpu.current->hot.attention.fetch_or(attention_reschedule, std::memory_order_relaxed);
            return;
        case vector_shootdown: answer_shootdown(); return;
        case vector_iommu:
            if (iommu_is_on()) handle_iommu_faults();
            return;
        default: break;
        }
        if (vector >= first_device_vector && vector <= last_device_vector)
            dispatch_device_interrupt(static_cast<std::uint8_t>(vector));
        else ignore_interrupt(vector);
    }

} // namespace

extern "C" void trap(TrapFrame& frame)
{
    if (frame.vector < first_interrupt_vector) exception(frame);
    else interrupt(frame.vector);
}

// Every return to user mode that finds the attention word set comes here. Loops, because what it does takes time in
// which new reasons may arise; interrupts are off from the last test to the return itself.
extern "C" void return_to_user(TrapFrame& frame)
{
    for (bool has_delivered = false;;) {
        Thread& thread = current_thread();
        std::uint32_t attention = thread.hot.attention.exchange(0, std::memory_order_seq_cst);
        if (attention == 0) return;
        if (attention & attention_end) end_thread();
        if (attention & attention_reschedule) schedule();
        if (attention & attention_stop) {
            thread.space->park_while_stopped();
            attention |= attention_signal; // signals wait while a process is stopped: now they are due
            if (must_end(thread)) continue;
        }
        if (!(attention & attention_signal)) continue;
        deliver_signals(thread, frame);
        // Threads that send each other here again and again must not keep the CPU from everybody else.
        if (has_delivered) [[unlikely]]
            open_interrupt_window();
        has_delivered = true;
    }
}

} // namespace orrery::kernel
