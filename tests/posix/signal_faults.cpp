// Synchronous faults: SIGSEGV, SIGILL, SIGFPE, SIGTRAP come to the faulting thread with the address and a ucontext with
// which the program can go on (invariant S9).
#include "check.h"

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <ucontext.h>

extern "C" char illegal_instruction_here[];

namespace {

volatile sig_atomic_t handled = 0;
volatile sig_atomic_t seen_number = 0;
volatile sig_atomic_t seen_code = 0;
void* volatile seen_address = nullptr;
volatile greg_t seen_trap = -1;
volatile greg_t seen_error = -1;
volatile greg_t seen_fault_address = -1;
sigjmp_buf back;
alignas(16) const char read_only[16] = "constant";
int good = 4711;

void note(int number, const siginfo_t* info, const ucontext_t* context)
{
    handled = handled + 1;
    seen_number = number;
    seen_code = info->si_code;
    seen_address = info->si_addr;
    seen_trap = context->uc_mcontext.gregs[REG_TRAPNO];
    seen_error = context->uc_mcontext.gregs[REG_ERR];
    seen_fault_address = context->uc_mcontext.gregs[REG_CR2];
}

void jump_out(int number, siginfo_t* info, void* context)
{
    note(number, info, static_cast<ucontext_t*>(context));
    siglongjmp(back, 1);
}

// Repairs the pointer that the fault came through: it is in RAX by agreement with load_through().
void repair(int number, siginfo_t* info, void* argument)
{
    auto* const context = static_cast<ucontext_t*>(argument);
    note(number, info, context);
    context->uc_mcontext.gregs[REG_RAX] = static_cast<greg_t>(reinterpret_cast<std::uint64_t>(&good));
}

int load_through(const void* pointer)
{
    int value;
    asm volatile("movl (%%rax), %0" : "=r"(value) : "a"(pointer) : "memory");
    return value;
}

void install(int number, void (*handler)(int, siginfo_t*, void*), int flags = 0)
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
}

void a_bad_read_is_repaired_and_resumed()
{
    install(SIGSEGV, repair);
    void* const nowhere = reinterpret_cast<void*>(0x1230);
    CHECK_EQUAL(load_through(nowhere), 4711);
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGSEGV);
    CHECK_EQUAL(seen_code, SEGV_MAPERR);
    CHECK(seen_address == nowhere);
    CHECK_EQUAL(seen_trap, 14);
    CHECK_EQUAL(seen_error & 4, 4); // a user access
    CHECK_EQUAL(seen_fault_address, 0x1230);
}

void a_write_to_constant_memory_says_so()
{
    install(SIGSEGV, jump_out);
    if (sigsetjmp(back, 1) == 0) *const_cast<volatile char*>(&read_only[3]) = 'x';
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_code, SEGV_ACCERR);
    CHECK(seen_address == &read_only[3]);
    CHECK_EQUAL(seen_error & 2, 2); // a write
}

void a_jump_to_data_faults()
{
    install(SIGSEGV, jump_out);
    if (sigsetjmp(back, 1) == 0) asm volatile("call *%0" : : "r"(&good) : "memory");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_code, SEGV_ACCERR);
    CHECK(seen_address == &good);
}

void an_illegal_instruction_names_itself()
{
    install(SIGILL, jump_out);
    if (sigsetjmp(back, 1) == 0) asm volatile(".globl illegal_instruction_here\nillegal_instruction_here: ud2");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGILL);
    CHECK(seen_address == illegal_instruction_here);
    CHECK_EQUAL(seen_trap, 6);
}

void a_privileged_instruction_faults()
{
    install(SIGSEGV, jump_out); // general protection is SIGSEGV on Linux, too
    if (sigsetjmp(back, 1) == 0) asm volatile("hlt");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_trap, 13);
}

void a_division_by_zero_is_an_arithmetic_fault()
{
    install(SIGFPE, jump_out);
    if (sigsetjmp(back, 1) == 0)
        asm volatile("xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n movl $1, %%eax\n idivl %%ecx" ::: "eax", "ecx", "edx");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGFPE);
    CHECK_EQUAL(seen_code, FPE_INTDIV);
}

