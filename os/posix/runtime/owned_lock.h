// The lock under mutexes and newlib's locks: one word that names the thread that has it (abi/futex.h), so whoever looks
// at a waiting thread sees for whom it waits.
#pragma once

#include "abi/futex.h"
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

namespace orrery::runtime {

inline unsigned own_number() { return thread_control()->thread_number; }

inline bool is_owner(const unsigned& word)
{
    return (__atomic_load_n(&word, __ATOMIC_RELAXED) & abi::futex_owner) == own_number();
}

// False if the word does not hold `state`, which then becomes what it holds.
inline bool change_owned(unsigned& word, unsigned& state, unsigned to)
{
    return __atomic_compare_exchange_n(&word, &state, to, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// False if somebody has it, also if that is the caller.
inline bool try_take_owned(unsigned& word)
{
    unsigned state = 0;
    return change_owned(word, state, own_number());
}

// Takes it as one that others may sleep on, each time: whoever was woken cannot know whether others still sleep.
inline void take_contended_owned(unsigned& word)
{
    for (unsigned state = __atomic_load_n(&word, __ATOMIC_RELAXED);;) {
        if (state == 0) {
            if (change_owned(word, state, own_number() | abi::futex_contended)) return;
        } else if ((state & abi::futex_contended) != 0 || change_owned(word, state, state | abi::futex_contended)) {
            raw::futex_wait_owned(&word, state | abi::futex_contended, abi::no_deadline);
            state = __atomic_load_n(&word, __ATOMIC_RELAXED);
        }
    }
}

inline void release_owned(unsigned& word)
{
    if ((__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) & abi::futex_contended) != 0) raw::futex_wake(&word, 1u);
}

} // namespace orrery::runtime
