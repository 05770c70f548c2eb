/* The ring's sleep and wake protocol (os/abi/ring_end.h, os/kernel/ring) on a machine with store buffers: no wake-up is
 * lost, no entry is lost, changed or seen twice.
 *
 * Mapping to the code. A producer pushes ENTRIES entries into a ring of CAPACITY slots and closes; a consumer takes
 * them until it finds the ring empty and the peer gone. Names A1..A5, B1..B4 are those of ring_end.h:
 *   push(), pop()   A1 slot, A2 STORE(index), A3 FENCE, A4 load of `waiting`, A5 exchange, then ring_wake
 *   wait_for_slot() prepare_wait(): B1 STORE(waiting), B2 FENCE, B3 look; B4 ring_wait(); cancel_wait()
 *   look            RingEnd::refresh(): the peer's index, then kernel_broken, then the index once more
 *   ring_wait/wake  Ring::wait and Ring::wake_side, each under the kernel's lock of the ring (here: one atomic step)
 *   close           Ring::handle_closed
 *
 * The machine is x86's total store order: a plain store goes into its processor's buffer, a first-in first-out queue
 * that process `drain` empties at any later time; a load reads memory; a locked operation, a fence and the kernel's
 * lock wait until the own buffer is empty. A processor would see its own buffered stores, but no side ever loads a word
 * that it stores itself (own indices are private; the own `waiting` is read by the kernel only, after a lock), so
 * forwarding need not be modelled.
 *
 * Indices run modulo MODULUS instead of 2^32 and start just before the wrap-around. Spinning before the sleep is only
 * more looks, and is left out.
 *
 * A lost wake-up is a side that sleeps for ever: spin reports an invalid end state. Variants, each of which must fail:
 *   NO_FENCE            neither A3 nor B2                -> a wake-up is lost
 *   NO_PUBLISH_FENCE    no A3                            -> the same
 *   NO_SLEEP_FENCE      no B2                            -> the same
 *   NO_LOOK_AGAIN       B3 left out                      -> the same
 *   NO_WAITING_TEST     B4 sleeps without its test       -> the same
 *   NO_LAST_LOOK        refresh() does not look at the index again once it saw kernel_broken -> entries are lost
 */
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef ENTRIES
#define ENTRIES 4
#endif
#define MODULUS 4 /* a multiple of CAPACITY, at least twice as large */
#define START 3
#define DISTANCE(a, b) (((a) + MODULUS - (b)) % MODULUS)

#define PRODUCER 0
#define CONSUMER 1

/* Shared memory: addresses of words, and the words. */
#define TAIL 0
#define HEAD 1
#define PRODUCER_WAITING 2
#define CONSUMER_WAITING 3
#define SLOTS 4 /* and up */
byte memory[8];
bool kernel_broken;
chan buffer[2] = [6] of { byte, byte };

bool asleep[2]; /* in the kernel, by side */

#define STORE(me, address, value) buffer[me]!address, value
#define EMPTY(me) (len(buffer[me]) == 0)

inline publish_fence(me) {
#if !defined(NO_FENCE) && !defined(NO_PUBLISH_FENCE)
    EMPTY(me)
#else
    skip
#endif
}

inline sleep_fence(me) {
#if !defined(NO_FENCE) && !defined(NO_SLEEP_FENCE)
    EMPTY(me)
#else
    skip
#endif
}

/* A4, A5. */
inline wake_sleeper(me, peer, peer_waiting) {
    if
    :: memory[peer_waiting] != 0 ->
        atomic { EMPTY(me) -> was_waiting = memory[peer_waiting]; memory[peer_waiting] = 0 };
        if
        :: was_waiting != 0 -> atomic { EMPTY(me) -> asleep[peer] = false }
        :: else
        fi
    :: else
    fi
}

/* B4. */
inline ring_wait(me, own_waiting) {
#ifdef NO_WAITING_TEST
    atomic { EMPTY(me) -> asleep[me] = !kernel_broken };
#else
    atomic { EMPTY(me) -> asleep[me] = memory[own_waiting] != 0 && !kernel_broken };
#endif
    !asleep[me]
}

proctype drain() {
    byte address, value;
end:
    do
    :: atomic { buffer[PRODUCER]?address, value -> memory[address] = value }
    :: atomic { buffer[CONSUMER]?address, value -> memory[address] = value }
    od
}

proctype producer() {
    byte tail = START;
    byte head = START; /* as last seen */
    byte sent = 0;
    byte was_waiting;
    do
    :: sent < ENTRIES ->
        do
        :: DISTANCE(tail, head) < CAPACITY -> break
        :: else ->
            head = memory[HEAD];
            if
            :: DISTANCE(tail, head) < CAPACITY -> break
            :: else
            fi;
            STORE(PRODUCER, PRODUCER_WAITING, 1); /* B1 */
            sleep_fence(PRODUCER);                /* B2 */
#ifndef NO_LOOK_AGAIN
            head = memory[HEAD]; /* B3 */
#endif
            if
            :: DISTANCE(tail, head) < CAPACITY
            :: else -> ring_wait(PRODUCER, PRODUCER_WAITING) /* B4 */
            fi;
            STORE(PRODUCER, PRODUCER_WAITING, 0) /* cancel_wait */
        od;
        STORE(PRODUCER, SLOTS + tail % CAPACITY, sent + 1); /* A1 */
        tail = (tail + 1) % MODULUS;
        STORE(PRODUCER, TAIL, tail); /* A2 */
        publish_fence(PRODUCER);     /* A3 */
        wake_sleeper(PRODUCER, CONSUMER, CONSUMER_WAITING);
        sent++
    :: else -> break
    od;
    atomic { EMPTY(PRODUCER) -> kernel_broken = true; asleep[CONSUMER] = false } /* handle_closed */
}

proctype consumer() {
    byte head = START;
    byte tail = START; /* as last seen */
    byte taken = 0;
    byte was_waiting;
    bool gone;
    do
    :: tail != head ->
        assert(DISTANCE(tail, head) <= CAPACITY); /* an honest producer is never found to break the rules */
        assert(memory[SLOTS + head % CAPACITY] == taken + 1); /* A1: the entry that was pushed */
        taken++;
        head = (head + 1) % MODULUS;
        STORE(CONSUMER, HEAD, head); /* A2 */
        publish_fence(CONSUMER);     /* A3 */
        wake_sleeper(CONSUMER, PRODUCER, PRODUCER_WAITING)
    :: else ->
        tail = memory[TAIL];
        if
        :: tail == head ->
            STORE(CONSUMER, CONSUMER_WAITING, 1); /* B1 */
            sleep_fence(CONSUMER);                /* B2 */
#ifndef NO_LOOK_AGAIN
            tail = memory[TAIL]; /* B3: refresh() */
#endif
            if
            :: tail == head ->
                gone = kernel_broken;
#ifndef NO_LAST_LOOK
                if
                :: gone -> tail = memory[TAIL]
                :: else
                fi;
#endif
                if
                :: gone && tail == head -> break
                :: !gone -> ring_wait(CONSUMER, CONSUMER_WAITING) /* B4 */
                :: else
                fi
            :: else
            fi;
            STORE(CONSUMER, CONSUMER_WAITING, 0) /* cancel_wait */
        :: else
        fi
    od;
    assert(taken == ENTRIES)
}

/* A signal ends one sleep of each side, or comes when that side does not sleep. */
proctype signals() {
    asleep[CONSUMER] = false;
    asleep[PRODUCER] = false
}

init {
    atomic {
        memory[TAIL] = START;
        memory[HEAD] = START;
        run drain();
        run signals();
        run producer();
        run consumer()
    }
}
