// From the first instruction to main: reads the auxiliary vector, makes the thread's memory, registers the signal
// words, runs constructors, calls main, and leaves through exit.
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "posix/signal/delivery.h"
#include "posix/signal/peers.h"

#include "abi/startup.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <orrery/orrery.h>
#include <reent.h>

extern "C" {
extern char** environ;
int main(int argc, char** argv, char** envp);

// Bounds of the constructor and destructor arrays, defined by the linker.
using Hook = void (*)();
extern const Hook __preinit_array_start[] __attribute__((weak));
extern const Hook __preinit_array_end[] __attribute__((weak));
extern const Hook __init_array_start[] __attribute__((weak));
extern const Hook __init_array_end[] __attribute__((weak));
extern const Hook __fini_array_start[] __attribute__((weak));
extern const Hook __fini_array_end[] __attribute__((weak));
}

namespace orrery::runtime {

constinit ProcessState process_state;
constinit thread_local ThreadState thread_state;

namespace {

// Startup's own errors end the process: there is nobody to return to.
[[noreturn]] void give_up(const char* sentence)
{
    if (process_state.console != 0) raw::console_write(process_state.console, sentence, std::strlen(sentence));
    raw::space_end(process_state.space, abi::ExitStatus { .code = 127, .signal = 0 }.word());
    __builtin_trap();
}

void run_destructors()
{
    for (const Hook* hook = __fini_array_end; hook != __fini_array_start;)
        (*--hook)();
}

std::uint32_t handle_from_auxiliary(abi::Auxiliary type)
{
    return static_cast<std::uint32_t>(orrery_auxiliary(static_cast<std::uint64_t>(type), 0, 0));
}

// One page for the process, in memory of its own so that nothing else shares it with the kernel.
abi::ProcessControl* make_process_memory()
{
    const auto object = result_of(raw::memory_create(sizeof(abi::ProcessControl), 0));
    if (!object) return nullptr;
    const auto address = result_of(raw::memory_map(
        process_state.space, *object, 0, 0, abi::page_size, abi::protection_read | abi::protection_write));
    raw::handle_close(*object); // the mapping keeps the memory
    if (!address) return nullptr;
    auto* process = reinterpret_cast<abi::ProcessControl*>(*address);
    process->process_id = process_state.process_id;
    return process;
}

void add_introduced_peers()
{
    const auto add = [](abi::Auxiliary handle_type, abi::Auxiliary number_type) {
        for (unsigned i = 0;; i++) {
            const auto handle = orrery_auxiliary(static_cast<std::uint64_t>(handle_type), i, 0);
            const auto number = orrery_auxiliary(static_cast<std::uint64_t>(number_type), i, 0);
            if (handle == 0 || number == 0) return;
            signal::add_peer(static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(handle));
        }
    };
    add(abi::Auxiliary::peer_space_handle, abi::Auxiliary::peer_process_id);
    add(abi::Auxiliary::parent_space_handle, abi::Auxiliary::parent_process_id);
}

} // namespace

[[noreturn]] void end_by_signal(int signal_number)
{
    raw::space_end(
        process_state.space, abi::ExitStatus { .code = 0, .signal = static_cast<std::uint8_t>(signal_number) }.word());
    __builtin_trap();
}

// `stack`: argc, argv..., null, envp..., null, auxiliary vector (System V ABI, AMD64 supplement 3.4.1). Until the
// thread has its memory there is no errno and no thread-local variable.
extern "C" [[noreturn]] void orrery_start(const std::uint64_t* stack)
{
    const int argc = static_cast<int>(stack[0]);
    auto** argv = reinterpret_cast<char**>(const_cast<std::uint64_t*>(stack + 1));
    char** envp = argv + argc + 1;
    environ = envp;
    const auto* auxiliary = reinterpret_cast<const std::uint64_t*>(envp);
    while (*auxiliary != 0)
        auxiliary++;
    process_state.auxiliary = auxiliary + 1;
    process_state.space = handle_from_auxiliary(abi::Auxiliary::space_handle);
    process_state.console = handle_from_auxiliary(abi::Auxiliary::console_handle);
    process_state.process_id = handle_from_auxiliary(abi::Auxiliary::process_id);

    abi::ProcessControl* const process = make_process_memory();
    abi::ThreadControl* const control = process == nullptr ? nullptr : make_thread_memory(process).control;
    if (control == nullptr) give_up("A program could not start: there is no memory for its control pages.\n");
    if (adopt_thread_memory(control) < 0) give_up("A program could not start: the kernel refused its signal pages.\n");

    add_introduced_peers();
    for (const Hook* hook = __preinit_array_start; hook != __preinit_array_end; hook++)
        (*hook)();
    std::atexit(run_destructors);
    for (const Hook* hook = __init_array_start; hook != __init_array_end; hook++)
        (*hook)();
    {
        // Signals that came before there was a place for them.
        signal::InhibitSection section;
        section.deliver_on_leave();
    }
    std::exit(main(argc, argv, envp));
}

} // namespace orrery::runtime

extern "C" std::uint64_t orrery_auxiliary(std::uint64_t type, unsigned index, std::uint64_t otherwise)
{
    for (const std::uint64_t* entry = orrery::runtime::process_state.auxiliary; entry[0] != 0; entry += 2) {
        if (entry[0] == type && index-- == 0) return entry[1];
    }
    return otherwise;
}

// POSIX _exit: nothing is flushed, no function is called.
extern "C" [[noreturn]] void _exit(int status)
{
    using namespace orrery;
    runtime::raw::space_end(runtime::process_state.space,
        abi::ExitStatus { .code = static_cast<std::uint8_t>(status), .signal = 0 }.word());
    __builtin_trap();
}
