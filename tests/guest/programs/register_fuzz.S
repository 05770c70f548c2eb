# fuzz_run: loads every register from fuzz_before, executes one illegal instruction, and stores every register into
# fuzz_after. Between the two nothing may change but what the handler of SIGILL changes: RIP, by the two bytes of UD2.
#
# Layout of both (register_fuzz.h): 16 general registers, flags, 16 words below the stack pointer (the red zone of the
# System V ABI), 16 XMM registers, MXCSR, x87 control word.
    .set FLAGS, 128
    .set RED_ZONE, 136
    .set XMM, 272
    .set MXCSR, 528
    .set X87, 532

    .text
    .globl fuzz_run, fuzz_instruction, fuzz_done
    .type fuzz_run, @function
fuzz_run:
    .cfi_startproc
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    stmxcsr saved_mxcsr(%rip)
    fnstcw saved_x87(%rip)

    ldmxcsr fuzz_before+MXCSR(%rip)
    fldcw fuzz_before+X87(%rip)
    .set i, 0
    .irp register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu fuzz_before+XMM+16*i(%rip), %xmm\register
    .set i, i + 1
    .endr
    pushq fuzz_before+FLAGS(%rip)
    popfq                       # MOV changes no flags, so they stay from here on
    .set i, 0
    .rept 16
    movq fuzz_before+RED_ZONE+8*i(%rip), %rax
    movq %rax, -128+8*i(%rsp)
    .set i, i + 1
    .endr
    movq %rsp, fuzz_before+120(%rip)
    .set i, 0
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movq fuzz_before+8*i(%rip), %\register
    .set i, i + 1
    .endr
fuzz_instruction:
    ud2
fuzz_done:
    .set i, 0
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsp
    movq %\register, fuzz_after+8*i(%rip)
    .set i, i + 1
    .endr
    .set i, 0
    .rept 16
    movq -128+8*i(%rsp), %rax
    movq %rax, fuzz_after+RED_ZONE+8*i(%rip)
    .set i, i + 1
    .endr
    pushfq
    popq fuzz_after+FLAGS(%rip)
    pushq $2
    popfq
    .set i, 0
    .irp register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\register, fuzz_after+XMM+16*i(%rip)
    .set i, i + 1
    .endr
    stmxcsr fuzz_after+MXCSR(%rip)
    fnstcw fuzz_after+X87(%rip)

    ldmxcsr saved_mxcsr(%rip)
    fldcw saved_x87(%rip)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .cfi_endproc
    .size fuzz_run, . - fuzz_run

    .local saved_mxcsr, saved_x87
    .comm saved_mxcsr, 4, 4
    .comm saved_x87, 2, 2
    .section .note.GNU-stack, "", @progbits
