/* Raising, blocking and delivering one signal: none is lost (S2), none is delivered while blocked (S4), and a mask
 * change and its look at what is pending cannot miss a raise (S3).
 *
 * Mapping to the code. One process with THREADS (1 or 2) threads, each on its own processor; a sender raises the
 * signal at thread 0 (raise_to_thread) and at the process (raise_to_space), in any order, while the threads change
 * their masks, inhibit delivery and sleep.
 *   pending[t], allowed[t]   the two halves of ThreadControl::words of thread t, for one bit; one word in the code, so
 *                            each step below touches them in one atomic operation where the code does
 *   process_pending          ProcessControl::pending
 *   attention[t]             Thread::hot.attention together with the inter-processor interrupt that announces it
 *   INTERRUPT(t)             stands between steps of user code: the interrupt may arrive there, or later
 *   return_to_user           deliver_signals() in os/kernel/signal/deliver.cpp: divert, or note deferred_at, or hand on
 *   choose_and_notify        choose_thread() and notify() in os/kernel/signal/raise.cpp
 *   trampoline               os/posix/signal: forget deferred_at, claim, run handlers, clear inhibit, test deferred_at
 *   change_mask              pthread_sigmask: inhibit, one locked add, look at both words, leave
 *   wait_for_signal          the kernel's blocking primitive, sleep() in os/kernel/thread/scheduler.cpp
 * There is no timer tick: a signal that only the next tick would deliver counts as lost.
 *
 * `fresh` counts raises that were not merged, `taken` what handlers got. When nothing can move any more (timeout), all
 * must be accounted for, and no thread may have a deliverable signal that it does not know of.
 *
 * A thread that is chosen while it inhibits delivery hands the signal on, for it may block the signal before it looks.
 * It does so to any thread the first time, but only to one that does not inhibit when deferred_at is set already: with
 * variant HAND_ON_ALWAYS, which loses nothing either, two threads in critical sections interrupt each other for as long
 * as both stay there.
 *
 * Variants, each of which must fail:
 *   NO_DEFERRED_TEST     leaving an inhibit section does not test deferred_at
 *   EARLY_DEFERRED_TEST  ... tests it before it clears inhibit
 *   LATE_FORGET          the trampoline clears deferred_at after it looked for signals instead of before
 *   NO_LOOK              opening the mask does not look at what is pending
 *   PLAIN_STORE          the allowset is changed by a plain store, which may sit in the store buffer (Dekker's pattern
 *                        over process_pending and allowed breaks)
 *   NO_HAND_ON           a thread that was chosen but blocks the signal by then does not pass it on
 *   HAND_ON_TO_FREE      ... which inhibits delivery passes it on to a thread that does not inhibit, or to none: it
 *                        blocks the signal in its section, and the other leaves its own without having been told
 *   NO_INTERRUPT         raising does not interrupt a running thread
 *   NO_SLEEP_TEST        a thread goes to sleep without testing for signals
 *   SLEEP_DESPITE_ATTENTION  ... tests the words but not the attention word: a thread that was chosen, and blocks the
 *                        signal by then, sleeps without handing it on
 *   CLAIM_BLOCKED        the trampoline claims without looking at the allowset (S4)
 */
#ifndef THREADS
#define THREADS 1
#endif
#ifndef OPERATIONS
#define OPERATIONS 2 /* of each thread */
#endif
#ifndef RAISES
#define RAISES 2
#endif

bool pending[2];
bool allowed[2];
bool process_pending;
bool inhibit[2];
bool deferred[2];
bool attention[2];
bool asleep[2];

bool own_allowed[2]; /* what the owner knows; memory may lag behind in variant PLAIN_STORE */
byte fresh, taken;

/* --- The kernel ------------------------------------------------------------------------------------------------- */

inline notify(who) {
#ifndef NO_INTERRUPT
    attention[who] = true;
#endif
    asleep[who] = false /* wake(), under the thread's lock */
}