// The x87 tells of a division when its next instruction comes (Intel SDM volume 1, 8.6).
void a_division_by_zero_in_the_x87_is_an_arithmetic_fault()
{
    install(SIGFPE, jump_out);
    const std::uint16_t unmasked = 0x037b; // all masked but division by zero
    if (sigsetjmp(back, 1) == 0) asm volatile("fninit\n fldcw %0\n fld1\n fldz\n fdivrp\n fwait" ::"m"(unmasked) : "st", "st(1)");
    asm volatile("fninit");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGFPE);
    CHECK_EQUAL(seen_trap, 16);
}

void a_breakpoint_is_a_trap()
{
    install(SIGTRAP,
        [](int number, siginfo_t* info, void* context) { note(number, info, static_cast<ucontext_t*>(context)); });
    asm volatile("int3"); // a trap: the saved RIP is behind it
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_number, SIGTRAP);
    CHECK_EQUAL(seen_trap, 3);
}

void a_single_step_is_a_trap()
{
    install(SIGTRAP, [](int number, siginfo_t* info, void* argument) {
        auto* const context = static_cast<ucontext_t*>(argument);
        note(number, info, context);
        context->uc_mcontext.gregs[REG_EFL] &= ~0x100; // stop stepping
    });
    asm volatile("subq $128, %%rsp\n pushfq\n orl $0x100, (%%rsp)\n popfq\n nop\n nop\n addq $128, %%rsp" ::
            : "cc", "memory");
    CHECK_EQUAL(handled, 1);
    CHECK_EQUAL(seen_trap, 1);
}

// The handler itself sets the trap flag: the program then goes on instruction by instruction.
volatile greg_t stepped_to[8];
void a_handler_steps_through_the_program()
{
    struct sigaction action {};
    action.sa_sigaction = [](int number, siginfo_t* info, void* argument) {
        auto* const context = static_cast<ucontext_t*>(argument);
        note(number, info, context);
        stepped_to[handled - 1] = context->uc_mcontext.gregs[REG_RIP];
        if (handled < 5)
            context->uc_mcontext.gregs[REG_EFL] |= 0x100;
        else
            context->uc_mcontext.gregs[REG_EFL] &= ~0x100;
    };
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGTRAP, &action, nullptr), 0);
    handled = 0;
    asm volatile("int3\n nop\n nop\n nop\n nop\n nop\n nop\n nop");
    CHECK_EQUAL(handled, 5);
    for (int i = 1; i < 5; i++)
        CHECK_EQUAL(stepped_to[i] - stepped_to[i - 1], 1); // a NOP each
}

// A fault in a handler comes to the handler of the other signal, with frames on top of each other.
void fault_inside(int number, siginfo_t* info, void* context)
{
    note(number, info, static_cast<ucontext_t*>(context));
    if (load_through(reinterpret_cast<void*>(0x40)) == 4711) handled = handled + 100;
}

void a_handler_may_fault_itself()
{
    install(SIGSEGV, repair);
    struct sigaction action {};
    action.sa_sigaction = fault_inside;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
    raise(SIGUSR1);
    CHECK_EQUAL(handled, 102);
}

void many_faults_in_a_row()
{
    install(SIGSEGV, repair);
    long sum = 0;
    for (int i = 0; i < 1000; i++)
        sum += load_through(reinterpret_cast<void*>(0x100));
    CHECK_EQUAL(sum, 4711000);
    CHECK_EQUAL(handled, 1000);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "a bad read is repaired and resumed", a_bad_read_is_repaired_and_resumed },
        { "a write to constant memory says so", a_write_to_constant_memory_says_so },
        { "a jump to data faults", a_jump_to_data_faults },
        { "an illegal instruction names itself", an_illegal_instruction_names_itself },
        { "a privileged instruction faults", a_privileged_instruction_faults },
        { "a division by zero is an arithmetic fault", a_division_by_zero_is_an_arithmetic_fault },
        { "a division by zero in the x87 is an arithmetic fault", a_division_by_zero_in_the_x87_is_an_arithmetic_fault },
        { "a breakpoint is a trap", a_breakpoint_is_a_trap },
        { "a single step is a trap", a_single_step_is_a_trap },
        { "a handler steps through the program", a_handler_steps_through_the_program },
        { "a handler may fault itself", a_handler_may_fault_itself },
        { "many faults in a row", many_faults_in_a_row },
    };
    return posix_test::run(tests);
}
