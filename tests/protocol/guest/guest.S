// The smallest guest that protocol tests need: two CPUs that count, and a mailbox.
#include "guest.h"

    .section .note.Xen,"a",@note
    .balign 4
    .long 4, 8, 18              // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad start

#define PDPT 0x142000
#define PD 0x143000
#define PT 0x144000
#define PDPT_HIGH 0x145000
#define PD_HIGH 0x146000

    .section .text,"ax"
    .code32
    .globl start
start:
    cli
    cld
    // The first 2 MiB by 4 KiB pages, with a hole; the rest of the first GiB by 2 MiB pages.
    movl $PT, %edi
    movl $3, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 1b
    movl $0, PT + 8 * (GUEST_UNMAPPED >> 12)
    movl $PD, %edi
    movl $0x83, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $PT + 3, PD
    movl $PD + 3, PDPT
    movl $0x83, PDPT + 8
    movl $0xc0000083, PDPT + 24 // the last GiB below 4 GiB, for the local APIC
    movl $PDPT + 3, GUEST_PML4
    movl $PDPT + 3, GUEST_OTHER_PML4
    movl $0x83, PD_HIGH
    movl $PD_HIGH + 3, PDPT_HIGH + 8 * 510
    movl $PDPT_HIGH + 3, GUEST_PML4 + 8 * 511
    movl $PDPT_HIGH + 3, GUEST_OTHER_PML4 + 8 * 511

    // CPU 1 begins in real mode at 0x8000.
    movl $trampoline, %esi
    movl $0x8000, %edi
    movl $trampoline_end - trampoline, %ecx
    rep movsb
    movl $0x1f0, 0xfee000f0     // local APIC on
    movl $0xc4500, 0xfee00300   // INIT to all others
    movl $0xc4608, 0xfee00300   // start at page 8
    xorl %ebp, %ebp
    jmp enter_long_mode

    .code16
trampoline:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl (gdt_register - trampoline + 0x8000)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x10, $(1f - trampoline + 0x8000)
    .code32
1:  movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $1, %ebp
    movl $enter_long_mode, %eax
    jmp *%eax
    .balign 8
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
    .word 31
    .long gdt
    .long 0
trampoline_end:

enter_long_mode:
    movl $GUEST_PML4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    lgdt gdt_register
    ljmp $8, $1f
    .code64
1:  movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $0x170000, %esp
    testl %ebp, %ebp
    jz main
    movl $0x178000, %esp
    movq $1, GUEST_READY
2:  incq GUEST_COUNTER_1
    call tick_1
    pause
    jmp 2b

main:
    movb $'R', %al
    movw $0x3f8, %dx
    outb %al, %dx
main_loop:
    incq GUEST_COUNTER
    call tick
    movw $0x3fd, %dx            // echo what is typed
    inb %dx, %al
    testb $1, %al
    jz 1f
    movw $0x3f8, %dx
    inb %dx, %al
    outb %al, %dx
1:  movq GUEST_COMMAND, %rax
    movq GUEST_ARGUMENT, %rbx
    cmpq $GUEST_EXIT, %rax
    je do_exit
    cmpq $GUEST_WRITE, %rax
    je do_write
    cmpq $GUEST_PRINT, %rax
    je do_print
    cmpq $GUEST_HALT, %rax
    je do_halt
    cmpq $GUEST_OTHER_SPACE, %rax
    je do_other_space
    cmpq $GUEST_PRINT_MANY, %rax
    je do_print_many
    jmp main_loop
done:
    movq $0, GUEST_COMMAND
    jmp main_loop

do_exit:
    movw $0xf4, %dx
    movb %bl, %al
    outb %al, %dx
1:  hlt
    jmp 1b
do_print:
    movw $0x3f8, %dx
    movb %bl, %al
    outb %al, %dx
    jmp done
do_other_space:
    movl $GUEST_OTHER_PML4, %eax
    movq %rax, %cr3
    call tick
    movl $GUEST_PML4, %eax
    movq %rax, %cr3
    jmp done
do_print_many:
    movw $0x3f8, %dx
1:  leaq text(%rip), %rsi
    movl $16, %ecx
2:  lodsb
    outb %al, %dx
    loop 2b
    decq %rbx
    jnz 1b
    jmp done
text: .ascii "0123456789abcde\n"

    .section .fixed,"ax"
tick:
    nop
    nop
    ret
    .org GUEST_TICK_1 - GUEST_TICK, 0xcc
tick_1:
    nop
    ret
    .org GUEST_STORE - GUEST_TICK, 0xcc
do_write:
    movq %rbx, GUEST_WATCHED
    jmp done
    .org GUEST_HALT_AT - GUEST_TICK - 1, 0xcc
do_halt:
    cli
    hlt
    jmp do_halt
