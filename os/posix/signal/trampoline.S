/* The signal trampoline: from an interrupted instruction to a frame, and from a frame back to where the frame says.

   What the kernel did: ThreadControl.saved_rip and saved_rflags hold the interrupted RIP and RFLAGS, inhibit is 1,
   DF, TF, NT and AC are clear, RIP is orrery_signal_trampoline. RSP and every other register are the interrupted ones.

   Inhibit is set from here to the MOVL before .Lreturn_window_begin (but not while a handler runs), and while it is set
   the kernel never diverts this thread: it only notes in deferred_at that it would have. So nothing between those two
   points can be entered twice, and the dispatch stack and the scratch slots need no nesting.

   Deferred signals: whoever looks for signals clears deferred_at first and looks afterwards (signal_select and
   signal_redeliver do). A signal that comes after the look is therefore in deferred_at when the way back tests it. */

#include "posix/signal/offsets.h"
#include <sys/sdt.h>

    .text

/* ------------------------------------------------------------------------------------------------------------------
   void orrery_software_entry(void): as if the caller had been interrupted right after its call.

   After the POPQ the machine is in the state that the kernel leaves: saved_rip is the return address, RSP what it is
   there. PUSHFQ writes only to the slot that held the return address. The MOVL comes first: once it is done, the
   kernel does not touch saved_rip any more. (If inhibit is 0 on entry and a signal diverts the thread before the MOVL,
   it is delivered as anywhere else; then this finds nothing left and goes back through an empty frame.) */
    .globl orrery_software_entry
    .type orrery_software_entry, @function
orrery_software_entry:
    .cfi_startproc
    movl $1, %fs:CONTROL_INHIBIT
    popq %fs:CONTROL_SAVED_RIP
    .cfi_adjust_cfa_offset -8
    .cfi_undefined rip
    pushfq
    popq %fs:CONTROL_SAVED_RFLAGS
    jmp .Lnot_in_window
    .cfi_endproc
    .size orrery_software_entry, . - orrery_software_entry

/* ------------------------------------------------------------------------------------------------------------------
   The entry that the kernel knows. */
    .globl orrery_signal_trampoline
    .type orrery_signal_trampoline, @function
orrery_signal_trampoline:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_undefined rip
    /* Was the thread on its very way back, between clearing inhibit and its last jump? Only RAX is needed to find out;
       RFLAGS is in saved_rflags. */
    movq %rax, %fs:CONTROL_SCRATCH
    movq %fs:CONTROL_SAVED_RIP, %rax
    subq $.Lreturn_window_begin, %rax
    cmpq $(.Lreturn_window_end - .Lreturn_window_begin), %rax
    jb .Lin_window
    movq %fs:CONTROL_SCRATCH, %rax

.Lnot_in_window:
    /* Nothing of the interrupted stack may be touched yet: below RSP is its red zone (AMD64 ABI 3.2.2), and it may be
       exhausted, which is why there are alternate stacks. The dispatch stack is the thread's own. */
    movq %rsp, %fs:CONTROL_SCRATCH
    movq %fs:CONTROL_SELF, %rsp
    leaq DISPATCH_STACK_TOP(%rsp), %rsp
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    /* SignalFrame* orrery_signal_select(ThreadControl*, interrupted RSP): claims a signal (or none), places the frame
       and fills all of it but the general and extended registers. Keeps RBX, RBP, R12..R15, uses no vector register. */
    movq %fs:CONTROL_SELF, %rdi
    movq %fs:CONTROL_SCRATCH, %rsi
    call orrery_signal_select
    popq FRAME_R11(%rax)
    popq FRAME_R10(%rax)
    popq FRAME_R9(%rax)
    popq FRAME_R8(%rax)
    popq FRAME_RDI(%rax)
    popq FRAME_RSI(%rax)
    popq FRAME_RDX(%rax)
    popq FRAME_RCX(%rax)
    popq FRAME_RAX(%rax)
    movq %rbx, FRAME_RBX(%rax)
    movq %rbp, FRAME_RBP(%rax)
    movq %r12, FRAME_R12(%rax)
    movq %r13, FRAME_R13(%rax)
    movq %r14, FRAME_R14(%rax)
    movq %r15, FRAME_R15(%rax)
    /* From here on the thread runs on the stack below the frame, which is 16-byte aligned. */
    movq %rax, %rsp
    movq %rax, %rbx
    movq FRAME_EXTENDED_STATE(%rbx), %rdi
    movl %fs:CONTROL_STATE_MASK_LOW, %eax
    movl %fs:CONTROL_STATE_MASK_HIGH, %edx
    xsave64 (%rdi)
    /* So that a backtrace from a handler goes on in the interrupted function: RBX = frame, CFA = the interrupted RSP.
       DW_CFA_def_cfa_expression { breg3 RSP; deref }, and for each register expression { breg3 offset }. */
