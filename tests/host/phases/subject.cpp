// A program with phase probes, and with some that are none.
#include "abi/phase_probe.h"

unsigned long sink;

extern "C" void _start(unsigned long ring, unsigned long index)
{
    ORRERY_PROBE(ring, pushed, ring, index, 7);
    sink = ring;
    ORRERY_PROBE(ring, pushed, ring, index, 8);
    ORRERY_PROBE(signal, handled, ring, 10, 0x4000);
    STAP_PROBE4(orrery, signal__framed, ring, 10, 0x4000, 99);
    STAP_PROBE1(orrery, no__phase, 1);
    STAP_PROBE1(others, signal__raised, 1);
    sink = index;
}
