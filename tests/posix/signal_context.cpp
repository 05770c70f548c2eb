// The ucontext: it shows every register of the interrupted code, and what a handler writes into it takes effect
// (invariant S7). x86-64 register names as on Linux.
#include "check.h"

#include <csignal>
#include <cstdint>
#include <cstring>
#include <ucontext.h>

namespace {

// Registers that the probe below loads before its UD2 and stores after it. RSP and RIP are looked at by the handler.
struct Registers {
    std::uint64_t general[15]; // rax rbx rcx rdx rsi rdi rbp r8 .. r15
    std::uint64_t flags;
    alignas(16) std::uint64_t vector[16][2];
};
constexpr int greg_of[15] = { REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8, REG_R9, REG_R10,
    REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

} // namespace

// Global, so that the assembly can reach them without a register.
extern "C" {
alignas(16) Registers context_before;
alignas(16) Registers context_after;
void context_probe();
extern char context_probe_instruction[];
extern char context_probe_other[];
}

#define LOAD_VECTORS(structure)                                                                                        \
    ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n movdqa " structure                                 \
    " + 128 + 16 * \\i(%rip), %xmm\\i\n"                                                                               \
    ".endr\n"
#define STORE_VECTORS(structure)                                                                                       \
    ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n movdqa %xmm\\i, " structure                        \
    " + 128 + 16 * \\i(%rip)\n"                                                                                        \
    ".endr\n"
asm(R"(
    .text
    .globl context_probe, context_probe_instruction, context_probe_other
context_probe:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push context_before + 120(%rip)
    popf
)" LOAD_VECTORS("context_before") R"(
    mov context_before + 0(%rip), %rax
    mov context_before + 8(%rip), %rbx
    mov context_before + 16(%rip), %rcx
    mov context_before + 24(%rip), %rdx
    mov context_before + 32(%rip), %rsi
    mov context_before + 40(%rip), %rdi
    mov context_before + 48(%rip), %rbp
    mov context_before + 56(%rip), %r8
    mov context_before + 64(%rip), %r9
    mov context_before + 72(%rip), %r10
    mov context_before + 80(%rip), %r11
    mov context_before + 88(%rip), %r12
    mov context_before + 96(%rip), %r13
    mov context_before + 104(%rip), %r14
    mov context_before + 112(%rip), %r15
    /* The red zone is the function's own, whatever interrupts it. */
    .irp i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    movq $(0x12345600 + \i), -8 * \i(%rsp)
    .endr
context_probe_instruction:
    ud2
    mov %rax, context_after + 0(%rip)
context_probe_store:
    mov %rbx, context_after + 8(%rip)
    mov %rcx, context_after + 16(%rip)
    mov %rdx, context_after + 24(%rip)
    mov %rsi, context_after + 32(%rip)
    mov %rdi, context_after + 40(%rip)
    mov %rbp, context_after + 48(%rip)
    mov %r8, context_after + 56(%rip)
    mov %r9, context_after + 64(%rip)
    mov %r10, context_after + 72(%rip)
    mov %r11, context_after + 80(%rip)
    mov %r12, context_after + 88(%rip)
    mov %r13, context_after + 96(%rip)
    mov %r14, context_after + 104(%rip)
    mov %r15, context_after + 112(%rip)
    .irp i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    mov -8 * \i(%rsp), %rcx
    mov %rcx, context_red_zone + 8 * \i - 8(%rip)
    .endr
    pushf
    pop context_after + 120(%rip)
    cld
)" STORE_VECTORS("context_after") R"(
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    /* Where a handler may send the thread instead. */
context_probe_other:
    movq $77, context_after + 0(%rip)
    jmp context_probe_store

    .bss
    .globl context_red_zone
    .balign 16
context_red_zone:
    .skip 128
    .text
)");

namespace {

extern "C" std::uint64_t context_red_zone[16];

constexpr std::uint64_t user_flags = 0x8d5 | 0x400; // CF PF AF ZF SF OF, DF
volatile sig_atomic_t handled = 0;
volatile bool shown_right = false;
void (*edit)(ucontext_t&) = nullptr;

void choose(Registers& registers, std::uint64_t seed)
{
    std::uint64_t value = seed * 0x9e3779b97f4a7c15 + 1;
    const auto next = [&] { return value = value * 6364136223846793005u + 1442695040888963407u; };
    for (auto& word : registers.general)
        word = next();
    registers.flags = (next() >> 20 & user_flags) | 0x202;
    for (auto& pair : registers.vector) {
        pair[0] = next();
        pair[1] = next();
    }
}

bool shows(const ucontext_t& context, const Registers& registers)
{
    const auto& gregs = context.uc_mcontext.gregs;
    for (int i = 0; i < 15; i++) {
        if (static_cast<std::uint64_t>(gregs[greg_of[i]]) != registers.general[i]) return false;
    }
    if (((static_cast<std::uint64_t>(gregs[REG_EFL]) ^ registers.flags) & user_flags) != 0) return false;
    if (std::memcmp(context.uc_mcontext.fpregs->_xmm, registers.vector, sizeof registers.vector) != 0) return false;
    return static_cast<std::uint64_t>(gregs[REG_RIP]) == reinterpret_cast<std::uint64_t>(context_probe_instruction);
}

void on_illegal(int, siginfo_t*, void* argument)
{
    auto& context = *static_cast<ucontext_t*>(argument);
    handled = handled + 1;
    shown_right = shows(context, context_before);
    context.uc_mcontext.gregs[REG_RIP] += 2; // UD2 has two bytes
    if (edit != nullptr) edit(context);
    // What a handler leaves in registers is nobody's business.
    asm volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm5\n movdqa %%xmm0, %%xmm15" ::: "xmm0", "xmm5", "xmm15");
}

void run_probe(std::uint64_t seed, void (*editor)(ucontext_t&))
{
    struct sigaction action {};
    action.sa_sigaction = on_illegal;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGILL, &action, nullptr), 0);
    choose(context_before, seed);
    std::memset(&context_after, 0, sizeof context_after);
    handled = 0;
    edit = editor;
    context_probe();
    CHECK_EQUAL(handled, 1);
    CHECK(shown_right);
}

