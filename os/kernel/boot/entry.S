# First instructions: PVH entry of the first CPU (Xen's PVH ABI) and the real-mode start of the others, up to 64-bit C++.

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18              # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_entry

    .set KERNEL_BASE, 0xffffffff80000000

# 32-bit protected mode, paging off, EBX = physical address of hvm_start_info.
    .section .boot.text, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cld
    cli
    movl %ebx, %esi

    # Identity and direct map of the first 4 GiB with 2 MiB pages. These tables are only for starting CPUs; the kernel
    # builds its own with exact rights (cpu/page_table.cpp).
    movl $boot_directory, %edi
    movl $0x83, %eax            # present, writable, 2 MiB
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $boot_directory + 0x0003, boot_pointers
    movl $boot_directory + 0x1003, boot_pointers + 8
    movl $boot_directory + 0x2003, boot_pointers + 16
    movl $boot_directory + 0x3003, boot_pointers + 24
    movl $boot_directory + 0x0003, boot_pointers_high + 510 * 8   # the kernel's top 2 GiB
    movl $boot_directory + 0x1003, boot_pointers_high + 511 * 8
    movl $boot_pointers + 3, boot_root
    movl $boot_pointers + 3, boot_root + 256 * 8
    movl $boot_pointers_high + 3, boot_root + 511 * 8

    call enter_long_mode
    ljmp $0x08, $first_cpu_long

# Enables PAE, the boot tables, long mode and paging. Clobbers EAX, ECX, EDX.
enter_long_mode:
    movl $boot_root, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax             # PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx      # EFER
    rdmsr
    orl $0x901, %eax            # NXE, LME, SCE
    wrmsr
    movl %cr0, %eax
    andl $0x9fffffff, %eax      # clear CD, NW: other CPUs start with the cache off
    orl $0x80050023, %eax       # PG, AM, WP, NE (x87 faults are exceptions and no IRQ 13), MP, PE
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ret

    .code64
first_cpu_long:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movabsq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %esi, %edi             # hvm_start_info
    movabsq $kernel_main, %rax
    call *%rax
1:  hlt
    jmp 1b

# Copied to 0x8000; a start-up IPI begins here in real mode with CS = 0x800.
    .code16
    .globl other_cpu_start, other_cpu_start_end
other_cpu_start:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl (other_cpu_gdt_pointer - other_cpu_start + 0x8000)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x18, $other_cpu_protected
other_cpu_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
other_cpu_start_end:

    .code32
other_cpu_protected:
    movl $0x20, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $boot_small_stack_top, %esp
    call enter_long_mode
    ljmp $0x08, $other_cpu_long
    .code64
other_cpu_long:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movabsq $other_cpu_stack, %rax   # CPUs are started one at a time; the starter puts the stack here
    movq (%rax), %rsp
    xorl %ebp, %ebp
    movabsq $other_cpu_main, %rax
    call *%rax
1:  hlt
    jmp 1b

    .section .boot.data, "aw"
    .balign 16
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 0x08 64-bit code
    .quad 0x00cf93000000ffff    # 0x10 data
    .quad 0x00cf9b000000ffff    # 0x18 32-bit code
    .quad 0x00cf93000000ffff    # 0x20 data
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
    .long 0

    .section .boot.bss, "aw", @nobits
    .balign 4096
    .globl boot_root
boot_root: .skip 4096
boot_pointers: .skip 4096
boot_pointers_high: .skip 4096
boot_directory: .skip 4 * 4096
boot_small_stack: .skip 256
boot_small_stack_top:

    .section .bss, "aw", @nobits
    .balign 4096
    .skip 16384
    .globl boot_stack_top
boot_stack_top:
    .balign 8
    .globl other_cpu_stack
other_cpu_stack: .skip 8

    .section .note.GNU-stack, "", @progbits
