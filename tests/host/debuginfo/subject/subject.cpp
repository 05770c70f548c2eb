// A program without a C library whose debug information the tests read, and which they run under ptrace.
#include <atomic>
#include <cstdint>
#include <sys/sdt.h>

namespace subject {

enum class Colour : std::uint8_t { red, green = 7, blue = 0x80 };
enum Temperature : int { cold = -3, warm = 4 };

struct Inner {
    std::uint16_t a;
    std::int8_t b;
};
struct Base {
    std::uint64_t base_value;
};
struct Outer : Base {
    std::atomic<std::uint32_t> counter;
    Colour colour;
    bool flag;
    Inner inner;
    Inner array[3];
    Outer* next;
    char name[16];
    unsigned low : 3, high : 5;
    union {
        std::uint32_t word;
        std::uint8_t word_bytes[4];
    };
    std::atomic<Outer*> head;
    std::atomic<Colour> atomic_colour;
    Temperature temperature;
    std::uint32_t matrix[2][3];
    static std::uint64_t instances;
};
std::uint64_t Outer::instances = 77;

Outer outer {
    { 0x1122334455667788 }, { 41 }, Colour::green, true, { 500, -2 }, { { 1, 2 }, { 3, -4 }, { 5, 6 } }, &outer, "orrery", 5, 17,
    { 0xaabbccdd }, { &outer }, { Colour::blue }, cold, { { 1, 2, 3 }, { 4, 5, 6 } },
};
volatile std::uint64_t sink;
volatile std::int32_t place_in_memory = -9;

__attribute__((noinline)) void leaf(std::uint64_t number, std::int32_t negative, std::uint8_t small)
{
    STAP_PROBE5(orrery, test__probe, number, negative, small, 12345, place_in_memory);
    sink = number + static_cast<std::uint64_t>(negative) + small; // line of the leaf
    asm volatile("int3");
    sink = 1;
}

__attribute__((noinline)) void middle(std::uint64_t number)
{
    volatile std::uint64_t room[8];
    room[3] = number;
    asm volatile("mov $0xdead, %%ebx" ::: "rbx"); // so that unwinding must restore the caller's rbx
    leaf(number * 2, -7, 200);
    sink = room[3];
}

template <typename T>
__attribute__((noinline)) void outermost(T number)
{
    asm volatile("mov $0x600d, %%ebx; mov %0, %%rdi; call %P1" ::"r"(number), "i"(static_cast<void (*)(std::uint64_t)>(middle))
                 : "rbx", "rdi", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
    sink = 2;
}

} // namespace subject

extern "C" [[noreturn]] void start_in_cpp()
{
    STAP_PROBE(orrery, test__start);
    subject::outermost<unsigned long>(21);
    subject::sink = subject::outer.counter + subject::Outer::instances;
    asm volatile("syscall" ::"a"(231), "D"(0));
    __builtin_unreachable();
}

asm(R"(
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    and $-16, %rsp
    call start_in_cpp
    ud2
    .cfi_endproc
    .size _start, . - _start
    .globl label_without_size
label_without_size:
    nop
    nop
)");
