// Calls every system call with bad handles, addresses, lengths and numbers, in all combinations or many thousands of
// them. The kernel must answer each with a value or a known error, keep the registers, and still work afterwards.
#include <cstdio>
#include <cstdlib>
#include <orrery/orrery.h>

#include "abi/error.h"
#include "abi/handle.h"
#include "abi/signal.h"
#include "fuzz_call.h"
#include "fuzz_values.h"

namespace {

using namespace orrery;
using abi::Syscall;
using fuzz::highest_error;
using fuzz::system_call;

constexpr std::uint64_t combinations_at_most = 20000;

[[noreturn]] void fail(const char* what, const fuzz::Call* call, const std::uint64_t* words, std::int64_t result)
{
    std::printf("%s\n", what);
    if (call != nullptr) {
        std::printf("in %s(", call->name.data());
        for (std::size_t i = 0; i < call->arguments.count; ++i)
            std::printf("%s0x%llx", i == 0 ? "" : ", ", static_cast<unsigned long long>(words[i]));
        std::printf(") = %lld\n", static_cast<long long>(result));
    }
    std::exit(1);
}

std::int64_t call(Syscall number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0,
    std::uint64_t e = 0, std::uint64_t f = 0)
{
    bool kept = true;
    return system_call(static_cast<std::uint64_t>(number), { a, b, c, d, e, f }, kept);
}

std::uint64_t must(const char* what, std::int64_t result)
{
    if (result < 0) {
        std::printf("%s: %s\n", what, abi::sentence(static_cast<abi::Error>(-result)));
        std::exit(1);
    }
    return static_cast<std::uint64_t>(result);
}

fuzz::Places places;

std::uint64_t make_child()
{
    static const char name[] = "fuzzed";
    return must("space_create", call(Syscall::space_create, reinterpret_cast<std::uint64_t>(name), sizeof(name) - 1));
}

std::uint64_t map(std::uint64_t memory, std::uint64_t length)
{
    return must("memory_map",
        call(Syscall::memory_map, places.space, memory, 0, 0, length, abi::protection_read | abi::protection_write));
}

void make_places()
{
    constexpr std::uint64_t page = abi::page_size;
    const auto auxiliary
        = [](abi::Auxiliary type) { return orrery_auxiliary(static_cast<std::uint64_t>(type), 0, abi::no_handle); };
    places.space = auxiliary(abi::Auxiliary::space_handle);
    places.console = auxiliary(abi::Auxiliary::console_handle);
    places.memory = must("memory_create", call(Syscall::memory_create, 4 * page, 0));
    places.ring = must("ring_create", call(Syscall::ring_create, 16, 8));
    places.scheme = must("scheme_create", call(Syscall::scheme_create));
    places.child = make_child();
    // Four pages: two writable, a hole after them, one read-only.
    // Their object is not among the places: a call that is given it may well change its pages.
    places.writable = map(must("memory_create", call(Syscall::memory_create, 4 * page, 0)), 4 * page);
    __builtin_memset(reinterpret_cast<void*>(places.writable), '.', 4 * page);
    places.hole = places.writable + 2 * page;
    places.read_only = places.writable + 3 * page;
    must("memory_unmap", call(Syscall::memory_unmap, places.space, places.hole, page));
    must("memory_protect", call(Syscall::memory_protect, places.space, places.read_only, page, abi::protection_read));
}

bool is_bad_address(std::uint64_t address)
{
    return address == places.hole || address < abi::user_begin || address >= abi::user_end - 1;
}

// A thread that may not run: in this space it would take the fuzzer along. What a call is asked to do to the fuzzer
// itself, and would do, is left out; the same call on the child is not.
bool is_suicide(const fuzz::Call& call, const std::uint64_t (&words)[6])
{
    const bool own = static_cast<std::uint32_t>(words[0]) == places.space;
    switch (call.number) {
    case Syscall::thread_filter:
    case Syscall::thread_end: return true; // see end_threads_with_bad_words
    case Syscall::handle_close: {
        const auto handle = static_cast<std::uint32_t>(words[0]);
        return handle != 0 && handle < 999;
    }
    case Syscall::space_end:
    case Syscall::space_limit:
    case Syscall::thread_create:
    case Syscall::memory_unmap:
    case Syscall::memory_move:
    case Syscall::memory_advise:
    case Syscall::memory_protect: return own;
    case Syscall::memory_map: return own && words[3] != 0 && words[3] < abi::user_end;
    case Syscall::signal_stop: return words[0] == 0; // nobody would continue it
    case Syscall::signal_register: return !is_bad_address(words[0]) || !is_bad_address(words[1]);
    case Syscall::signal_raise: return own && words[1] >= 1 && words[1] <= abi::signal_count;
    case Syscall::signal_timer:
        return words[0] != 0 && words[2] >= 1 && words[2] <= abi::signal_count
            && abi::default_action(static_cast<int>(words[2])) != abi::DefaultAction::ignore;
    // Not harm, but pages of dots.
    case Syscall::console_write:
        return static_cast<std::uint32_t>(words[0]) == places.console && !is_bad_address(words[1]) && words[2] > 8;
    default: return false;
    }
}

// Undoes what a call that was granted left behind, so that the next one finds the same state.
void undo(const fuzz::Call& made, const std::uint64_t (&words)[6], std::uint64_t result)
{
    switch (made.number) {
    case Syscall::handle_install:
        if (static_cast<std::uint32_t>(words[0]) != places.space) break;
        [[fallthrough]];
    case Syscall::handle_duplicate:
    case Syscall::memory_create:
    case Syscall::memory_clone:
    case Syscall::memory_create_paged:
    case Syscall::event_create:
    case Syscall::space_create:
    case Syscall::thread_self:
    case Syscall::scheme_create:
    case Syscall::ring_create: must("handle_close", call(Syscall::handle_close, result)); break;
    case Syscall::memory_map:
        if (static_cast<std::uint32_t>(words[0]) == places.space)
            must("memory_unmap", call(Syscall::memory_unmap, places.space, result,
                                     (words[4] + abi::page_size - 1) / abi::page_size * abi::page_size));
        break;
    case Syscall::signal_timer: must("signal_timer", call(Syscall::signal_timer, 0, 0, 0)); break;
    case Syscall::thread_create: {
        // It starts where nothing can run, so its space ends by a signal; ten seconds are only a guard.
        const std::uint64_t now = must("clock_now", call(Syscall::clock_now));
        const std::int64_t status = call(Syscall::space_wait, places.child, now + 10'000'000'000);
        if (status < 0 || abi::ExitStatus::from_word(static_cast<std::uint64_t>(status)).signal == 0)
            fail("a thread with a bad entry did not end its space by a signal", &made, words, status);
        call(Syscall::handle_close, result);
        [[fallthrough]];
    }
    case Syscall::space_end:
        call(Syscall::handle_close, places.child);
        places.child = make_child();
        break;
    case Syscall::signal_raise: // a deadly one may have ended the child
        call(Syscall::handle_close, places.child);
        places.child = make_child();
        break;
    default: break;
    }
}

std::uint64_t made = 0, refused = 0;

void attempt(const fuzz::Call& call, const std::uint64_t (&words)[6])
{
    if (is_suicide(call, words)) return;
    bool kept = true;
    const std::int64_t result = system_call(static_cast<std::uint64_t>(call.number), words, kept);
    ++made;
    if (!kept) fail("a register was lost", &call, words, result);
    if (result < -highest_error) fail("the result is neither a value nor a known error", &call, words, result);
    if (result < 0)
        ++refused;
    else
        undo(call, words, static_cast<std::uint64_t>(result));
}

std::uint64_t random_number()
{
    static std::uint64_t state = 0x9e37'79b9'7f4a'7c15; // the same sequence in every run
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

void fuzz_call(const fuzz::Call& call)
{
    std::uint64_t combinations = 1;
    for (std::size_t i = 0; i < call.arguments.count; ++i)
        combinations *= fuzz::values(call.arguments.kinds[i], places).size();
    const bool all = combinations <= combinations_at_most;
    for (std::uint64_t round = 0; round < (all ? combinations : combinations_at_most); ++round) {
        std::uint64_t rest = all ? round : random_number() % combinations;
        std::uint64_t words[6] = {};
        for (std::size_t i = 0; i < call.arguments.count; ++i) {
            const auto values = fuzz::values(call.arguments.kinds[i], places); // the child's handle changes
            words[i] = values[rest % values.size()];
            rest /= values.size();
        }
        attempt(call, words);
    }
}

void refuse_unknown_numbers()
{
    constexpr auto count = static_cast<std::uint64_t>(Syscall::count);
    for (const std::uint64_t number : { count, count + 1, std::uint64_t { 0x7fff'ffff }, std::uint64_t { 0x8000'0000 },
             std::uint64_t { 0x1'0000'0000 }, std::uint64_t { 0x2000'0000'0000'0000 }, // * 8 = 0
             std::uint64_t { 0x8000'0000'0000'0000 }, ~std::uint64_t { 0 } }) {
        bool kept = true;
        const std::int64_t result = system_call(number, {}, kept);
        if (!kept || result != -static_cast<std::int64_t>(abi::Error::unsupported)) {
            std::printf("system call number 0x%llx gave %lld\n", static_cast<unsigned long long>(number),
                static_cast<long long>(result));
            std::exit(1);
        }
    }
}

// A thread of this very space that ends with a bad word must end alone.
alignas(16) char thread_stack[4096];
std::uint32_t thread_alive;

void end_with(std::uint64_t word)
{
    __atomic_store_n(&thread_alive, 2, __ATOMIC_SEQ_CST);
    call(Syscall::thread_end, word);
    __builtin_trap();
}

void end_threads_with_bad_words()
{
    for (const std::uint64_t word : fuzz::values(fuzz::Kind::address, places)) {
        __atomic_store_n(&thread_alive, 1, __ATOMIC_SEQ_CST);
        // As after a call: RSP is 8 below a multiple of 16 (System V ABI 3.2.2).
        const std::uint64_t stack = reinterpret_cast<std::uint64_t>(thread_stack + sizeof(thread_stack)) - 8;
        const std::uint64_t thread = must("thread_create",
            call(Syscall::thread_create, places.space, reinterpret_cast<std::uint64_t>(&end_with), stack, word, 0));
        while (__atomic_load_n(&thread_alive, __ATOMIC_SEQ_CST) == 1)
            call(Syscall::thread_yield);
        // It has said its last word but may still stand on the stack: a signal is refused once it is gone.
        while (call(Syscall::signal_raise, thread, 0) == 0)
            call(Syscall::thread_yield);
        must("handle_close", call(Syscall::handle_close, thread));
    }
}

void still_works()
{
    const std::uint64_t memory = must("memory_create", call(Syscall::memory_create, abi::page_size, 0));
    const std::uint64_t address = map(memory, abi::page_size);
    auto* const word = reinterpret_cast<volatile std::uint64_t*>(address);
    if (*word != 0) fail("new memory is not zeroed", nullptr, nullptr, 0);
    *word = 42;
    must("memory_unmap", call(Syscall::memory_unmap, places.space, address, abi::page_size));
    for (const char* byte = reinterpret_cast<const char*>(places.read_only);
         byte < reinterpret_cast<const char*>(places.read_only + abi::page_size); ++byte)
        if (*byte != '.') fail("the kernel wrote into memory that the program may only read", nullptr, nullptr, 0);
}

} // namespace

int main()
{
    make_places();
    refuse_unknown_numbers();
    for (const auto& call : fuzz::calls) {
        std::printf("%s\n", call.name.data()); // the last one printed is the one that hangs
        std::fflush(stdout);
        fuzz_call(call);
    }
    end_threads_with_bad_words();
    still_works();
    std::printf("\n%llu calls, %llu of them refused; the kernel works\n", static_cast<unsigned long long>(made),
        static_cast<unsigned long long>(refused));
    return made > 1000 && refused > 0 ? 0 : 1;
}