#define RESTORE_RULE(dwarf, offset) .cfi_escape 0x10, dwarf, 3, 0x73, ((offset) & 0x7f) | 0x80, (offset) >> 7
    .cfi_escape 0x0f, 4, 0x73, (FRAME_RSP & 0x7f) | 0x80, FRAME_RSP >> 7, 0x06
    RESTORE_RULE(0, FRAME_RAX)
    RESTORE_RULE(1, FRAME_RDX)
    RESTORE_RULE(2, FRAME_RCX)
    RESTORE_RULE(3, FRAME_RBX)
    RESTORE_RULE(4, FRAME_RSI)
    RESTORE_RULE(5, FRAME_RDI)
    RESTORE_RULE(6, FRAME_RBP)
    RESTORE_RULE(7, FRAME_RSP)
    RESTORE_RULE(8, FRAME_R8)
    RESTORE_RULE(9, FRAME_R9)
    RESTORE_RULE(10, FRAME_R10)
    RESTORE_RULE(11, FRAME_R11)
    RESTORE_RULE(12, FRAME_R12)
    RESTORE_RULE(13, FRAME_R13)
    RESTORE_RULE(14, FRAME_R14)
    RESTORE_RULE(15, FRAME_R15)
    RESTORE_RULE(16, FRAME_RIP)
    movq %rbx, %rdi
    call orrery_signal_dispatch

.Lgo_back:
    /* RBX = RSP = frame. Handlers have run, the mask is restored, inhibit is set, deferred_at was clear at the last look
       but need not be now. The ucontext may have been edited: it alone says where to go and with what.
       A state pointer that is not 64-byte aligned or a garbage XSAVE header makes XRSTOR fault (#GP), and a fault with
       inhibit set ends the process: the program broke its own ucontext. A null pointer leaves the state as it is. */
    movq FRAME_EXTENDED_STATE(%rbx), %rdi
    testq %rdi, %rdi
    jz 1f
    movl %fs:CONTROL_STATE_MASK_LOW, %eax
    movl %fs:CONTROL_STATE_MASK_HIGH, %edx
    xrstor64 (%rdi)
1:
    /* What cannot be loaded from where it is: RIP goes to a scratch slot, RFLAGS and RSP side by side for POPFQ. */
    movq FRAME_RIP(%rbx), %rax
    movq FRAME_RFLAGS(%rbx), %rcx
    movq FRAME_RSP(%rbx), %rdx
    movq %rax, %fs:CONTROL_RESUME
    movq %rax, FRAME_RETURN_RIP(%rbx)
    movq %rcx, FRAME_RETURN_RFLAGS(%rbx)
    movq %rdx, FRAME_RETURN_RSP(%rbx)
    testl $RFLAGS_TRAP, %ecx
    jnz .Lgo_back_single_stepping

    .macro restore_most
    movq FRAME_R8(%rbx), %r8
    movq FRAME_R9(%rbx), %r9
    movq FRAME_R10(%rbx), %r10
    movq FRAME_R11(%rbx), %r11
    movq FRAME_R12(%rbx), %r12
    movq FRAME_R13(%rbx), %r13
    movq FRAME_R14(%rbx), %r14
    movq FRAME_R15(%rbx), %r15
    movq FRAME_RDI(%rbx), %rdi
    movq FRAME_RSI(%rbx), %rsi
    movq FRAME_RBP(%rbx), %rbp
    movq FRAME_RDX(%rbx), %rdx
    movq FRAME_RAX(%rbx), %rax
    .endm
    leaq FRAME_RETURN_RFLAGS(%rbx), %rsp
    restore_most
    /* Phase signal.resumed(frame, signal, rip; cause): the last place where a register still names the frame. */
    STAP_PROBE4(orrery, signal__resumed, 8@%rbx, -4@FRAME_SIGNAL(%rbx), 8@FRAME_RETURN_RIP(%rbx), 8@FRAME_CAUSE(%rbx))
    movq FRAME_RBX(%rbx), %rbx
    /* Backtraces from here: registers as they are, CFA = { breg7 RSP+k; deref }, RIP at { breg7 RSP+k }. */
    .irp register, rax, rdx, rbx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    .cfi_same_value \register
    .endr
    .cfi_escape 0x0f, 3, 0x77, FRAME_RETURN_RSP - FRAME_RETURN_RFLAGS, 0x06
    .cfi_escape 0x10, 7, 2, 0x77, FRAME_RETURN_RSP - FRAME_RETURN_RFLAGS
    .cfi_escape 0x10, 16, 2, 0x77, (FRAME_RETURN_RIP - FRAME_RETURN_RFLAGS) & 0x7f
    popfq
    .cfi_escape 0x0f, 3, 0x77, 0, 0x06
    .cfi_escape 0x10, 7, 2, 0x77, 0
    .cfi_escape 0x10, 16, 2, 0x77, (FRAME_RETURN_RIP - FRAME_RETURN_RSP) & 0x7f
    /* Now RFLAGS and all registers but RCX, RSP and RIP are the program's; RSP points at the frame's copy of RSP. From
       here on only MOV, JRCXZ and JMP: they leave RFLAGS alone. Nothing is written to the interrupted stack, which may
       be exhausted or not be a stack at all.

       Instruction by instruction, a signal that the kernel sees on return to
         MOVL inhibit        inhibit is set: it goes to deferred_at, and the MOVQ behind finds it.
         MOVQ deferred_at .. MOVQ (%rsp)
                             inhibit is clear: the kernel diverts. saved_rip is inside the window, and RSP still points
                             into the frame, which still describes every register: the frame is used again. So the next
                             handler sees the program's RIP and not the trampoline's, and a storm of signals needs one
                             frame. (At .Lstill_deferred the same.)
         JMP *resume         every register is the program's but RIP, which is in the scratch slot: the trampoline takes
                             it from there and goes on as if the program had been interrupted at its target. (For a fault
                             of the JMP itself, to an address that is none, too: the handler gets that RIP.)
         behind the MOVL at .Lstill_deferred
                             inhibit is set again: it goes to deferred_at, either before redeliver clears that, and then
                             the look that follows finds the signal pending, or after, and then the way back finds it.
       After the JMP the thread is where it was, inhibit is clear, and the frame is dead. */
    movl $0, %fs:CONTROL_INHIBIT
