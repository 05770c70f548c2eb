// Signals and threads: masks belong to threads, a signal to a thread reaches that thread, one to the process reaches a
// thread that allows it (invariants S1, S2, S4). And the little of threads that these tests stand on.
// POSIX.1-2024: XSH 2.4.1, pthread_kill, pthread_sigmask, pthread_create.
#include "check.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace {

std::atomic<int> handled { 0 };
std::atomic<pthread_t> handled_by {};
std::atomic<int> stage { 0 };

void note(int)
{
    handled_by.store(pthread_self());
    handled.fetch_add(1);
}

void install(int number)
{
    struct sigaction action {};
    action.sa_handler = note;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    handled = 0;
    handled_by = pthread_t {};
    stage = 0;
}

sigset_t set_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

bool is_blocked(int number)
{
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, number) == 1;
}

void wait_for_stage(int wanted)
{
    while (stage.load() < wanted)
        sched_yield();
}

pthread_t start(void* (*function)(void*), void* argument = nullptr)
{
    pthread_t thread {};
    CHECK_EQUAL(pthread_create(&thread, nullptr, function, argument), 0);
    return thread;
}

void join(pthread_t thread, void* wanted = nullptr)
{
    void* result = &stage;
    CHECK_EQUAL(pthread_join(thread, &result), 0);
    CHECK(result == wanted);
}

thread_local int own = 1;
void* use_own_data(void* argument)
{
    CHECK_EQUAL(own, 1);
    own = 2;
    errno = 77;
    stage = 1;
    wait_for_stage(2);
    CHECK_EQUAL(errno, 77);
    CHECK_EQUAL(own, 2);
    return argument;
}
void threads_have_their_own_data()
{
    install(SIGUSR1);
    int place = 0;
    own = 3;
    errno = 5;
    const pthread_t thread = start(use_own_data, &place);
    CHECK(pthread_equal(thread, pthread_self()) == 0);
    wait_for_stage(1);
    CHECK_EQUAL(own, 3);
    CHECK_EQUAL(errno, 5);
    stage = 2;
    join(thread, &place);
    own = 1;
}

