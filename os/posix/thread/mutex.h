// What condition variables need of mutexes beside what POSIX offers.
#pragma once

#include <pthread.h>

namespace orrery::thread {

// Takes the mutex, which the caller has not, as one that others may sleep on: for who was woken from a queue in which
// more may wait behind it.
void lock_contended(pthread_mutex_t& mutex);

} // namespace orrery::thread