.Lreturn_window_begin:
    movq %fs:CONTROL_DEFERRED_AT, %rcx
    jrcxz .Lnothing_deferred
.Lstill_deferred:
    movl $1, %fs:CONTROL_INHIBIT
    jmp .Luse_frame_again
.Lnothing_deferred:
    movq (FRAME_RCX - FRAME_RETURN_RSP)(%rsp), %rcx
    movq (%rsp), %rsp
.Lreturn_instruction:
    jmp *%fs:CONTROL_RESUME

.Lgo_back_single_stepping:
    /* The trap flag must not be set before the last instruction, or that would be what is stepped. IRETQ sets RIP, RSP
       and RFLAGS in one. It is not used for all returns because it is slower on processors, and because QEMU's TCG (7.2)
       reads an IRETQ's words with the kernel's rights even in user mode, so that it page-faults under SMAP. */
    movq $USER_CODE_SELECTOR, FRAME_RETURN_CS(%rbx)
    movq $USER_DATA_SELECTOR, FRAME_RETURN_SS(%rbx)
    leaq FRAME_RETURN_RIP(%rbx), %rsp
    restore_most
    movq FRAME_RCX(%rbx), %rcx
    STAP_PROBE4(orrery, signal__resumed, 8@%rbx, -4@FRAME_SIGNAL(%rbx), 8@FRAME_RETURN_RIP(%rbx), 8@FRAME_CAUSE(%rbx))
    movq FRAME_RBX(%rbx), %rbx
    movl $0, %fs:CONTROL_INHIBIT
.Lstepping_window_begin:
    /* As above: CMPQ, JNE, IRETQ and the MOVL behind are interrupted with inhibit clear and RSP at the return frame. */
    cmpq $0, %fs:CONTROL_DEFERRED_AT
    jne 2f
    iretq
2:  movl $1, %fs:CONTROL_INHIBIT
.Lreturn_window_end:
    leaq (FRAME_RETURN_RSP - FRAME_RETURN_RIP)(%rsp), %rsp
    jmp .Luse_frame_again

.Lin_window:
    /* Here by divert: inhibit is set, by the kernel. RAX = saved_rip - .Lreturn_window_begin, its value is in the scratch
       slot; RSP is the interrupted one. */
    cmpq $(.Lreturn_instruction - .Lreturn_window_begin), %rax
    jb .Luse_frame_again
    jne 3f
    movq %fs:CONTROL_RESUME, %rax
    movq %rax, %fs:CONTROL_SAVED_RIP
    movq %fs:CONTROL_SCRATCH, %rax
    jmp .Lnot_in_window
3:  leaq (FRAME_RETURN_RSP - FRAME_RETURN_RIP)(%rsp), %rsp

.Luse_frame_again:
    /* RSP points at the frame's copy of RSP; no register has to be kept. */
    leaq -FRAME_RETURN_RSP(%rsp), %rsp
    movq %rsp, %rbx
    movq %rbx, %rdi
    /* void orrery_signal_redeliver(SignalFrame*): clears deferred_at, then looks and delivers. */
    call orrery_signal_redeliver
    jmp .Lgo_back
    .cfi_endproc
    .size orrery_signal_trampoline, . - orrery_signal_trampoline

/* ------------------------------------------------------------------------------------------------------------------
   void orrery_call_on_stack(int, siginfo_t*, void* context, void (*handler)(), void* stack top): for a signal with
   SA_ONSTACK that is delivered on a frame which lies elsewhere. */
    .globl orrery_call_on_stack
    .type orrery_call_on_stack, @function
orrery_call_on_stack:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register rbp
    movq %r8, %rsp
    andq $-16, %rsp
    call *%rcx
    movq %rbp, %rsp
    popq %rbp
    .cfi_def_cfa rsp, 8
    ret
    .cfi_endproc
    .size orrery_call_on_stack, . - orrery_call_on_stack

    .section .note.GNU-stack, "", @progbits