void* look_at_inherited_mask(void*)
{
    CHECK(is_blocked(SIGUSR1));
    const sigset_t set = set_of(SIGUSR1);
    const sigset_t other = set_of(SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    pthread_sigmask(SIG_BLOCK, &other, nullptr);
    return nullptr;
}
void a_mask_is_inherited_and_then_the_threads_own()
{
    const sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    join(start(look_at_inherited_mask));
    CHECK(is_blocked(SIGUSR1));
    CHECK(!is_blocked(SIGUSR2));
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

// Never enters the kernel: only an interrupt can bring the signal.
void* spin_until_handled(void*)
{
    stage = 1;
    while (handled.load(std::memory_order_relaxed) == 0) { }
    return nullptr;
}
void a_signal_reaches_a_running_thread()
{
    for (int i = 0; i < 5; i++) {
        install(SIGUSR1);
        const pthread_t thread = start(spin_until_handled);
        wait_for_stage(1);
        CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
        while (handled.load() == 0)
            sched_yield();
        CHECK(handled_by.load() == thread);
        join(thread);
    }
}

// With one processor the other thread waits for this one's time slice to end; a thousand of them would be long.
void give_way(unsigned round)
{
    if (round % 64 == 0) sched_yield();
}

// Each signal is answered before the next one goes: none may get lost, whatever the thread does meanwhile.
void* answer(void*)
{
    const sigset_t set = set_of(SIGUSR2);
    stage = 1;
    for (unsigned i = 0; stage.load() == 1; i++) {
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        give_way(i);
    }
    return nullptr;
}
void no_signal_is_lost()
{
    install(SIGUSR1);
    const pthread_t thread = start(answer);
    wait_for_stage(1);
    for (int i = 1; i <= 1000; i++) {
        CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
        while (handled.load() < i)
            sched_yield();
        CHECK_EQUAL(handled.load(), i);
    }
    stage = 2;
    join(thread);
}

void* toggle(void*)
{
    const sigset_t set = set_of(SIGUSR1);
    stage = 1;
    for (unsigned round = 0; stage.load() == 1; round++) {
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        const int before = handled.load();
        for (volatile int i = 0; i < 50; i = i + 1) { }
        CHECK_EQUAL(handled.load(), before); // S4: blocked means blocked
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        give_way(round);
    }
    return nullptr;
}
void no_signal_is_lost_while_the_mask_flips()
{
    install(SIGUSR1);
    const pthread_t thread = start(toggle);
    wait_for_stage(1);
    for (int i = 1; i <= 1000; i++) {
        CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
        while (handled.load() < i)
            sched_yield();
    }
    CHECK_EQUAL(handled.load(), 1000);
    stage = 2;
    join(thread);
}

void* wait_blocked(void*)
{
    const sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    stage = 1;
    wait_for_stage(2);
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQUAL(sigismember(&pending, SIGUSR1), 1);
    CHECK_EQUAL(handled.load(), 0);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    CHECK_EQUAL(handled.load(), 1);
    return nullptr;
}
void a_threads_pending_signal_is_its_own()
{
    install(SIGUSR1);
    const pthread_t thread = start(wait_blocked);
    wait_for_stage(1);
    CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQUAL(sigismember(&pending, SIGUSR1), 0); // not this thread's
    stage = 2;
    join(thread);
    CHECK(handled_by.load() == thread);
}

void* allow_and_spin(void*)
{
    const sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    stage = 1;
    while (stage.load(std::memory_order_relaxed) == 1) { }
    return nullptr;
}
void a_signal_to_the_process_goes_where_it_is_allowed()
{
    install(SIGUSR1);
    const sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const pthread_t thread = start(allow_and_spin);
    wait_for_stage(1);
    for (int i = 1; i <= 10; i++) {
        CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
        while (handled.load() < i)
            sched_yield();
        CHECK(handled_by.load() == thread);
    }
    stage = 2;
    join(thread);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void* wait_for_signals(void*)
{
    const sigset_t set = set_of(SIGUSR1);
    for (int i = 0; i < 100; i++) {
        int number = 0;
        CHECK_EQUAL(sigwait(&set, &number), 0);
        CHECK_EQUAL(number, SIGUSR1);
        stage.fetch_add(1);
    }
    return nullptr;
}
void a_thread_waits_for_the_processs_signals()
{
    install(SIGUSR1);
    const sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const pthread_t thread = start(wait_for_signals);
    for (int i = 1; i <= 100; i++) {
        CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
        wait_for_stage(i);
    }
    join(thread);
    CHECK_EQUAL(handled.load(), 0);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
int box = 0;
void* consume(void*)
{
    long sum = 0;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (box == 0)
            pthread_cond_wait(&condition, &mutex);
        sum += box;
        box = 0;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    CHECK_EQUAL(sum, 500L * 501 / 2);
    return nullptr;
}
// With signals in between, which must not disturb it.
void mutex_and_condition()
{
    install(SIGUSR1);
    const pthread_t thread = start(consume);
    for (int i = 1; i <= 500; i++) {
        pthread_mutex_lock(&mutex);
        while (box != 0)
            pthread_cond_wait(&condition, &mutex);
        box = i;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
        if (i % 10 == 0 && i < 490) CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
    }
    join(thread);
    CHECK(handled.load() > 0);
    const timespec past {};
    pthread_mutex_lock(&mutex);
    CHECK_EQUAL(pthread_cond_timedwait(&condition, &mutex, &past), ETIMEDOUT);
    CHECK_EQUAL(pthread_mutex_trylock(&mutex), EBUSY);
    pthread_mutex_unlock(&mutex);
}

void* signal_the_first(void* first)
{
    CHECK_EQUAL(pthread_kill(*static_cast<pthread_t*>(first), SIGUSR2), 0);
    return nullptr;
}
void the_first_thread_can_be_signalled()
{
    install(SIGUSR2);
    const int before = handled.load();
    pthread_t self = pthread_self();
    join(start(signal_the_first, &self));
    CHECK_EQUAL(handled.load(), before + 1);
}

void* do_nothing(void* argument) { return argument; }
void many_threads_one_after_the_other()
{
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 100; i++) {
        join(start(do_nothing, &own), &own);
        pthread_t thread {};
        CHECK_EQUAL(pthread_create(&thread, &detached, do_nothing, nullptr), 0);
    }
    CHECK_EQUAL(pthread_join(pthread_self(), nullptr), EDEADLK);
    CHECK_EQUAL(pthread_kill(pthread_self(), 0), 0);
    CHECK_EQUAL(pthread_kill(pthread_self(), 1000), EINVAL);
}

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "threads have their own data", threads_have_their_own_data },
        { "a mask is inherited and then the thread's own", a_mask_is_inherited_and_then_the_threads_own },
        { "a signal reaches a running thread", a_signal_reaches_a_running_thread },
        { "no signal is lost", no_signal_is_lost },
        { "no signal is lost while the mask flips", no_signal_is_lost_while_the_mask_flips },
        { "a thread's pending signal is its own", a_threads_pending_signal_is_its_own },
        { "a signal to the process goes where it is allowed", a_signal_to_the_process_goes_where_it_is_allowed },
        { "a thread waits for the process's signals", a_thread_waits_for_the_processs_signals },
        { "mutex and condition", mutex_and_condition },
        { "the first thread can be signalled", the_first_thread_can_be_signalled },
        { "many threads one after the other", many_threads_one_after_the_other },
    };
    return posix_test::run(tests);
}
