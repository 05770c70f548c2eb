// Memory objects: demand zero, copy-on-write clones, moving, advice, replacement under a running thread, physical memory.
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <pthread.h>

#include "abi/memory.h"
#include "abi/scheduling.h"
#include "check.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

std::uint64_t make(std::uint64_t size, std::uint32_t flags = 0) { return must(raw::memory_create(size, flags), "memory_create"); }

char* map(std::uint64_t memory, std::uint64_t size, std::uint32_t protection = read_write, std::uint64_t offset = 0)
{
    return reinterpret_cast<char*>(
        must(raw::memory_map(own_space(), memory, offset, std::uint64_t { 0 }, size, protection), "memory_map"));
}

sigjmp_buf after_fault;
volatile int fault_signal;
volatile int fault_code;
char* volatile fault_address;

void on_fault(int number, siginfo_t* info, void*)
{
    fault_signal = number;
    fault_code = info->si_code;
    fault_address = static_cast<char*>(info->si_addr);
    siglongjmp(after_fault, 1);
}

// The signal that reading (or writing) the byte raises, or 0.
int touch(volatile char* address, bool write)
{
    fault_signal = 0;
    if (sigsetjmp(after_fault, 1) == 0) {
        if (write) *address = 1;
        else (void)*address;
    }
    return fault_signal;
}

void test_demand_zero_and_sharing()
{
    const auto memory = make(4 * page);
    char* first = map(memory, 4 * page);
    char* second = map(memory, 4 * page);
    for (std::uint64_t offset = 0; offset < 4 * page; offset += 512) CHECK(first[offset] == 0);
    first[page + 1] = 'x';
    CHECK(second[page + 1] == 'x'); // two mappings of one object meet
    CHECK_EQUAL(raw::memory_protect(own_space(), second, page, abi::protection_read), 0);
    CHECK_EQUAL(touch(second, true), SIGSEGV);
    CHECK_EQUAL(fault_code, SEGV_ACCERR);
    CHECK(fault_address == second);
    CHECK_EQUAL(touch(second + page, true), 0); // only one page was changed
    CHECK_EQUAL(raw::memory_protect(own_space(), second, page, read_write), 0);
    CHECK_EQUAL(touch(second, true), 0);
    CHECK_EQUAL(raw::memory_protect(own_space(), second, page, abi::protection_write | abi::protection_execute),
        error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_unmap(own_space(), second + page, page), 0);
    CHECK_EQUAL(touch(second + page, false), SIGSEGV);
    CHECK_EQUAL(fault_code, SEGV_MAPERR);
    CHECK_EQUAL(touch(second + 2 * page, false), 0);
    CHECK_EQUAL(raw::handle_close(memory), 0);
    CHECK(first[page + 1] == 'x'); // mappings keep the object
}

void test_clone()
{
    const auto memory = make(8 * page);
    char* original = map(memory, 8 * page);
    for (int index = 0; index < 6; ++index) original[index * page] = static_cast<char>('a' + index);
    const auto copy = must(raw::memory_clone(memory, page, 6 * page), "memory_clone");
    char* clone = map(copy, 6 * page);
    for (int index = 0; index < 5; ++index) CHECK(clone[index * page] == 'b' + index);
    CHECK(clone[5 * page] == 0); // untouched pages stay zero
    original[page] = 'X';
    CHECK(clone[0] == 'b');
    clone[page] = 'Y';
    CHECK(original[2 * page] == 'c' && clone[page] == 'Y');
    char* other_view = map(memory, 8 * page);
    CHECK(other_view[page] == 'X'); // every mapping of the object has the object's own copy
    other_view[3 * page] = 'Z';
    CHECK(original[3 * page] == 'Z' && clone[2 * page] == 'd');
    const auto again = must(raw::memory_clone(copy, std::uint64_t { 0 }, 6 * page), "clone of a clone");
    char* third = map(again, 6 * page);
    clone[4 * page] = '!';
    CHECK(third[4 * page] == 'f' && original[5 * page] == 'f');
    CHECK_EQUAL(raw::memory_clone(memory, page / 2, page), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_clone(memory, 8 * page, page), error(abi::Error::invalid_argument));
}

void test_move()
{
    const auto memory = make(3 * page);
    char* from = map(memory, 3 * page);
    strcpy(from, "one");
    strcpy(from + page, "two");
    strcpy(from + 2 * page, "three");
    char* to = map(make(page), page) + 0x1000000;
    CHECK_EQUAL(raw::memory_move(own_space(), from + page, 2 * page, to), reinterpret_cast<long long>(to));
    CHECK(strcmp(to, "two") == 0 && strcmp(to + page, "three") == 0 && strcmp(from, "one") == 0);
    CHECK_EQUAL(touch(from + page, false), SIGSEGV);
    CHECK_EQUAL(raw::memory_move(own_space(), to, page, from), error(abi::Error::already_exists));
    CHECK_EQUAL(raw::memory_move(own_space(), to, page, from + page), reinterpret_cast<long long>(from + page));
    CHECK(strcmp(from + page, "two") == 0 && strcmp(to + page, "three") == 0);
}