void check_after(const Registers& wanted)
{
    for (int i = 0; i < 15; i++)
        CHECK_EQUAL(context_after.general[i], wanted.general[i]);
    CHECK_EQUAL(context_after.flags & user_flags, wanted.flags & user_flags);
    CHECK(std::memcmp(context_after.vector, wanted.vector, sizeof wanted.vector) == 0);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQUAL(context_red_zone[i], 0x12345601u + i);
}

void every_register_survives()
{
    for (std::uint64_t seed = 1; seed <= 200; seed++) {
        run_probe(seed, nullptr);
        check_after(context_before);
    }
}

void every_general_register_can_be_edited()
{
    run_probe(1000, [](ucontext_t& context) {
        for (int i = 0; i < 15; i++)
            context.uc_mcontext.gregs[greg_of[i]] = 100 + i;
    });
    Registers wanted = context_before;
    for (unsigned i = 0; i < 15; i++)
        wanted.general[i] = 100 + i;
    check_after(wanted);
}

void vector_registers_can_be_edited()
{
    run_probe(1001, [](ucontext_t& context) {
        for (unsigned i = 0; i < 16; i++) {
            for (unsigned j = 0; j < 4; j++)
                context.uc_mcontext.fpregs->_xmm[i].element[j] = i * 16 + j;
        }
    });
    Registers wanted = context_before;
    for (unsigned i = 0; i < 16; i++) {
        const std::uint32_t words[4] = { i * 16, i * 16 + 1, i * 16 + 2, i * 16 + 3 };
        std::memcpy(wanted.vector[i], words, sizeof words);
    }
    check_after(wanted);
}

void flags_can_be_edited()
{
    run_probe(1002, [](ucontext_t& context) { context.uc_mcontext.gregs[REG_EFL] ^= 0x8d5; });
    Registers wanted = context_before;
    wanted.flags ^= 0x8d5;
    check_after(wanted);
}

void the_thread_can_be_sent_elsewhere()
{
    run_probe(1003, [](ucontext_t& context) {
        context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uint64_t>(context_probe_other));
    });
    Registers wanted = context_before;
    wanted.general[0] = 77;
    check_after(wanted);
}

// The handler starts with the direction flag clear, whatever it interrupted (AMD64 ABI 3.2.1).
volatile bool direction_was_clear = false;
void the_handler_starts_with_clear_direction()
{
    run_probe(1004, nullptr);
    for (std::uint64_t seed = 0; seed < 64; seed++) {
        run_probe(seed, [](ucontext_t& context) {
            std::uint64_t flags;
            asm volatile("pushfq\n popq %0" : "=r"(flags));
            direction_was_clear = (flags & 0x400) == 0;
            (void)context;
        });
        CHECK(direction_was_clear);
    }
}

// The x87 and SSE control words are part of the state.
void control_words_survive()
{
    const std::uint16_t x87 = 0x0f7f; // rounding towards zero, masked
    const std::uint32_t sse = 0x7f80; // the same
    std::uint16_t old_x87, now_x87;
    std::uint32_t old_sse, now_sse;
    asm volatile("fnstcw %0\n stmxcsr %1" : "=m"(old_x87), "=m"(old_sse));
    asm volatile("fldcw %0\n ldmxcsr %1" : : "m"(x87), "m"(sse));
    run_probe(1005, [](ucontext_t&) {
        const std::uint16_t other_x87 = 0x037f;
        const std::uint32_t other_sse = 0x1f80;
        asm volatile("fldcw %0\n ldmxcsr %1" : : "m"(other_x87), "m"(other_sse));
    });
    asm volatile("fnstcw %0\n stmxcsr %1" : "=m"(now_x87), "=m"(now_sse));
    asm volatile("fldcw %0\n ldmxcsr %1" : : "m"(old_x87), "m"(old_sse));
    CHECK_EQUAL(now_x87, x87);
    CHECK_EQUAL(now_sse & 0xffc0, sse & 0xffc0);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "every register survives", every_register_survives },
        { "every general register can be edited", every_general_register_can_be_edited },
        { "vector registers can be edited", vector_registers_can_be_edited },
        { "flags can be edited", flags_can_be_edited },
        { "the thread can be sent elsewhere", the_thread_can_be_sent_elsewhere },
        { "the handler starts with a clear direction flag", the_handler_starts_with_clear_direction },
        { "control words survive", control_words_survive },
    };
    return posix_test::run(tests);
}
