/* Condition variables on futexes with requeue: whoever waits for a condition gets on once it holds, whatever signals,
 * broadcasts and time-outs come between, and no one is left asleep on a mutex that is free.
 *
 * Mapping to the code (os/posix/thread/condition.cpp and mutex.cpp).
 *   state            pthread_mutex_t::__state: 0 free, 1 taken, 2 taken and somebody may sleep
 *   sequence         pthread_cond_t::__sequence
 *   waiters          pthread_cond_t::__waiters
 *   sleeps_on[n]     the queues of the kernel's futexes (os/kernel/thread/futex.cpp). Testing the word and going to sleep
 *                    are one step there, under the bucket's lock; requeue tests, wakes and moves in one step under both
 *   time_outs        how often a sleeper may come back by itself: its time is over, or a signal handler ran
 * A futex wakes whom it likes: the kernel wakes in order, but nothing here may depend on that.
 *
 * On x86 no step here can be reordered: all but the first read of `sequence` are locked operations, and that one is
 * made with the mutex held.
 *
 * Variants, each of which must fail:
 *   TAKE_UNCONTENDED   whoever comes back from a wait takes the mutex as if nobody slept on it
 *   COUNT_BROADCASTS   the same, but only if no broadcast was counted since it began to wait
 *   COUNT_LATE         a waiter counts itself after it gave up the mutex
 *   READ_LATE          a waiter reads the sequence after it gave up the mutex
 *   SLEEP_UNTESTED     the futex sleeps although the sequence has changed
 *   NO_FALLBACK        a broadcast whose requeue was refused wakes nobody
 */
#define WAITERS 2
#ifndef TIME_OUTS
#define TIME_OUTS 1
#endif
#define BROADCASTER WAITERS
#define SIGNALLER (WAITERS + 1)
#define THREADS (WAITERS + 2)

#define awake 0
#define on_condition 1
#define on_mutex 2

byte state, sequence, waiters, broadcasts;
byte sleeps_on[THREADS];
byte time_outs = TIME_OUTS;
byte inside; /* threads that hold the mutex */
bool holds;  /* the condition */

/* One who sleeps there, if anybody does. */
inline wake_one(queue) {
    atomic {
        if
        :: sleeps_on[0] == queue -> sleeps_on[0] = awake
        :: sleeps_on[1] == queue -> sleeps_on[1] = awake
        :: sleeps_on[2] == queue -> sleeps_on[2] = awake
        :: sleeps_on[3] == queue -> sleeps_on[3] = awake
        :: else
        fi
    }
}

inline move_all(from, to) {
    d_step {
        other = 0;
        do
        :: other < THREADS ->
            if
            :: sleeps_on[other] == from -> sleeps_on[other] = to
            :: else
            fi;
            other++
        :: else -> break
        od;
        other = 0
    }
}

inline sleep(me) {
    if
    :: sleeps_on[me] == awake
    :: atomic { sleeps_on[me] != awake && time_outs > 0 -> time_outs--; sleeps_on[me] = awake }
    fi
}

inline lock_contended(me) {
    do
    :: atomic { state == 0 -> state = 2; inside++; assert(inside == 1) }; break
    :: atomic { state != 0 -> state = 2 };
        atomic {
            if
            :: state == 2 -> sleeps_on[me] = on_mutex
            :: else
            fi
        };
        sleep(me)
    od
}

inline lock(me) {
    if
    :: atomic { state == 0 -> state = 1; inside++; assert(inside == 1) }
    :: state != 0 -> lock_contended(me)
    fi
}

inline unlock() {
    atomic { was_contended = (state == 2); state = 0; inside-- };
    if
    :: was_contended -> wake_one(on_mutex)
    :: else
    fi
}

proctype waiter(byte me) {
    byte seen, counted;
    bool was_contended;
    lock(me);
    do
    :: holds -> break
    :: else ->
#ifndef READ_LATE
        seen = sequence;
#endif
        counted = broadcasts;
#ifndef COUNT_LATE
        waiters++;
#endif
        unlock();
#ifdef READ_LATE
        seen = sequence;
#endif
#ifdef SLEEP_UNTESTED
        sleeps_on[me] = on_condition;
#else
        atomic {
            if
            :: sequence == seen -> sleeps_on[me] = on_condition
            :: else
            fi
        };
#endif
#ifdef COUNT_LATE
        waiters++;
#endif
        sleep(me);
        waiters--;
#if defined(TAKE_UNCONTENDED)
        lock(me)
#elif defined(COUNT_BROADCASTS)
        if
        :: broadcasts == counted -> lock(me)
        :: else -> lock_contended(me)
        fi
#else
        lock_contended(me)
#endif
    od;
    unlock()
}

inline broadcast() {
    broadcasts++;
    atomic { sequence++; seen = sequence };
    if
    :: waiters == 0
    :: else ->
        atomic {
            refused = (sequence != seen);
            if
            :: refused
            :: else ->
                wake_one(on_condition);
                move_all(on_condition, on_mutex)
            fi
        };
#ifndef NO_FALLBACK
        if
        :: refused -> move_all(on_condition, awake)
        :: else
        fi
#endif
    fi
}

/* The first broadcast is for a condition of somebody else; the second says that this one holds. */
proctype broadcaster(byte me) {
    byte seen, other;
    bool was_contended, refused;
    broadcast();
    lock(me);
    holds = true;
    unlock();
    broadcast()
}

proctype signaller(byte me) {
    bool was_contended;
    lock(me);
    unlock();
    sequence++;
    if
    :: waiters != 0 -> wake_one(on_condition)
    :: else
    fi
}

init {
    byte number;
    atomic {
        do
        :: number < WAITERS -> run waiter(number); number++
        :: else -> break
        od;
        run broadcaster(BROADCASTER);
        run signaller(SIGNALLER)
    }
}
