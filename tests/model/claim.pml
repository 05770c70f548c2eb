/* What travels with a signal (S6): the information that a handler gets is that of the raise which set the pending bit,
 * whole, and every raise that was not merged is claimed exactly once.
 *
 * Mapping to the code. Two senders raise one standard signal at a process (raise_to_space in
 * os/kernel/signal/raise.cpp); two threads of the process claim it (claim_of_process in os/posix/signal/claim.cpp).
 *   signal_lock      AddressSpace::signal_lock, the kernel's; held over test, slot and bit
 *   claim_lock       ProcessControl::claim_lock, the runtime's; held over test, copy and clear
 *   process_pending  ProcessControl::pending, one bit; test, set and clear are atomic operations
 *   first, second    ProcessControl::slots[n]: two words stand for the 40 bytes, which are not written or read at once
 * The slots of a thread (ThreadControl::slots) follow the same rule with one claimer instead of a lock.
 *
 * On x86 no step here can be reordered: slot before bit are two stores, copy before clear a load and a locked
 * operation.
 *
 * Variants, each of which must fail:
 *   CLEAR_FIRST      the claimer clears the bit before it copies the slot
 *   NO_CLAIM_LOCK    two threads claim at once
 *   NO_SIGNAL_LOCK   two senders raise at once
 *   NO_MERGE         a sender writes the slot although the signal is pending
 *   BIT_FIRST        the sender sets the bit before it writes the slot
 */
#ifndef RAISES
#define RAISES 2 /* of each sender */
#endif

bool signal_lock, claim_lock;
bool process_pending;
byte first, second;

byte next_raise = 1;  /* every raise carries a number of its own */
byte fresh, taken;    /* raises that set the bit; signals that were claimed */
byte expected;        /* the raise that set the bit */

inline lock(word) { atomic { !word -> word = true } }
inline unlock(word) { word = false }

proctype sender() {
    byte number, raises;
    bool was_pending;
    do
    :: raises < RAISES ->
        atomic { number = next_raise; next_raise++; raises++ };
#ifndef NO_SIGNAL_LOCK
        lock(signal_lock);
#endif
        was_pending = process_pending;
#ifdef BIT_FIRST
        if
        :: !was_pending -> atomic { process_pending = true; expected = number; fresh++ }
        :: else
        fi;
#endif
        if
#ifdef NO_MERGE
        :: true ->
#else
        :: !was_pending ->
#endif
            first = number;
            second = number;
#ifndef BIT_FIRST
            atomic {
                fresh = fresh + !process_pending;
                expected = (process_pending -> expected : number);
                process_pending = true
            }
#endif
#ifndef NO_MERGE
        :: else /* merged */
#endif
        fi;
#ifndef NO_SIGNAL_LOCK
        unlock(signal_lock)
#endif
    :: else -> break
    od
}

proctype claimer() {
    byte copied_first, copied_second, wanted;
end:
    do
    :: process_pending ->
#ifndef NO_CLAIM_LOCK
        lock(claim_lock);
#endif
        if
        :: process_pending ->
#ifdef CLEAR_FIRST
            atomic { wanted = expected; process_pending = false };
            copied_first = first;
            copied_second = second;
#else
            copied_first = first;
            copied_second = second;
            atomic { wanted = expected; process_pending = false };
#endif
            atomic {
                taken++;
                assert(copied_first == copied_second); /* whole */
                assert(copied_first == wanted);        /* and of this raise */
                copied_first = 0;
                copied_second = 0;
                wanted = 0
            }
        :: else /* another thread was first */
        fi;
#ifndef NO_CLAIM_LOCK
        unlock(claim_lock)
#endif
    od
}

proctype monitor() {
    timeout;
    assert(!process_pending);
    assert(fresh == taken)
}

init {
    atomic {
        run sender();
        run sender();
        run claimer();
        run claimer();
        run monitor()
    }
}
