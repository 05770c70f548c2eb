// The one macro by which code says "this phase happens here": an SDT probe (a NOP and an ELF note) of the table in
// phase.h. gdb, the Inspector and any SystemTap-aware tool find it by its note. Needs <sys/sdt.h>, which has no code.
#pragma once

#include "abi/phase.h"

// Without this, clang puts every argument into memory, although the usual "nor" lets it choose.
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>

// Example: ORRERY_PROBE(signal, handled, frame, number, handler). The three arguments are integers or pointers; they
// are read from registers or are constants, so a probe costs one NOP where the values are live anyway. A name that is
// not in the table does not compile.
#define ORRERY_PROBE(group, name, argument_0, argument_1, argument_2)                 \
    do {                                                                              \
        [[maybe_unused]] constexpr auto known = ::orrery::abi::Phase::group##_##name; \
        STAP_PROBE3(orrery, group##__##name, argument_0, argument_1, argument_2);     \
    } while (false)
// The same with the cause id (flight recorder) as a fourth argument, so that who stops there knows what led to it.
#define ORRERY_PROBE_WITH_CAUSE(group, name, argument_0, argument_1, argument_2, cause)    \
    do {                                                                                   \
        [[maybe_unused]] constexpr auto known = ::orrery::abi::Phase::group##_##name;      \
        STAP_PROBE4(orrery, group##__##name, argument_0, argument_1, argument_2, cause);   \
    } while (false)
