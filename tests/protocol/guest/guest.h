// Addresses of the test guest, for its assembly and for the tests. All are mapped one to one.
#pragma once

// Data, in RAM that is zero at the start. Eight bytes each.
#define GUEST_COUNTER 0x180000   // CPU 0 adds one each round
#define GUEST_COUNTER_1 0x180040 // CPU 1 likewise
#define GUEST_COMMAND 0x180080   // what CPU 0 does next, back to 0 when done
#define GUEST_ARGUMENT 0x180088
#define GUEST_WATCHED 0x1800c0
#define GUEST_READY 0x180100     // 1 once CPU 1 runs too

// Commands
#define GUEST_EXIT 1         // isa-debug-exit with ARGUMENT
#define GUEST_WRITE 2        // WATCHED = ARGUMENT
#define GUEST_PRINT 3        // the byte ARGUMENT on the serial line
#define GUEST_HALT 4         // cli, hlt: for ever
#define GUEST_OTHER_SPACE 5  // calls tick once with the other page tables
#define GUEST_PRINT_MANY 6   // ARGUMENT times "0123456789abcde\n"

// Code
#define GUEST_TICK 0x101000        // a function that CPU 0 calls each round: nop, nop, ret
#define GUEST_TICK_1 0x101010      // CPU 1's
#define GUEST_STORE 0x101020       // the instruction that writes WATCHED
#define GUEST_HALT_AT 0x101040     // the hlt

// Page tables
#define GUEST_PML4 0x140000
#define GUEST_OTHER_PML4 0x141000
#define GUEST_UNMAPPED 0x5000              // a hole in the first page table
#define GUEST_HIGH 0xffffffff80000000      // physical 0 once more, by a 2 MiB page
#define GUEST_GIGANTIC 0x40000000          // and by a 1 GiB page
