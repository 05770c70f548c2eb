// A program for gdbserver on this machine, with everything at known addresses: counts and calls tick for ever.
    .text
    .globl _start
_start:                 // 0x401000
    nop
    xorl %ebx, %ebx
loop:
    incq %rbx
    call tick
    jmp loop
    .org 0x40, 0xcc
tick:                   // 0x401040
    nop
    ret