/* Prefers a thread that does not inhibit delivery. `except` = 2: none excluded. */
inline choose_and_notify(except, also_inhibiting) {
    chosen = 2;
    if
    :: except != 0 && allowed[0] -> chosen = 0
    :: else
    fi;
    if
    :: except != 1 && allowed[1] && (chosen == 2 || inhibit[chosen]) -> chosen = 1
    :: else
    fi;
    if
    :: also_inhibiting || chosen == 2
    :: else ->
        if
        :: inhibit[chosen] -> chosen = 2
        :: else
        fi
    fi;
    if
    :: chosen == 0 -> notify(0)
    :: chosen == 1 -> notify(1)
    :: else
    fi;
    chosen = 0
}

inline hand_on(me, also_inhibiting) {
#ifndef NO_HAND_ON
    if
    :: process_pending -> choose_and_notify(me, also_inhibiting)
    :: else
    fi
#else
    skip
#endif
}

/* The way back to user mode of a thread whose attention word is set. */
inline return_to_user(me) {
    attention[me] = false;
    seen = pending[me] && allowed[me];
    if
    :: !seen -> seen = process_pending && allowed[me]
    :: else
    fi;
    if
    :: !seen -> hand_on(me, true)
#if defined(HAND_ON_TO_FREE)
    :: seen && inhibit[me] -> deferred[me] = true; hand_on(me, false)
#elif defined(HAND_ON_ALWAYS)
    :: seen && inhibit[me] -> deferred[me] = true; hand_on(me, true)
#else
    :: seen && inhibit[me] && deferred[me] -> hand_on(me, false)
    :: seen && inhibit[me] && !deferred[me] -> deferred[me] = true; hand_on(me, true)
#endif
    :: else -> inhibit[me] = true; divert = true
    fi;
    seen = false
}

/* --- The runtime of thread `me` --------------------------------------------------------------------------------- */

/* Between two instructions: an interrupt that is under way may arrive here, or later. Sets `divert`. */
inline INTERRUPT(me) {
    if
    :: attention[me] -> return_to_user(me)
    :: true
    fi
}

inline set_allowed(me, value) {
#ifdef PLAIN_STORE
    /* Closing the mask is a locked operation still; process `drain` brings its opening to memory, later. */
    atomic { own_allowed[me] = value; allowed[me] = allowed[me] && value }
#else
    atomic { own_allowed[me] = value; allowed[me] = value } /* lock xadd */
#endif
}

#ifdef CLAIM_BLOCKED
#define MAY_TAKE(me) true
#else
#define MAY_TAKE(me) own_allowed[me]
#endif

/* The claim lock and the slots are the business of claim.pml. */
inline claim(me) {
    atomic {
        if
        :: pending[me] && MAY_TAKE(me) -> pending[me] = false; claimed = true
        :: else
        fi
    };
    if
    :: !claimed ->
        atomic {
            if
            :: process_pending && MAY_TAKE(me) -> process_pending = false; claimed = true
            :: else
            fi
        }
    :: else
    fi
}

