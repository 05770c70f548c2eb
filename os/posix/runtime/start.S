/* The first instruction of every program. System V ABI: RSP points at argc; nothing else is promised. */
    .text
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    movq %rsp, %rdi
    andq $-16, %rsp
    call orrery_start
    ud2
    .cfi_endproc
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
