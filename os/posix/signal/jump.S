/* setjmp, sigsetjmp, longjmp, siglongjmp: POSIX.1-2024. The buffer is described in <setjmp.h>.

   A jump out of a handler abandons its frame (and those of handlers around it that are jumped over). The newest frame at
   the time of setjmp is in the buffer, because its function is still running when the jump comes: that one is the newest
   again afterwards. Inhibit is clear in a handler, so there is nothing else to undo. */
#include "posix/signal/offsets.h"

#define BUFFER_INNERMOST 64
#define BUFFER_MASK_SAVED 72
#define BUFFER_MASK 80

    .text
    .globl setjmp, _setjmp, sigsetjmp
    .type setjmp, @function
    .type _setjmp, @function
    .type sigsetjmp, @function
    .cfi_startproc
setjmp:
_setjmp:
    xorl %esi, %esi
sigsetjmp:
    movq %rbx, (%rdi)
    movq %rbp, 8(%rdi)
    movq %r12, 16(%rdi)
    movq %r13, 24(%rdi)
    movq %r14, 32(%rdi)
    movq %r15, 40(%rdi)
    leaq 8(%rsp), %rax
    movq %rax, 48(%rdi)
    movq (%rsp), %rax
    movq %rax, 56(%rdi)
    movq %fs:CONTROL_INNERMOST, %rax
    movq %rax, BUFFER_INNERMOST(%rdi)
    xorl %eax, %eax
    testl %esi, %esi
    setne %al
    movq %rax, BUFFER_MASK_SAVED(%rdi)
    jz 1f
    /* The mask: NOT of the two allowsets, which are the high halves of the words. Only this thread changes them. */
    movl %fs:0x0c, %eax
    movl %fs:0x14, %edx
    shlq $32, %rdx
    orq %rdx, %rax
    notq %rax
    movq %rax, BUFFER_MASK(%rdi)
    xorl %eax, %eax
1:  ret
    .cfi_endproc
    .size sigsetjmp, . - sigsetjmp

    .globl longjmp, _longjmp, siglongjmp
    .type longjmp, @function
    .type _longjmp, @function
    .type siglongjmp, @function
longjmp:
_longjmp:
siglongjmp:
    .cfi_startproc
    /* The frame first, then the stack, then the mask: a signal that the mask lets in is delivered on the stack that is
       jumped to, with the right frame below it. */
    movq BUFFER_INNERMOST(%rdi), %rax
    movq %rax, %fs:CONTROL_INNERMOST
    movq (%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 16(%rdi), %r12
    movq 24(%rdi), %r13
    movq 32(%rdi), %r14
    movq 40(%rdi), %r15
    movq 48(%rdi), %rsp
    pushq 56(%rdi)
    movl %esi, %eax
    testl %eax, %eax
    jnz 1f
    incl %eax
1:  cmpq $0, BUFFER_MASK_SAVED(%rdi)
    je 2f
    pushq %rax
    /* int sigprocmask(SIG_SETMASK, &mask, null). RSP is 16-byte aligned again: the call site's RSP was. */
    leaq BUFFER_MASK(%rdi), %rsi
    movl $2, %edi
    xorl %edx, %edx
    call sigprocmask
    popq %rax
2:  ret
    .cfi_endproc
    .size siglongjmp, . - siglongjmp

    .section .note.GNU-stack, "", @progbits
