# Ways into the kernel and back: SYSCALL, exceptions and interrupts, and the switch between kernel stacks.
# On every way in the full user state is pushed as a TrapFrame, so a debugger sees each thread's registers in one place.
#include "kernel/cpu/offsets.h"

    .text

    .macro push_registers
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro pop_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    .endm

# SYSCALL: RCX = user RIP, R11 = user RFLAGS, interrupts off by FMASK, still on the user's stack.
    .globl syscall_entry
    .balign 16
syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_USER_STACK
    movq %gs:CPU_KERNEL_STACK, %rsp
    pushq $USER_DATA_SELECTOR
    pushq %gs:CPU_USER_STACK
    pushq %r11
    pushq $USER_CODE_SELECTOR
    pushq %rcx
    pushq $0
    pushq $0x100
    push_registers
    movq %gs:CPU_HOT, %rbx
    incq HOT_SYSCALLS(%rbx)
    cmpq $SYSCALL_COUNT, %rax
    jae 2f
    movq HOT_FILTER(%rbx), %rcx
    btq %rax, %rcx
    jnc 4f
    movq %r10, %rcx             # fourth argument, where C++ expects it
    xorl %ebp, %ebp             # frame pointer chains end at the kernel's door
    call *syscall_table(, %rax, 8)
1:  movq %rax, FRAME_RAX(%rsp)
    movq %gs:CPU_HOT, %rbx      # the call may have switched threads, and CPUs
    cmpl $0, HOT_ATTENTION(%rbx)
    jne 3f
    pop_registers
    movq 40(%rsp), %rsp         # past vector, error code, RIP, CS, RFLAGS
    swapgs
    sysretq
2:  call syscall_unknown
    jmp 1b
4:  movq %rsp, %rdi             # the thread's filter does not allow this call
    xorl %ebp, %ebp
    call refuse_syscall
    movq %gs:CPU_HOT, %rbx
    cmpl $0, HOT_ATTENTION(%rbx)
    je leave_kernel
3:  movq %rsp, %rdi
    call return_to_user
    jmp leave_kernel

# Exceptions and interrupts arrive here with vector and error code pushed.
trap_common:
    cld
    testb $3, 24(%rsp)          # CS
    jz 1f
    swapgs
1:  push_registers
    clac                        # the user's AC flag must not open user memory to the kernel
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap
    testb $3, FRAME_CS(%rsp)
    jz 2f
    movq %gs:CPU_HOT, %rbx
    cmpl $0, HOT_ATTENTION(%rbx)
    je leave_kernel
    movq %rsp, %rdi
    call return_to_user
leave_kernel:
    pop_registers
    addq $16, %rsp
    swapgs
    iretq
2:  pop_registers
    addq $16, %rsp
    iretq

# A non-maskable interrupt may come between SYSCALL and SWAPGS, when GS is the user's: it touches nothing but the flag
# by which a panicking CPU stops the others.
nmi_entry:
    cmpl $0, panic_in_progress(%rip)
    jne 1f
    iretq
1:  cli
    hlt
    jmp 1b

# One entry per vector, 16 bytes apart. Vectors that push an error code themselves: Intel SDM volume 3, table 6-1.
    .balign 16
    .globl trap_entries
trap_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 2
    jmp nmi_entry
    .else
    .if !((vector == 8) || (vector == 10) || (vector == 11) || (vector == 12) || (vector == 13) || (vector == 14) || (vector == 17) || (vector == 21))
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr

# A new thread's first return: its kernel stack holds a TrapFrame.
    .globl thread_first_return
thread_first_return:
    call thread_started
    movq %rsp, %rdi
    call return_to_user
    jmp leave_kernel

# void context_switch(uint64_t* save_stack_pointer, uint64_t next_stack_pointer)
    .globl context_switch
    .balign 16
context_switch:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

# uint64_t user_copy(void* to, const void* from, uint64_t length): 0, or the Error if a page could not be accessed.
# No stack is used between the labels, so the fault handler can leave by changing RIP, with the error in RAX.
    .globl user_copy, user_copy_begin, user_copy_end, user_copy_fault
    .balign 16
user_copy:
    stac
user_copy_begin:
1:  cmpq $8, %rdx
    jb 2f
    movq (%rsi), %rax
    movq %rax, (%rdi)
    addq $8, %rsi
    addq $8, %rdi
    subq $8, %rdx
    jmp 1b
2:  cmpq $4, %rdx              # an aligned word of 32 bits is read and written whole: futexes rely on it
    jb 4f
    movl (%rsi), %eax
    movl %eax, (%rdi)
    addq $4, %rsi
    addq $4, %rdi
    subq $4, %rdx
4:  testq %rdx, %rdx
    jz 3f
    movb (%rsi), %al
    movb %al, (%rdi)
    incq %rsi
    incq %rdi
    decq %rdx
    jmp 4b
user_copy_end:
3:  clac
    xorl %eax, %eax
    ret
user_copy_fault:
    clac
    ret

    .section .note.GNU-stack, "", @progbits
