// What a pthread_t points to.
#pragma once

#include "abi/futex.h"
#include "abi/handle.h"
#include "posix/runtime/thread.h"

#include <atomic>
#include <cstdint>
#include <pthread.h>
#include <reent.h>

struct __orrery_thread {
    void* (*function)(void*) = nullptr;
    void* argument = nullptr;
    void* result = nullptr;
    // Not 0 from creation to the end, and the thread's number once it has begun to run, for joiners (abi/futex.h); the
    // kernel zeroes it and wakes them when the thread no longer uses its memory.
    std::atomic<std::uint32_t> alive { orrery::abi::futex_owner + 1 };
    std::atomic<std::uint32_t> detached { 0 };
    orrery::abi::Handle handle = orrery::abi::no_handle; // of the first thread: 0 until there is a second
    orrery::runtime::ThreadMemory memory;
    std::uint64_t stack = 0; // address of the mapping, guard page first
    std::uint64_t stack_size = 0;
    __orrery_thread* next_ended = nullptr; // list of detached threads whose memory somebody else has to free
    struct _reent reent {};
};
