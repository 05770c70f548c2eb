// Threads: POSIX.1-2024 pthread_create, pthread_join, pthread_detach, pthread_exit, pthread_self, pthread_equal,
// pthread_kill and thread attributes.
#include "posix/runtime/syscall.h"
#include "posix/signal/delivery.h"
#include "posix/thread/thread_object.h"

#include "abi/startup.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

using Thread = __orrery_thread;

// newlib's own: makes the standard streams, which it otherwise does at their first use.
extern "C" void __sinit(struct _reent*);

namespace orrery::thread {
namespace {

namespace raw = runtime::raw;
using runtime::result_of;

constexpr std::uint64_t default_stack_size = std::uint64_t { 128 } * 1024;

constinit Thread first_thread;
constinit thread_local Thread* current = &first_thread;
constinit std::atomic<std::uint32_t> live_threads { 1 };
constinit std::atomic<Thread*> ended_threads { nullptr }; // detached ones

// Threads that are gone, with their stacks and control pages, for those that come: most of what a thread costs is
// making that memory. Only default sizes are kept.
constinit std::atomic<Thread*> spare_threads[8] {};

void unmap(std::uint64_t address, std::uint64_t size)
{
    if (size != 0) raw::memory_unmap(runtime::process_state.space, address, size);
}

bool keep_as_spare(Thread* thread)
{
    if (thread->memory.control == nullptr || thread->stack_size != default_stack_size + abi::page_size) return false;
    for (std::atomic<Thread*>& place : spare_threads) {
        Thread* empty = nullptr;
        if (place.load(std::memory_order_relaxed) == nullptr && place.compare_exchange_strong(empty, thread)) return true;
    }
    return false;
}

Thread* take_spare()
{
    for (std::atomic<Thread*>& place : spare_threads)
        if (place.load(std::memory_order_relaxed) != nullptr)
            if (Thread* const thread = place.exchange(nullptr)) return thread;
    return nullptr;
}

void free_thread(Thread* thread)
{
    if (thread->handle != abi::no_handle) raw::handle_close(std::exchange(thread->handle, abi::no_handle));
    if (keep_as_spare(thread)) return;
    unmap(thread->stack, thread->stack_size);
    unmap(thread->memory.address, thread->memory.size);
    std::free(thread);
}

// Frees detached threads that are really gone; the others stay in the list.
void free_ended_threads()
{
    Thread* thread = ended_threads.exchange(nullptr);
    while (thread != nullptr) {
        Thread* const next = thread->next_ended;
        if (thread->alive.load() == 0) {
            free_thread(thread);
        } else {
            thread->next_ended = ended_threads.load();
            while (!ended_threads.compare_exchange_weak(thread->next_ended, thread)) { }
        }
        thread = next;
    }
}

// The stack: a guard page, which faults, below `size` bytes.
bool make_stack(Thread& thread, std::uint64_t size)
{
    size = (size + abi::page_size - 1) & ~(abi::page_size - 1);
    const auto object = result_of(raw::memory_create(size + abi::page_size, 0));
    if (!object) return false;
    const auto address = result_of(raw::memory_map(runtime::process_state.space, *object, 0, 0, size + abi::page_size,
        abi::protection_read | abi::protection_write));
    raw::handle_close(*object);
    if (!address) return false;
    raw::memory_protect(runtime::process_state.space, *address, abi::page_size, abi::protection_none);
    thread.stack = *address;
    thread.stack_size = size + abi::page_size;
    return true;
}

// A thread with stack and memory, all else as constructed; nullptr if memory is out.
Thread* make_thread(std::uint64_t stack_size)
{
    if (stack_size == default_stack_size)
        if (Thread* const spare = take_spare()) {
            const runtime::ThreadMemory memory = spare->memory;
            const std::uint64_t stack = spare->stack, size = spare->stack_size;
            runtime::renew_thread_memory(memory);
            auto* const thread = new (spare) Thread;
            thread->memory = memory;
            thread->stack = stack;
            thread->stack_size = size;
            return thread;
        }
    void* const place = std::malloc(sizeof(Thread));
    if (place == nullptr) return nullptr;
    auto* const thread = new (place) Thread;
    if (make_stack(*thread, stack_size)
        && (thread->memory = runtime::make_thread_memory(runtime::thread_control()->process)).control != nullptr)
        return thread;
    free_thread(thread);
    return nullptr;
}

// newlib's state: own errno and buffers, the process's stdio.
void make_reent(struct _reent& reent)
{
    _REENT_INIT_PTR(&reent);
    reent._stdin = _GLOBAL_REENT->_stdin;
    reent._stdout = _GLOBAL_REENT->_stdout;
    reent._stderr = _GLOBAL_REENT->_stderr;
    reent.__sdidinit = 1;
}

// First code of a new thread, on its own stack; FS is set already. Signals are delivered from registration on.
extern "C" [[noreturn]] void orrery_thread_entry(Thread* thread)
{
    runtime::adopt_thread_memory(thread->memory.control);
    thread->memory.control->thread_handle = thread->handle;
    current = thread;
    thread->alive = thread->memory.control->thread_number;
    runtime::use_reent(&thread->reent);
    {
        signal::InhibitSection section;
        section.deliver_on_leave();
    }
    pthread_exit(thread->function(thread->argument));
}

} // namespace

extern "C" int pthread_create(pthread_t* __restrict id, const pthread_attr_t* __restrict attributes,
    void* (*function)(void*), void* __restrict argument)
{
    free_ended_threads();
    if (_GLOBAL_REENT->__sdidinit == 0) __sinit(_GLOBAL_REENT);
    const std::uint64_t stack_size =
        attributes != nullptr && attributes->__stack_size != 0 ? attributes->__stack_size : default_stack_size;
    auto* const thread = make_thread(stack_size);
    if (thread == nullptr) return EAGAIN;
    thread->function = function;
    thread->argument = argument;
    thread->detached = attributes != nullptr && attributes->__detached != 0;
    make_reent(thread->reent);
    abi::ThreadControl& own = *runtime::thread_control();
    // POSIX: the mask is inherited, the pending set is empty.
    for (unsigned group = 0; group < 2; group++)
        thread->memory.control->words[group].initialize(0, own.words[group].allowset());

    // The first call is the first thread's: from now on there is somebody who may need a handle to it.
    if (first_thread.handle == abi::no_handle) {
        const auto self = result_of(raw::thread_self());
        if (!self) {
            free_thread(thread);
            return EAGAIN;
        }
        own.thread_handle = static_cast<abi::Handle>(*self);
        __atomic_store_n(&first_thread.handle, own.thread_handle, __ATOMIC_RELEASE);
    }
    *id = thread;
    live_threads.fetch_add(1);
    // As if called: RSP + 8 is a multiple of 16, and the return address is null.
    const std::uint64_t stack_pointer = thread->stack + thread->stack_size - 16 - 8;
    std::memset(reinterpret_cast<void*>(stack_pointer), 0, 24);
    const auto handle = result_of(raw::thread_create(
        runtime::process_state.space, &orrery_thread_entry, stack_pointer, thread, thread->memory.control));
    if (!handle) {
        live_threads.fetch_sub(1);
        free_thread(thread);
        return EAGAIN;
    }
    __atomic_store_n(&thread->handle, static_cast<abi::Handle>(*handle), __ATOMIC_RELEASE);
    return 0;
}

extern "C" void pthread_exit(void* result)
{
    Thread* const thread = current;
    if (live_threads.fetch_sub(1) == 1) std::exit(0);
    // No handler may run on a stack that is about to be unmapped. The kernel hands the process's signals to others.
    abi::ThreadControl& control = *runtime::thread_control();
    signal::store_in_order(control.inhibit, 1);
    thread->result = result;
    if (thread->detached.exchange(2) == 1) {
        thread->next_ended = ended_threads.load();
        while (!ended_threads.compare_exchange_weak(thread->next_ended, thread)) { }
    }
    raw::thread_end(&thread->alive);
    __builtin_trap();
}

extern "C" int pthread_join(pthread_t thread, void** result)
{
    if (thread == current) return EDEADLK;
    if (thread->detached.load() == 1) return EINVAL;
    // Never EINTR: handlers run, and the wait goes on.
    while (const std::uint32_t alive = thread->alive.load())
        signal::interruptible([&] { return raw::futex_wait_owned(&thread->alive, alive, abi::no_deadline); });
    if (result != nullptr) *result = thread->result;
    if (thread != &first_thread) free_thread(thread);
    return 0;
}

extern "C" int pthread_detach(pthread_t thread)
{
    std::uint32_t joinable = 0;
    if (thread->detached.compare_exchange_strong(joinable, 1)) return 0;
    if (joinable == 1) return EINVAL;
    // It has ended or is about to: nobody will join it, so it is freed once it is gone.
    thread->next_ended = ended_threads.load();
    while (!ended_threads.compare_exchange_weak(thread->next_ended, thread)) { }
    return 0;
}

extern "C" pthread_t pthread_self() { return current; }

extern "C" int pthread_equal(pthread_t left, pthread_t right) { return left == right; }

// To itself as raise().
extern "C" int pthread_kill(pthread_t thread, int number)
{
    if (number < 0 || number > abi::signal_count) return EINVAL;
    if (thread == current) {
        if (number == 0 || raise(number) == 0) return 0;
        return errno;
    }
    // The creator may not have stored it yet when the new thread's friends use it.
    abi::Handle handle = __atomic_load_n(&thread->handle, __ATOMIC_ACQUIRE);
    while (handle == abi::no_handle) {
        raw::thread_yield();
        handle = __atomic_load_n(&thread->handle, __ATOMIC_ACQUIRE);
    }
    const abi::SignalInfo info {
        .code = static_cast<std::int32_t>(abi::SignalCode::thread),
        .status = 0,
        .process_id = runtime::process_state.process_id,
        .user_id = 0,
        .value = 0,
        .address = 0,
        .cause = 0,
    };
    const std::int64_t sent = raw::signal_raise(handle, number, &info);
    return sent >= 0 ? 0 : runtime::errno_of(static_cast<abi::Error>(-sent));
}

extern "C" int pthread_attr_init(pthread_attr_t* attributes)
{
    *attributes = {};
    return 0;
}

extern "C" int pthread_attr_destroy(pthread_attr_t*) { return 0; }

extern "C" int pthread_attr_setdetachstate(pthread_attr_t* attributes, int state)
{
    if (state != PTHREAD_CREATE_DETACHED && state != PTHREAD_CREATE_JOINABLE) return EINVAL;
    attributes->__detached = state;
    return 0;
}

extern "C" int pthread_attr_getdetachstate(const pthread_attr_t* attributes, int* state)
{
    *state = attributes->__detached;
    return 0;
}

extern "C" int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t size)
{
    if (size < PTHREAD_STACK_MIN) return EINVAL;
    attributes->__stack_size = size;
    return 0;
}

extern "C" int pthread_attr_getstacksize(const pthread_attr_t* __restrict attributes, size_t* __restrict size)
{
    *size = attributes->__stack_size != 0 ? attributes->__stack_size : default_stack_size;
    return 0;
}

} // namespace orrery::thread
