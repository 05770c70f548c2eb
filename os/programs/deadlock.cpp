// Two threads that take two locks in the opposite order: what a deadlock is, to look at. It never ends by itself.
#include <cstdio>
#include <pthread.h>

namespace {

pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t knife_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER; // protects `seated`
pthread_cond_t somebody_sat_down = PTHREAD_COND_INITIALIZER;
int seated = 0;

// Without this the second could be so late that the first has eaten already: most deadlocks need bad luck.
void wait_until_both_have_one()
{
    pthread_mutex_lock(&table);
    ++seated;
    pthread_cond_broadcast(&somebody_sat_down);
    while (seated < 2) pthread_cond_wait(&somebody_sat_down, &table);
    pthread_mutex_unlock(&table);
}

void eat(pthread_mutex_t& first, pthread_mutex_t& second)
{
    pthread_mutex_lock(&first);
    wait_until_both_have_one();
    pthread_mutex_lock(&second); // the other one has it, and waits for the first
    pthread_mutex_unlock(&second);
    pthread_mutex_unlock(&first);
}

void* fork_first(void*)
{
    eat(fork_lock, knife_lock);
    return nullptr;
}

void* knife_first(void*)
{
    eat(knife_lock, fork_lock);
    return nullptr;
}

} // namespace

int main()
{
    std::puts("Two threads share a fork and a knife, and each takes the other one first.");
    pthread_t eaters[2];
    pthread_create(&eaters[0], nullptr, fork_first, nullptr);
    pthread_create(&eaters[1], nullptr, knife_first, nullptr);
    for (const pthread_t eater : eaters) pthread_join(eater, nullptr);
    std::puts("Both have eaten.");
    return 0;
}
