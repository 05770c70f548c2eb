/* Calls to a scheme (os/kernel/scheme/scheme.cpp): callers that a signal or a deadline may make impatient, and a server that may
   die at any moment. What stands in `atomic` happens under the scheme's lock.

   It must hold that every caller comes back, that each call is completed exactly once, and that the server's answer reaches
   the call that it was meant for. Variants take a step out; spin must find what breaks:
     ANSWER_ANY_STATE      an answer does not look whether the call still waits for one
     DEATH_FORGETS_QUEUE   the server's end completes only what it had received
     DEATH_FORGETS_CALLS   the server's end completes only what nobody had received
     NO_CLOSED_TEST        a call does not look whether there is a server left
     SLEEP_WITHOUT_LOOK    a caller goes back to sleep without looking at the call's state under the same lock
     GIVE_UP_STILL_LINKED  a caller whose time is up leaves while the server can still find its call */

#define CALLERS 2
#define ROUNDS 2

mtype = { idle, submitted, received, completed };

mtype state[CALLERS] = idle;
byte round[CALLERS];      /* which call it is: the tag */
byte completions[CALLERS];
bool asleep[CALLERS];
bool in_call[CALLERS];    /* the operation on the caller's stack exists */
bool closed;
bool server_waits;
byte entry, entry_round;  /* what the server was handed */
bool has_entry;

inline complete(who)
{
    assert(in_call[who]); /* else it writes into a stack that is gone */
    state[who] = completed;
    completions[who]++;
    assert(completions[who] == 1);
    asleep[who] = false;
}

proctype caller(byte self)
{
    byte calls = 0;
    bool cancelled, late;
    bool may_be_signalled, may_be_late;
    do
    :: calls == ROUNDS -> break
    :: else ->
        cancelled = false; late = false;
        if
        :: may_be_signalled = false; may_be_late = false /* a patient caller has nobody but the server to wake it */
        :: may_be_signalled = true; may_be_late = false
        :: may_be_signalled = false; may_be_late = true
        fi;
        atomic {
            calls++;
            round[self]++;
            completions[self] = 0;
            in_call[self] = true;
            if
#ifndef NO_CLOSED_TEST
            :: closed -> in_call[self] = false; state[self] = idle; goto next
#endif
            :: else ->
                if
                :: server_waits -> /* handed over directly */
                    server_waits = false;
                    state[self] = received;
                    entry = self; entry_round = round[self]; has_entry = true
                :: else -> state[self] = submitted
                fi;
                asleep[self] = true
            fi
        };
again:
        if
        :: !asleep[self]                              /* completed */
        :: atomic { asleep[self] && may_be_signalled && !cancelled -> asleep[self] = false }
        :: atomic { asleep[self] && may_be_late -> asleep[self] = false; late = true }
        fi;
        atomic {
            if
            :: state[self] == completed -> in_call[self] = false; state[self] = idle; goto next
            :: state[self] == submitted -> in_call[self] = false; state[self] = idle; goto next /* taken back */
            :: state[self] == received && late ->
#ifndef GIVE_UP_STILL_LINKED
                state[self] = idle;
#endif
                in_call[self] = false;
                goto next
            :: state[self] == received && !late ->
                cancelled = true; /* the server is asked to answer soon */
#ifndef SLEEP_WITHOUT_LOOK
                asleep[self] = true
#endif
            fi
        };
#ifdef SLEEP_WITHOUT_LOOK
        asleep[self] = true;
#endif
        goto again;
next:
        skip
    od
}

active proctype server()
{
    byte i;
    do
    :: atomic { /* receive */
            has_entry = false;
            i = 0;
            do
            :: i < CALLERS && state[i] == submitted ->
                state[i] = received; entry = i; entry_round = round[i]; has_entry = true; break
            :: i < CALLERS && state[i] != submitted -> i++
            :: i == CALLERS -> break
            od;
            if
            :: !has_entry -> server_waits = true
            :: else
            fi
        };
end:    has_entry;
        if
        :: break /* dies with the call */
        :: atomic { /* answer */
#ifdef ANSWER_ANY_STATE
                complete(entry)
#else
                if
                :: state[entry] == received && round[entry] == entry_round -> complete(entry)
                :: else /* too late */
                fi
#endif
            }
        fi;
        if
        :: break /* dies between two calls */
        :: skip
        fi
    od;
    atomic { /* its last handle is closed */
        closed = true;
        server_waits = false;
        i = 0;
        do
        :: i < CALLERS ->
            if
#ifndef DEATH_FORGETS_QUEUE
            :: state[i] == submitted -> complete(i)
#endif
#ifndef DEATH_FORGETS_CALLS
            :: state[i] == received -> complete(i)
#endif
            :: else
            fi;
            i++
        :: else -> break
        od
    }
}

init { atomic { run caller(0); run caller(1) } }
