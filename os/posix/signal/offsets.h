// Offsets that the trampoline's assembly shares with C++; signal/layout.cpp asserts each.
#pragma once

#define CONTROL_SELF 0x00
#define CONTROL_SAVED_RIP 0x18
#define CONTROL_SAVED_RFLAGS 0x20
#define CONTROL_DEFERRED_AT 0x30
#define CONTROL_INHIBIT 0x38
#define CONTROL_INNERMOST 0x88
#define CONTROL_SCRATCH 0x98 // RAX or RSP, for a few instructions
#define CONTROL_RESUME 0xa0  // the RIP that the way back jumps to
#define CONTROL_STATE_MASK_LOW 0x68
#define CONTROL_STATE_MASK_HIGH 0x6c

// Top of the dispatch stack, from the control page: 8 modulo 16, so that nine pushes and a call leave the stack as a
// C function wants it.
#define DISPATCH_STACK_TOP (8192 + 4096 - 8)

#define FRAME_CAUSE 16
#define FRAME_SIGNAL 24
#define FRAME_RETURN_RIP 40
#define FRAME_RETURN_CS 48
#define FRAME_RETURN_RFLAGS 56
#define FRAME_RETURN_RSP 64
#define FRAME_RETURN_SS 72
#define FRAME_REGISTERS 288
#define FRAME_R8 (FRAME_REGISTERS + 0)
#define FRAME_R9 (FRAME_REGISTERS + 8)
#define FRAME_R10 (FRAME_REGISTERS + 16)
#define FRAME_R11 (FRAME_REGISTERS + 24)
#define FRAME_R12 (FRAME_REGISTERS + 32)
#define FRAME_R13 (FRAME_REGISTERS + 40)
#define FRAME_R14 (FRAME_REGISTERS + 48)
#define FRAME_R15 (FRAME_REGISTERS + 56)
#define FRAME_RDI (FRAME_REGISTERS + 64)
#define FRAME_RSI (FRAME_REGISTERS + 72)
#define FRAME_RBP (FRAME_REGISTERS + 80)
#define FRAME_RBX (FRAME_REGISTERS + 88)
#define FRAME_RDX (FRAME_REGISTERS + 96)
#define FRAME_RAX (FRAME_REGISTERS + 104)
#define FRAME_RCX (FRAME_REGISTERS + 112)
#define FRAME_RSP (FRAME_REGISTERS + 120)
#define FRAME_RIP (FRAME_REGISTERS + 128)
#define FRAME_RFLAGS (FRAME_REGISTERS + 136)
#define FRAME_EXTENDED_STATE 472

#define USER_CODE_SELECTOR 0x23
#define USER_DATA_SELECTOR 0x1b
#define RFLAGS_TRAP 0x100