proctype thread(byte me) {
    byte operation, chosen;
    bool seen, divert, claimed, again, look;

next_operation:
    if
    :: operation == OPERATIONS -> goto computing
    :: else -> operation++
    fi;
    INTERRUPT(me);
    if
    :: divert -> divert = false; goto trampoline
    :: else
    fi;
    inhibit[me] = true; /* InhibitSection */
    INTERRUPT(me);
    assert(!divert);
    if
    :: true                                               /* a critical section of the runtime */
    :: set_allowed(me, false); look = true                /* change_mask */
    :: set_allowed(me, true); look = true
    :: /* wait_for_signal: sleep(), under the thread's lock. A raise between its loads notifies after them. */
#if defined(NO_SLEEP_TEST)
       asleep[me] = true;
#elif defined(SLEEP_DESPITE_ATTENTION)
       asleep[me] = !((pending[me] || process_pending) && allowed[me]);
#else
       asleep[me] = !((pending[me] || process_pending) && allowed[me]) && !attention[me];
#endif
end_asleep:
       !asleep[me];
       if
       :: attention[me] -> return_to_user(me); assert(!divert)
       :: else
       fi;
       look = true
    fi;
    INTERRUPT(me);
    assert(!divert);
#ifndef NO_LOOK
    if
    :: look && (pending[me] || process_pending) && own_allowed[me] -> look = false; goto trampoline
    :: else
    fi;
#endif
    look = false;
    goto leave_inhibit;

trampoline: /* Entered with inhibit set. */
    assert(inhibit[me]);
#ifndef LATE_FORGET
    deferred[me] = false;
#endif
next_signal:
    INTERRUPT(me);
    assert(!divert);
    claim(me);
    if
    :: claimed ->
        atomic { assert(own_allowed[me]); taken++; claimed = false }; /* S4 */
        set_allowed(me, false); /* sa_mask holds the signal itself while the handler runs */
        inhibit[me] = false;
        INTERRUPT(me); /* in the handler; the signal is blocked */
        assert(!divert);
        inhibit[me] = true;
        set_allowed(me, true);
        goto next_signal
    :: else
    fi;
#ifdef LATE_FORGET
    INTERRUPT(me);
    assert(!divert);
    deferred[me] = false;
#endif

leave_inhibit: /* The trampoline's exit and that of a critical section are alike: clear inhibit, test deferred_at. */
#ifdef EARLY_DEFERRED_TEST
    again = deferred[me];
    INTERRUPT(me);
    assert(!divert);
    inhibit[me] = false;
#else
    inhibit[me] = false;
    /* An interrupt right here diverts: the frames nest, and what is left of the outer one is the test of deferred_at,
     * which the inner one has done when it comes back. */
    INTERRUPT(me);
    if
    :: divert -> divert = false; goto trampoline
    :: else
    fi;
#ifndef NO_DEFERRED_TEST
    again = deferred[me];
#endif
#endif
    if
    :: again -> again = false; inhibit[me] = true; goto trampoline
    :: else -> goto next_operation
    fi;

computing: /* Only an interrupt can bring a signal now. */
end_computing:
    attention[me] -> return_to_user(me);
    if
    :: divert -> divert = false; goto trampoline
    :: else -> goto computing
    fi
}

proctype sender() {
    byte raises, chosen;
    bool was_pending;
    do
    :: raises < RAISES ->
        raises++;
        if
        :: atomic { was_pending = pending[0] || !allowed[0]; fresh = fresh + !pending[0]; pending[0] = true };
            if
            :: !was_pending -> notify(0)
            :: else /* merged, or the owner will see it when it opens its mask */
            fi
        :: atomic { was_pending = process_pending; process_pending = true; fresh = fresh + !was_pending };
            if
            :: !was_pending -> choose_and_notify(2, true)
            :: else
            fi
        fi
    :: else -> break
    od
}

#ifdef PLAIN_STORE
proctype drain() {
end:
    do
    :: allowed[0] != own_allowed[0] -> allowed[0] = own_allowed[0]
    :: allowed[1] != own_allowed[1] -> allowed[1] = own_allowed[1]
    od
}
#endif

/* A deliverable signal that is still pending when nobody can move. */
proctype monitor() {
    timeout;
    assert(!(pending[0] && allowed[0]) && !(pending[1] && allowed[1]));
    assert(!(process_pending && (allowed[0] || allowed[1])));
    assert(fresh == taken + pending[0] + pending[1] + process_pending)
}

init {
    atomic {
        if
        :: allowed[0] = true
        :: allowed[0] = false
        fi;
#if THREADS == 2
        if
        :: allowed[1] = true
        :: allowed[1] = false
        fi;
#endif
        own_allowed[0] = allowed[0];
        own_allowed[1] = allowed[1];
        run thread(0);
#if THREADS == 2
        run thread(1);
#endif
        run sender();
#ifdef PLAIN_STORE
        run drain();
#endif
        run monitor()
    }
}
