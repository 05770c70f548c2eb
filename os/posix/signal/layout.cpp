// Asserts that the assembly's offsets, the public <signal.h> and abi/signal.h describe the same bytes.
#include "posix/signal/offsets.h"

#include "abi/cpu.h"
#include "abi/signal.h"
#include "posix/runtime/thread.h"

#include <csetjmp>
#include <cstddef>
#include <signal.h>
#include <ucontext.h>

namespace orrery::signal {
namespace {

using abi::SavedRegister;
using abi::SignalFrame;
using abi::ThreadControl;

#define SAME(constant, type, member) static_assert((constant) == offsetof(type, member))
SAME(CONTROL_SELF, ThreadControl, self);
SAME(CONTROL_SAVED_RIP, ThreadControl, saved_rip);
SAME(CONTROL_SAVED_RFLAGS, ThreadControl, saved_rflags);
SAME(CONTROL_DEFERRED_AT, ThreadControl, deferred_at);
SAME(CONTROL_INHIBIT, ThreadControl, inhibit);
SAME(CONTROL_INNERMOST, ThreadControl, innermost_frame);
SAME(CONTROL_SCRATCH, ThreadControl, scratch);
SAME(CONTROL_RESUME, ThreadControl, scratch[1]);
SAME(CONTROL_STATE_MASK_LOW, ThreadControl, extended_state_mask);
static_assert(CONTROL_STATE_MASK_HIGH == CONTROL_STATE_MASK_LOW + 4);
static_assert(DISPATCH_STACK_TOP == runtime::dispatch_stack_offset + runtime::dispatch_stack_size - 8);
static_assert(DISPATCH_STACK_TOP % 16 == 8);

SAME(FRAME_CAUSE, SignalFrame, cause);
SAME(FRAME_SIGNAL, SignalFrame, signal);
SAME(FRAME_RETURN_RIP, SignalFrame, return_frame);
static_assert(FRAME_RETURN_CS == FRAME_RETURN_RIP + 8 && FRAME_RETURN_RFLAGS == FRAME_RETURN_RIP + 16
    && FRAME_RETURN_RSP == FRAME_RETURN_RIP + 24 && FRAME_RETURN_SS == FRAME_RETURN_RIP + 32);
SAME(FRAME_REGISTERS, SignalFrame, registers);
SAME(FRAME_EXTENDED_STATE, SignalFrame, extended_state);
#undef SAME
static_assert(RFLAGS_TRAP == abi::rflags_trap);
static_assert(USER_CODE_SELECTOR == abi::user_code_selector && USER_DATA_SELECTOR == abi::user_data_selector);

#define SAME_REGISTER(name, NAME)                                                                                      \
    static_assert(FRAME_##NAME == FRAME_REGISTERS + 8 * static_cast<unsigned>(SavedRegister::name));                   \
    static_assert(REG_##NAME == static_cast<int>(SavedRegister::name))
SAME_REGISTER(r8, R8);
SAME_REGISTER(r9, R9);
SAME_REGISTER(r10, R10);
SAME_REGISTER(r11, R11);
SAME_REGISTER(r12, R12);
SAME_REGISTER(r13, R13);
SAME_REGISTER(r14, R14);
SAME_REGISTER(r15, R15);
SAME_REGISTER(rdi, RDI);
SAME_REGISTER(rsi, RSI);
SAME_REGISTER(rbp, RBP);
SAME_REGISTER(rbx, RBX);
SAME_REGISTER(rdx, RDX);
SAME_REGISTER(rax, RAX);
SAME_REGISTER(rcx, RCX);
SAME_REGISTER(rsp, RSP);
SAME_REGISTER(rip, RIP);
#undef SAME_REGISTER
static_assert(FRAME_RFLAGS == FRAME_REGISTERS + 8 * static_cast<unsigned>(SavedRegister::rflags));
static_assert(REG_EFL == static_cast<int>(SavedRegister::rflags));
static_assert(REG_CR2 == static_cast<int>(SavedRegister::fault_address) && NGREG == REG_CR2 + 1);
static_assert(static_cast<unsigned>(SavedRegister::count) == NGREG);

// `context` of the frame is the program's ucontext_t.
inline constexpr std::size_t context = offsetof(SignalFrame, context_flags);
#define SAME_CONTEXT(frame_member, context_member)                                                                     \
    static_assert(offsetof(SignalFrame, frame_member) - context == offsetof(ucontext_t, context_member))
SAME_CONTEXT(context_flags, uc_flags);
SAME_CONTEXT(context_link, uc_link);
SAME_CONTEXT(context_stack, uc_stack);
SAME_CONTEXT(registers, uc_mcontext.gregs);
SAME_CONTEXT(extended_state, uc_mcontext.fpregs);
SAME_CONTEXT(mask, uc_sigmask);
#undef SAME_CONTEXT
static_assert(sizeof(stack_t) == 24 && offsetof(stack_t, ss_flags) == 8 && offsetof(stack_t, ss_size) == 16);
static_assert(sizeof(siginfo_t) == 128 && offsetof(siginfo_t, si_pid) == 16 && offsetof(siginfo_t, si_value) == 24);
static_assert(offsetof(siginfo_t, si_addr) == 16 && offsetof(siginfo_t, si_status) == 24);
static_assert(sizeof(siginfo_t) == sizeof(SignalFrame::siginfo) && sizeof(sigset_t) == 8);
static_assert(sizeof(_libc_fpstate) == 512);

static_assert(SA_SIGINFO == abi::action_siginfo && SA_ONSTACK == abi::action_on_stack);
static_assert(SA_RESTART == abi::action_restart && SA_NODEFER == abi::action_no_defer);
static_assert(SA_RESETHAND == abi::action_reset_handler && SA_NOCLDSTOP == abi::action_no_child_stop);
static_assert(SA_NOCLDWAIT == abi::action_no_child_wait);
static_assert(SI_TKILL == static_cast<int>(abi::SignalCode::thread) && NSIG == abi::signal_count + 1);
static_assert(SIGRTMIN == abi::first_realtime_signal);

#define X(number, NAME, action, sentence) static_assert(NAME == (number));
ORRERY_SIGNALS(X)
#undef X

} // namespace
} // namespace orrery::signal