void test_advice()
{
    const auto memory = make(2 * page);
    char* bytes = map(memory, 2 * page);
    bytes[0] = bytes[page] = 7;
    CHECK_EQUAL(raw::memory_advise(own_space(), bytes, page, abi::Advice::forget), 0);
    CHECK(bytes[0] == 0 && bytes[page] == 7);
    // What is not discardable cannot be called clean.
    CHECK_EQUAL(raw::memory_advise(own_space(), bytes, page, abi::Advice::clean), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_advise(own_space(), bytes, page, 99), error(abi::Error::invalid_argument));
}

// Fills memory until clean pages are dropped: never silent zeroes, and what was written since stays.
void test_discard_under_pressure()
{
    constexpr std::uint64_t pages = 64;
    const auto cache = make(pages * page, abi::memory_discardable);
    char* cached = map(cache, pages * page);
    for (std::uint64_t index = 0; index < pages; ++index) cached[index * page] = static_cast<char>(index + 1);
    CHECK_EQUAL(raw::memory_advise(own_space(), cached, pages * page, abi::Advice::clean), 0);
    for (std::uint64_t index = 0; index < pages; ++index) CHECK(cached[index * page] == static_cast<char>(index + 1));
    cached[5 * page] = 99; // written again: no longer clean

    const auto hog = make(std::uint64_t { 4 } << 30);
    char* eaten = map(hog, std::uint64_t { 4 } << 30);
    std::uint64_t count = 0;
    while (touch(eaten + count * page, true) == 0) ++count;
    CHECK_EQUAL(fault_signal, SIGBUS); // out of memory is an error of the one who asked, never a panic
    CHECK_EQUAL(raw::memory_unmap(own_space(), eaten, std::uint64_t { 4 } << 30), 0);
    CHECK_EQUAL(raw::handle_close(hog), 0);

    CHECK_EQUAL(touch(cached, false), SIGBUS);
    CHECK_EQUAL(fault_code, BUS_OBJERR);
    CHECK(fault_address == cached);
    CHECK(cached[5 * page] == 99);
    CHECK_EQUAL(raw::memory_advise(own_space(), cached, page, abi::Advice::restore), 0);
    CHECK_EQUAL(touch(cached, true), 0);
    std::printf("dropped after %llu pages\n", static_cast<unsigned long long>(count));
}

std::atomic<bool> stop_reading { false };
std::atomic<std::uint32_t> reader_alive { 1 };
char* watched;
std::atomic<std::uint64_t> bad_reads { 0 };
std::atomic<std::uint64_t> reads { 0 };

// Every word of a page says the same number, in every page that is put in place; a torn page would show two.
[[noreturn]] void reader()
{
    while (!stop_reading.load()) {
        // A page may be replaced between two reads of this loop, so the numbers may only grow.
        const auto* words = reinterpret_cast<const volatile std::uint64_t*>(watched);
        const std::uint64_t low = words[0];
        const std::uint64_t high = words[511];
        if (high < low) bad_reads.fetch_add(1);
        reads.fetch_add(1);
    }
    raw::thread_end(reinterpret_cast<std::uint32_t*>(&reader_alive));
    __builtin_unreachable();
}

void test_replace_under_running_thread()
{
    const auto target = make(page);
    watched = map(target, page);
    const auto source = make(page);
    static char stack[16384];
    must(raw::thread_create(own_space(), reinterpret_cast<std::uint64_t>(&reader),
             (reinterpret_cast<std::uint64_t>(stack) + sizeof(stack)) / 16 * 16 - 8, std::uint64_t { 0 },
             std::uint64_t { 0 }),
        "thread_create");
    char* writing = map(source, page);
    for (std::uint64_t round = 1; round <= 200; ++round) {
        auto* words = reinterpret_cast<std::uint64_t*>(writing);
        for (int index = 0; index < 512; ++index) words[index] = round;
        CHECK_EQUAL(raw::memory_replace(target, std::uint64_t { 0 }, source, std::uint64_t { 0 }), 0);
        CHECK(reinterpret_cast<volatile std::uint64_t*>(watched)[17] == round);
        CHECK(words[17] == 0); // the source is untouched memory again
    }
    while (reads.load() < 100) raw::thread_yield();
    stop_reading = true;
    while (reader_alive.load() != 0)
        raw::futex_wait(reinterpret_cast<std::uint32_t*>(&reader_alive), 1u, abi::no_deadline);
    CHECK_EQUAL(bad_reads.load(), 0);
}

