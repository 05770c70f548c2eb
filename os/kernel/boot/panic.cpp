// Panic: records, tells the console, stops the other CPUs, ends the machine.
#include "kernel/boot/panic.h"

#include <atomic>
#include <cstdarg>
#include <string_view>

#include "kernel/boot/console.h"
#include "kernel/boot/descriptor.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/trap_frame.h"
#include "kernel/memory/layout.h"

extern "C" std::atomic<std::uint32_t> panic_in_progress;
std::atomic<std::uint32_t> panic_in_progress { 0 }; // the NMI entry tests it

namespace orrery::kernel {

PanicRecord panic_record;

namespace {

    class MessageWriter {
    public:
        void put(char character)
        {
            if (length_ + 1 < sizeof(panic_record.message)) panic_record.message[length_++] = character;
        }
        void put(const char* text)
        {
            while (*text) put(*text++);
        }
        void put_number(std::uint64_t value, unsigned base)
        {
            char digits[20];
            unsigned count = 0;
            do digits[count++] = "0123456789abcdef"[value % base];
            while (value /= base);
            while (count) put(digits[--count]);
        }

    private:
        std::size_t length_ = 0;
    };

    void format_message(const char* format, va_list arguments)
    {
        MessageWriter writer;
        for (; *format; ++format) {
            if (*format != '%') {
                writer.put(*format);
                continue;
            }
            while (format[1] == 'l') ++format; // %lx says 64 bits to the compiler; here every %x is
            switch (*++format) {
            case 's': writer.put(va_arg(arguments, const char*)); break;
            case 'u': writer.put_number(va_arg(arguments, unsigned), 10); break;
            case 'x': writer.put_number(va_arg(arguments, std::uint64_t), 16); break;
            default: writer.put(*format); break;
            }
        }
    }

    bool is_stack(std::uint64_t address)
    {
        return address % 8 == 0 && address >= kernel_stack_area; // kernel stacks, and the boot stack in the image
    }

    // Frame pointers are kept throughout the kernel for this walk.
    void record_backtrace(std::uint64_t frame_pointer)
    {
        while (panic_record.depth < 32 && is_stack(frame_pointer)) {
            const auto* frame = reinterpret_cast<const std::uint64_t*>(frame_pointer);
            if (frame[1] < kernel_image_base) break;
            panic_record.addresses[panic_record.depth++] = frame[1];
            if (frame[0] <= frame_pointer || frame[0] - frame_pointer > 0x10000) break;
            frame_pointer = frame[0];
        }
    }

    void claim_panic()
    {
        std::uint32_t nobody = 0;
        const std::uint32_t self = this_cpu().number + 1;
        if (panic_in_progress.compare_exchange_strong(nobody, self)) return;
        if (nobody == self) end_machine(panic_exit_code); // the panic code itself faulted: what is recorded must do
        for (;;) asm volatile("cli; hlt");                // another CPU panics already and will end the machine
    }

    [[noreturn]] void finish()
    {
        panic_record.cpu = this_cpu().number;
        orrery_descriptor.machine_state.store(static_cast<std::uint32_t>(abi::MachineState::panicked));
        if (cpu_count > 1) send_non_maskable_to_others();
        console_write_unlocked("\n@@PANIC ");
        console_write_unlocked(panic_record.message);
        console_write_unlocked("\n");
        end_machine(panic_exit_code);
    }

} // namespace

void panic(const char* format, ...)
{
    asm volatile("cli");
    claim_panic();
    va_list arguments;
    va_start(arguments, format);
    format_message(format, arguments);
    va_end(arguments);
    record_backtrace(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    finish();
}

void panic_at(const TrapFrame& frame, const char* what, std::uint64_t detail)
{
    asm volatile("cli");
    claim_panic();
    MessageWriter writer;
    writer.put(what);
    writer.put(" (");
    writer.put("0x");
    writer.put_number(detail, 16);
    writer.put(") at 0x");
    writer.put_number(frame.rip, 16);
    panic_record.rip = frame.rip;
    panic_record.rsp = frame.rsp;
    panic_record.rbp = frame.rbp;
    panic_record.addresses[panic_record.depth++] = frame.rip;
    record_backtrace(frame.rbp);
    finish();
}

void end_machine(std::uint8_t code)
{
    constexpr std::uint16_t debug_exit_port = 0xf4; // -device isa-debug-exit,iobase=0xf4
    out32(debug_exit_port, code);
    for (;;) asm volatile("cli; hlt");
}

} // namespace orrery::kernel

// What libc++ hardening, pure virtual calls and static guards want.
extern "C" void __cxa_pure_virtual() { orrery::kernel::panic("a pure virtual function was called"); }
extern "C" void abort() { orrery::kernel::panic("abort() was called"); }
