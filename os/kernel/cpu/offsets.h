// Offsets and constants that assembly shares with C++; cpu/cpu.cpp asserts each.
#pragma once

#define CPU_SELF 0
#define CPU_KERNEL_STACK 8
#define CPU_USER_STACK 16
#define CPU_HOT 24
#define CPU_HELD_LOCK_RANKS 32
#define HOT_ATTENTION 0
#define HOT_SYSCALLS 8
#define HOT_FILTER 16
#define FRAME_RAX 80
#define FRAME_CS 144
#define USER_DATA_SELECTOR 0x1b
#define USER_CODE_SELECTOR 0x23
#define SYSCALL_COUNT 62