void test_physical()
{
    const std::uint64_t hardware = auxiliary(abi::Auxiliary::hardware_handle);
    CHECK(hardware != 0);
    const auto memory = must(raw::memory_create_physical(hardware, 256 * 1024, 256 * 1024,
                                 abi::physical_contiguous | abi::physical_below_4g),
        "memory_create_physical");
    CHECK_EQUAL(raw::memory_size(memory), 256 * 1024);
    const auto first = must(raw::memory_physical_address(hardware, memory, std::uint64_t { 0 }), "physical address");
    for (std::uint64_t offset = 0; offset < 256 * 1024; offset += page)
        CHECK_EQUAL(raw::memory_physical_address(hardware, memory, offset), first + offset);
    CHECK(first + 256 * 1024 <= std::uint64_t { 4 } << 30);
    char* bytes = map(memory, 256 * 1024);
    CHECK(bytes[12345] == 0);
    bytes[12345] = 1;
    // More than there is: as much as there is, if the minimum is met; an error if not.
    const auto most = must(raw::memory_create_physical(hardware, page, std::uint64_t { 32 } << 30, 0), "shrinking request");
    CHECK(raw::memory_size(most) >= static_cast<long>(page));
    CHECK_EQUAL(raw::handle_close(most), 0);
    CHECK_EQUAL(raw::memory_create_physical(hardware, std::uint64_t { 32 } << 30, std::uint64_t { 32 } << 30, 0),
        error(abi::Error::out_of_memory));
    // Ordinary memory may move, so a device must not have its address.
    CHECK_EQUAL(raw::memory_physical_address(hardware, make(page), std::uint64_t { 0 }), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::memory_create_physical(memory, page, page, 0), error(abi::Error::wrong_kind));
}

// A program that keeps what it could have again: when memory gets short it is told, and gives it back.
constexpr std::uint64_t cache_size = 4096 * page;
char* cache;
std::atomic<int> told { 0 };

void* give_back_when_told(void*)
{
    const auto level = raw::memory_pressure_wait(abi::MemoryPressure::low, abi::no_deadline);
    told = 1;
    CHECK(level >= static_cast<std::int64_t>(abi::MemoryPressure::low));
    CHECK_EQUAL(raw::memory_advise(own_space(), cache, cache_size, abi::Advice::forget), 0);
    return nullptr;
}

void test_pressure_is_told()
{
    CHECK_EQUAL(raw::memory_pressure_wait(abi::MemoryPressure::none, 0), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_pressure_wait(abi::MemoryPressure::low, 1), error(abi::Error::timed_out));
    cache = map(make(cache_size), cache_size);
    CHECK_EQUAL(raw::memory_advise(own_space(), cache, cache_size, abi::Advice::populate), 0);
    pthread_t listener {};
    CHECK_EQUAL(pthread_create(&listener, nullptr, give_back_when_told, nullptr), 0);
    // Takes memory until the other thread was told; the machine has less than this.
    constexpr std::uint64_t piece = 64 * page;
    char* const taken = map(make(std::uint64_t { 1 } << 32), std::uint64_t { 1 } << 32);
    std::uint64_t size = 0;
    for (; told.load() == 0 && size < std::uint64_t { 1 } << 32; size += piece) {
        CHECK_EQUAL(raw::memory_advise(own_space(), taken + size, piece, abi::Advice::populate), 0);
        raw::thread_yield();
    }
    CHECK_EQUAL(told.load(), 1);
    CHECK_EQUAL(pthread_join(listener, nullptr), 0);
    CHECK(cache[123] == 0); // it was given back, and can be had again
    CHECK_EQUAL(raw::memory_unmap(own_space(), taken, std::uint64_t { 1 } << 32), 0);
}

// The last test: limits stay.
void test_a_limit_is_an_error()
{
    char* const pages = map(make(1024 * page), 1024 * page);
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::memory, 10), 0); // less than there is already
    CHECK_EQUAL(touch(pages, true), SIGBUS);
    CHECK_EQUAL(raw::memory_advise(own_space(), pages, page, abi::Advice::populate), error(abi::Error::limit_reached));
}

} // namespace

int main()
{
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
    test_demand_zero_and_sharing();
    test_clone();
    test_move();
    test_advice();
    test_replace_under_running_thread();
    test_physical();
    test_discard_under_pressure();
    test_pressure_is_told();
    test_a_limit_is_an_error();
    std::printf("all held\n");
}
